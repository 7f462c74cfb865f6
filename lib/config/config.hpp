#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "config/sweep.hpp"

namespace bitdarts::config {

// Every option of the pipeline, typed, with its default. One struct per INI section; the field name is the
// key. What each means, its unit and its range are said once, in options_table.cpp, which --help prints.

struct DataOptions {
  std::vector<std::string> text;
  std::string document = "file";
  std::string json_field = "text";
  std::string on_bad_record = "error";
  double search_fraction = 0.10;
  double test_fraction = 0.10;
};

struct TokenizerOptions {
  std::int64_t vocab_size = 4096;
  std::string model;
  std::int64_t sample_megabytes = 64;
};

struct ModelOptions {
  std::int64_t dim = 256;
  std::int64_t layers = 4;
  std::int64_t heads = 4;
  std::int64_t kv_heads = 0;
  std::int64_t ffn = 0;
  std::int64_t context = 256;
  double rope_theta = 10000.0;
  double norm_eps = 1e-5;
  bool tied_embeddings = true;
};

struct PretrainOptions {
  std::int64_t steps = 1000;
  std::int64_t batch = 32;
  double learning_rate = 3e-3;
  double final_learning_rate = 0.1;
  std::int64_t warmup_steps = 50;
  double weight_decay = 0.1;
  double beta1 = 0.9, beta2 = 0.95;
  double clip_norm = 1.0;
  std::int64_t validation_every = 100;
  std::int64_t validation_batches = 4;
  std::string initial;
};

/// What a search and a finetuning share.
struct QuantizerOptions {
  std::string weight_scale = "tensor";
  bool quantize_head = false;
  std::string tie = "none";
  double clip_decay = 1e-4;
  std::int64_t calibration_sequences = 16;
};

struct SearchOptions {
  std::string strategy = "darts";
  std::int64_t steps = 500;
  std::int64_t batch = 32;
  std::vector<std::string> weight_candidates{"lsq+:4",  "lsq+:8",    "lsq+:16",   "pact:4",     "pact:8",
                                             "pact:16", "uniform:4", "uniform:8", "uniform:16", "fp32"};
  std::vector<std::string> activation_candidates{"lsq+:4",  "lsq+:8",    "lsq+:16",   "pact:4",     "pact:8",
                                                 "pact:16", "uniform:4", "uniform:8", "uniform:16", "fp32"};
  std::string weights = "trained";
  std::string order = "first";
  std::string quantizer_level = "outer";
  std::string relaxation = "softmax";
  std::string cost = "bops";
  std::vector<std::string> budget;
  std::string cost_mode = "dual";
  double cost_weight = 0.0;
  double cost_rate = 1.0;
  double cost_damping = 20.0;
  double cost_ramp = 0.5;
  std::string error_measure = "fisher";
  std::string weight_recovery = "auto";
  std::string error_mode = "fixed";
  double error_weight = 1.0;
  double error_budget = 0.0;
  double temperature = 1.0;
  double final_temperature = 0.3;
  std::int64_t warmup_steps = 50;
  double alpha_learning_rate = 5e-2;
  double alpha_decay = 0.1;
  double quantizer_learning_rate = 1e-3;
  double weight_learning_rate = 3e-4;
  double weight_decay = 0.1;
  double clip_norm = 1.0;
  std::int64_t sensitivity_sequences = 96;
  std::int64_t fisher_batches = 4;
  std::int64_t log_every = 10;
  std::int64_t stop_after_stable = 0;
};

struct FinetuneOptions {
  std::string scheme = "searched";
  std::string ranges = "searched";
  std::string from = "pretrained";
  std::int64_t steps = 300;
  std::int64_t batch = 32;
  double learning_rate = 5e-4;
  double final_learning_rate = 0.1;
  std::int64_t warmup_steps = 20;
  double weight_decay = 0.1;
  double beta1 = 0.9, beta2 = 0.95;
  double quantizer_learning_rate = 1e-3;
  double clip_norm = 1.0;
  std::int64_t validation_every = 50;
  std::int64_t validation_batches = 4;
};

struct EvaluateOptions {
  std::int64_t stride = 0;
  std::int64_t batch = 16;
  std::int64_t max_tokens = 0;
};

struct ReportOptions {
  std::vector<std::string> baselines;
  std::string budgets = "first";
};

/// How the scripts in slurm/ start the stages on a cluster; no stage reads it.
struct SlurmOptions {
  std::string options;
  std::map<std::string, std::string> stages;  ///< by name: chain::names_of_steps()
  std::string task;
  std::string launcher = "auto";
  std::int64_t restarts = 20;
  std::int64_t concurrent = 8;
};

struct RunOptions {
  std::int64_t seed = 1;
  std::int64_t shards = 8;
  std::int64_t threads = 1;
  std::string device = "auto";
  std::string blas_kernel;
  std::int64_t checkpoint_steps = 0;
  double checkpoint_minutes = 10;
  double stop_seconds = 3;
  std::string out = "results/run";
  std::string in;
  std::string resume = "auto";
  bool force = false;
  bool quiet = false;
  std::string progress = "auto";
};

struct Config {
  DataOptions data;
  TokenizerOptions tokenizer;
  ModelOptions model;
  PretrainOptions pretrain;
  QuantizerOptions quantizer;
  SearchOptions search;
  FinetuneOptions finetune;
  EvaluateOptions evaluate;
  ReportOptions report;
  SlurmOptions slurm;
  RunOptions run;
};

/// What the command line asks for.
struct Command {
  enum class Action { work, print_help, print_config, print_version } action = Action::work;
  Config config;
  Sweep sweep;       ///< of the file and of --sweep.KEY=VALUES; part of no product's key
  std::string text;  ///< the help, the resolved INI or the version, for the print_ actions
};

/// Parses `arguments` (without the program name) for the executable bitdarts-<stage>:
/// --config FILE, --section.key=value for every option, the short forms --out --in --resume --force --quiet,
/// --sweep.KEY=VALUES in place of a line of [sweep], --help [section], --print-config, --version. Precedence:
/// command line > environment (BITDARTS_SECTION_KEY) > file > default. Unknown keys anywhere, wrong types and
/// impossible values are ConfigErrors that name file and line, key, value, and the nearest valid key.
Command parse(const std::string& stage, const std::vector<std::string>& arguments,
              const std::vector<std::string>& environment);

/// The INI text that parse() reads back to the same Config; sections in pipeline order, every key.
std::string to_ini(const Config& config);

/// The configuration that to_ini() wrote, from text instead of a file; defaults for what is not in it.
/// ConfigError that names `where` as the place.
Config from_ini(const std::string& text, const std::string& where);
/// The same of a configuration that a product records, which may be of an earlier build: options that have
/// another name today are read by the one they had.
Config from_product(const std::string& text, const std::string& where);

/// Checks every value and combination that can be checked without files; ConfigError otherwise.
void validate(const Config& config);

/// "section.key = value" lines, canonical, of those options of the named sections that change a stage's
/// result: what a product's key is made of. Where files go, how often is saved, how much is printed is not
/// among them, nor what does not bear on search.strategy; run.seed, run.shards, run.threads and run.device
/// are ("run" section).
std::string result_options(const Config& config, const std::vector<std::string>& sections);

}  // namespace bitdarts::config
