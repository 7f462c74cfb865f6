#include "report/run_report.hpp"

#include <fstream>
#include <sstream>

#include "core/error.hpp"
#include "core/hash.hpp"
#include "products/run_baselines.hpp"
#include "report/comparison.hpp"
#include "report/csv_files.hpp"
#include "report/page.hpp"
#include "report/verdict.hpp"

namespace bitdarts::report {

using namespace products;
namespace {

namespace fs = std::filesystem;

const std::string page_name = "report.html", mark_begin = "<!-- bitdarts-report key ", mark_end = " -->\n";

std::string text_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return file ? text.str() : std::string{};
}

// Whole or not there; a page that is open in a browser stays what it was.
void write_whole(const fs::path& path, const std::string& text) {
  const fs::path temporary = path.string() + ".tmp";
  {
    std::ofstream file(temporary, std::ios::binary | std::ios::trunc);
    file << text;
    file.close();
    if (!file) {
      std::error_code ignored;
      fs::remove(temporary, ignored);
      throw Error("cannot write the file", path.string(), "look at free space, quota and write permission");
    }
  }
  std::error_code failed;
  fs::rename(temporary, path, failed);
  if (failed) throw Error("cannot put the file in its place (" + failed.message() + ")", path.string());
}

// "key file file ...": the last line of a page.
std::string mark_of(const std::string& key, const std::map<std::string, std::string>& files) {
  std::string mark = mark_begin + key;
  for (const auto& [name, text] : files) mark += " " + name;
  return mark + mark_end;
}

void print_results(const Console& console, const Comparison& comparison, const fs::path& page) {
  if (!comparison.models.empty()) console.result(aligned(comparison_table(comparison)));
  console.result(comparison.models.empty() ? "No evaluation yet: nothing to compare."
                                           : verdict_in_words(comparison));
  console.result("Report: " + page.string());
}

// "results/quickstart/" -> "quickstart".
std::string name_of(const fs::path& out) {
  const fs::path path = fs::absolute(out).lexically_normal();
  return path.has_filename() ? path.filename().string() : path.parent_path().filename().string();
}

}  // namespace

std::string report_key(const Products& products) {
  Hasher hasher;
  hasher.text(std::to_string(report_schema));
  for (const auto& [name, product] : products.all())
    hasher.text(name)
        .text(product->content_hash)
        .text(product->provenance.key)
        .text(product->provenance.ended);
  for (const std::string& problem : products.problems) hasher.text(problem);
  hasher.text(left_in_words(products));
  return hasher.hex();
}

bool is_up_to_date(const fs::path& folder, const Products& products) {
  const std::string page = text_of(folder / page_name);
  const auto at = page.rfind(mark_begin);
  if (at == std::string::npos || !page.ends_with(mark_end)) return false;
  std::istringstream words(
      page.substr(at + mark_begin.size(), page.size() - at - mark_begin.size() - mark_end.size()));
  std::string key, file;
  if (!(words >> key) || key != report_key(products)) return false;
  std::error_code ignored;
  while (words >> file)
    if (!fs::is_regular_file(folder / file, ignored)) return false;
  return true;
}

void write_report(const fs::path& folder, const Products& products, const std::string& name) {
  const Comparison comparison = compare(products);
  const auto files = csv_files(products, comparison);
  const std::string page = report_page(products, comparison, name) + mark_of(report_key(products), files);
  std::error_code failed;
  fs::create_directories(folder, failed);
  if (failed) throw Error("cannot make the folder (" + failed.message() + ")", folder.string());
  for (const auto& [file, text] : files) write_whole(folder / file, text);
  for (const char* file : {"comparison.csv", "verdicts.csv", "scheme.csv", "losses.csv", "search.csv",
                           "probabilities.csv", "discretisation.csv", "provenance.csv"})
    if (!files.contains(file)) fs::remove(folder / file, failed);
  write_whole(folder / page_name, page);
}

void run_report(const stage::Context& context) {
  if (!context.world.root()) return;
  const Products products = load_products(context.out, context.in, &context.config);
  for (const std::string& problem : products.problems) context.console.warn(problem);
  if (!products.left.empty()) context.console.note(left_in_words(products));
  if (products.empty()) {
    throw InputError("there is no product to report on", context.out.string(),
                     "run the stages with the same --out first, bitdarts-tokenize before all others");
  }
  const fs::path folder = context.out / "report";
  if (!context.config.run.force && is_up_to_date(folder, products)) {
    context.console.note("up to date (" + (folder / page_name).string() + ")");
  } else {
    write_report(folder, products, name_of(context.out));
    context.console.note("wrote " + (folder / page_name).string());
  }
  print_results(context.console, compare(products), folder / page_name);
}

}  // namespace bitdarts::report
