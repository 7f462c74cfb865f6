#pragma once
#include <filesystem>
#include <string>

#include "products/products.hpp"
#include "stage/stage.hpp"

namespace bitdarts::report {

/// What the report says, and how it looks, changes with this number: reports of older programs are made
/// again.
inline constexpr int report_schema = 2;

/// The report stage: every product in context.out and its baselines/*/ -> report/report.html and
/// report/*.csv; prints the comparison table, the verdict and the path. Rank 0 works alone. InputError when
/// there is no product at all.
void run_report(const stage::Context& context);

/// What a report of these products is known by: the hash of their contents and of their provenance.
std::string report_key(const products::Products& products);

/// Writes report.html and the CSV files, each whole or not at all, the page last: its last line names the
/// key. Files of an older report that this one does not have are removed.
void write_report(const std::filesystem::path& folder, const products::Products& products,
                  const std::string& name);
/// Is there a complete report of these products?
bool is_up_to_date(const std::filesystem::path& folder, const products::Products& products);

}  // namespace bitdarts::report
