#pragma once
#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "quant/cost.hpp"
#include "store/metrics.hpp"
#include "store/product.hpp"

/// Products as the stages write them, with numbers made up by formula: for tests of what reads them.
namespace synthetic {

namespace fs = std::filesystem;
using namespace bitdarts;

struct Sizes {
  int blocks = 2;
  int steps = 40;
  int log_every = 10;
};

std::vector<quant::LayerShape> layers(const Sizes& sizes);
std::vector<quant::Candidate> candidates();
/// A scheme that differs from layer to layer.
quant::Scheme scheme(const Sizes& sizes);

store::Provenance provenance(const std::string& stage, const std::vector<store::InputRecord>& inputs = {});
/// The record of an input that is the file at `path`.
store::InputRecord input(const std::string& name, const fs::path& path);

void write_tokens(const fs::path& path);
void write_pretrained(const fs::path& path, const fs::path& tokens, const Sizes& sizes = {});
/// `recovery`: search.weight_recovery of its configuration.
void write_searched(const fs::path& path, const fs::path& run, const Sizes& sizes = {},
                    const std::string& strategy = "darts", const std::string& recovery = "auto");
/// `scheme_name`: "searched" or what finetune.scheme said.
void write_finetuned(const fs::path& path, const fs::path& run, const std::string& scheme_name,
                     const Sizes& sizes = {}, int steps = 30, double learning_rate = 1e-4,
                     void (*change)(config::Config&) = nullptr);
struct Result {
  std::string scheme;
  double perplexity, bops_ratio;
  std::string strategy{}, budget{}, chosen{};  ///< written where not empty
  bool as_before = false;  ///< without what evaluations once did not have: losses by window, bops_ratio_all
};
void write_evaluation(const fs::path& folder, const fs::path& run, const Result& result);

/// A whole run with a searched scheme and baselines of these results.
void write_run(const fs::path& run, const Result& searched, const std::vector<Result>& baselines,
               const Sizes& sizes = {});

}  // namespace synthetic
