#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "config/sweep.hpp"

namespace bitdarts::config {

// Every option of the pipeline, typed, with its default. One struct per INI section; the field name is the
// key. Lists are written with spaces or commas between the items.

struct DataOptions {
  std::vector<std::string>
      text;  ///< files, directories (searched recursively), globs; .txt .gz .jsonl .jsonl.gz
  std::string document =
      "file";  ///< what one document is in plain text: file | paragraph (blank line between) | line
  std::string json_field = "text";  ///< the field of a JSON Lines record that holds the text
  double search_fraction = 0.10;    ///< share of documents for the outer level (never seen by the weights)
  double test_fraction = 0.10;      ///< share of documents for evaluation only
};

struct TokenizerOptions {
  std::int64_t vocab_size = 4096;      ///< pieces, 256 byte pieces included
  std::string model;                   ///< an existing SentencePiece .model instead of training one
  std::int64_t sample_megabytes = 64;  ///< text given to the trainer at most [MB], drawn by document hash
};

struct ModelOptions {
  std::int64_t dim = 256;  ///< width of the residual stream
  std::int64_t layers = 4;
  std::int64_t heads = 4;
  std::int64_t kv_heads = 0;   ///< grouped-query attention; 0: as many as heads
  std::int64_t ffn = 0;        ///< SwiGLU width; 0: 8/3 dim rounded up to a multiple of 16
  std::int64_t context = 256;  ///< tokens
  double rope_theta = 10000.0;
  double norm_eps = 1e-5;
  bool tied_embeddings = true;  ///< output head = embedding matrix
};

struct PretrainOptions {
  std::int64_t steps = 1000;
  std::int64_t batch = 32;           ///< sequences per step over all shards
  double learning_rate = 3e-3;       ///< peak
  double final_learning_rate = 0.1;  ///< share of the peak at the end of the cosine
  std::int64_t warmup_steps = 50;
  double weight_decay = 0.1;  ///< matrices only
  double beta1 = 0.9, beta2 = 0.95;
  double clip_norm = 1.0;               ///< global gradient norm; 0: off
  std::int64_t validation_every = 100;  ///< steps; 0: at the end alone
  std::int64_t validation_batches = 4;  ///< batches of the search part
  std::string initial;                  ///< start from the weights of this product instead of random ones
};

struct SearchOptions {
  std::string strategy = "darts";  ///< darts | sensitivity | fisher | uniform | random:N
  std::int64_t steps = 500;
  std::int64_t batch = 32;  ///< sequences per level and step over all shards
  std::vector<std::string> weight_candidates{"lsq+:4",  "lsq+:8",    "lsq+:16",   "pact:4",     "pact:8",
                                             "pact:16", "uniform:4", "uniform:8", "uniform:16", "fp32"};
  std::vector<std::string> activation_candidates{"lsq+:4",  "lsq+:8",    "lsq+:16",   "pact:4",     "pact:8",
                                                 "pact:16", "uniform:4", "uniform:8", "uniform:16", "fp32"};
  std::string weight_scale = "tensor";    ///< tensor | channel (one scale per output channel)
  bool quantize_head = false;             ///< the output head is a quantized layer too
  std::string tie = "none";               ///< none | shared-input (q,k,v and gate,up get one choice)
  std::string weights = "trained";        ///< trained | frozen (no inner level)
  std::string order = "first";            ///< first | second (DARTS unrolled gradient)
  std::string quantizer_level = "outer";  ///< outer | inner: which level trains steps, offsets, clips
  std::string relaxation = "softmax";     ///< softmax | gumbel
  std::string cost = "bops";              ///< bops | size
  std::vector<std::string>
      budget;  ///< a scheme is found for each; the first is the pipeline's own. Empty: one, and no limit.
               ///< "w4a8" (what that uniform scheme costs) | "4.5bits" (mean weight bits) | "0.02" or "2%"
               ///< (BOPs ratio to 32x32) | "1.5MB" (packed quantized weights)
  std::string cost_mode = "dual";  ///< λ_cost: dual | uncertainty | fixed
  double cost_weight = 0.0;        ///< λ_cost at the start (dual: 0 is right; fixed: its value)
  double cost_rate =
      1.0;  ///< dual: η, the integral gain per step, in balance units (see search/multiplier.hpp)
  double cost_damping = 20.0;  ///< dual: ρ of the augmented Lagrangian (proportional gain), in balance units
  double cost_ramp =
      0.5;  ///< dual: share of the steps over which the target falls from the start cost to the budget
  std::string error_measure = "fisher";  ///< of L_err: fisher (nats per token) | relative
  std::string weight_recovery =
      "auto";                        ///< share of a weight's error that finetuning takes back: auto | 0..1
  std::string error_mode = "fixed";  ///< λ_err: uncertainty | dual | fixed
  double error_weight = 1.0;         ///< λ_err at the start (fixed: its value; 0 switches the term off)
  double error_budget = 0.0;         ///< dual λ_err only: the L_err allowed
  double temperature = 1.0;          ///< τ of the softmax at the start
  double final_temperature =
      0.3;  ///< τ at the end (geometric annealing once the target has reached the budget)
  std::int64_t warmup_steps = 50;     ///< steps with α frozen
  double alpha_learning_rate = 5e-2;  ///< Adam on α
  double alpha_decay =
      0.1;  ///< decoupled decay of α: keeps it from saturating, so that the cost can still be moved
  double quantizer_learning_rate = 1e-3;  ///< Adam on log-scaled steps, clips; relative to their size
  double weight_learning_rate = 3e-4;     ///< AdamW on the weights (inner level)
  double weight_decay = 0.1;
  double clip_norm = 1.0;
  double clip_decay = 1e-4;                 ///< PACT: λ_a of λ_a·a²
  std::int64_t calibration_sequences = 16;  ///< sequences that initialise the activation quantizers
  std::int64_t sensitivity_sequences = 96;  ///< of the search part, for the loss of each layer's candidates
  std::int64_t fisher_batches = 4;          ///< batches whose squared gradients are averaged
  std::int64_t log_every = 10;              ///< steps
  std::int64_t stop_after_stable = 0;       ///< stop when no argmax changed for so many steps; 0: never
};

struct FinetuneOptions {
  std::string scheme = "searched";  ///< searched[:BUDGET] | STRATEGY[:BUDGET] | best | uniform:METHOD:wXaY |
                                    ///< FILE with a scheme table (config/scheme_word.hpp)
  std::string ranges = "searched";  ///< searched | calibrated: where steps, offsets and clips start
  std::string from = "pretrained";  ///< pretrained | searched: the weights to start from
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
  std::int64_t stride = 0;      ///< tokens between window starts; 0: the context length (no overlap)
  std::int64_t batch = 16;      ///< sequences at a time
  std::int64_t max_tokens = 0;  ///< 0: the whole test part
};

struct ReportOptions {
  std::vector<std::string>
      baselines;  ///< schemes that pipelines/run finds, finetunes and evaluates beside the searched one
  std::string budgets = "first";  ///< first | all: the budgets at which found schemes are in the report
};

/// How the scripts in slurm/ start the stages on a cluster; no stage reads it.
struct SlurmOptions {
  std::string options;  ///< sbatch options of every job: "--partition=long --time=8:00:00"
  std::string tokenize, pretrain, search, finetune, evaluate,
      report;                     ///< of one stage's jobs, after those of every job
  std::string task;               ///< of a task of a sweep, all of its stages
  std::string launcher = "auto";  ///< auto (srun with pmix, else mpirun) | srun | mpirun
  std::int64_t restarts = 20;     ///< a job that was interrupted goes on so many times
  std::int64_t concurrent = 8;    ///< tasks of a sweep that run at the same time
};

struct RunOptions {
  std::int64_t seed = 1;
  std::int64_t shards = 8;            ///< K virtual shards of every batch; the ranks must divide it
  std::int64_t threads = 1;           ///< per rank
  std::string device = "auto";        ///< auto | cpu | cuda
  std::string blas_kernel;            ///< of OpenBLAS; empty: the best that the processor has
  std::int64_t checkpoint_steps = 0;  ///< steps between checkpoints; 0: by time alone
  double checkpoint_minutes = 10;     ///< minutes between checkpoints; 0: by steps alone
  std::string out = "results/run";    ///< where products go          (--out)
  std::string in;                     ///< where inputs are; empty: as out (--in)
  std::string resume = "auto";        ///< auto | never | require     (--resume)
  bool force = false;                 ///< rebuild a product that is up to date (--force)
  bool quiet = false;                 ///< no progress                (--quiet)
  std::string progress = "auto";      ///< auto (a bar on a terminal, else lines) | bar | lines
};

struct Config {
  DataOptions data;
  TokenizerOptions tokenizer;
  ModelOptions model;
  PretrainOptions pretrain;
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

/// Checks every value and combination that can be checked without files; ConfigError otherwise.
void validate(const Config& config);

/// "section.key = value" lines, canonical, of those options of the named sections that change a stage's
/// result: what a product's key is made of. Where files go, how often is saved, how much is printed is not
/// among them, nor what does not bear on search.strategy; run.seed, run.shards, run.threads and run.device
/// are ("run" section).
std::string result_options(const Config& config, const std::vector<std::string>& sections);

}  // namespace bitdarts::config
