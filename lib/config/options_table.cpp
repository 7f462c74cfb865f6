#include "config/options_table.hpp"

#include <utility>

#include "chain/stages.hpp"
#include "config/scheme_word.hpp"
#include "config/syntax.hpp"

namespace bitdarts::config {
namespace {

Rule at_least(double min) { return {.min = min}; }
// What no machine holds is a slip of the pen, and the products of such sizes would not fit 64 bits.
constexpr double largest_size = 1 << 24, most_sequences = 1 << 30;
Rule size_from(double min) { return {.min = min, .max = largest_size}; }
Rule more_than(double min) { return {.min = min, .above = true}; }
Rule between(double min, double max) { return {.min = min, .max = max}; }
Rule inside(double min, double max) { return {.min = min, .max = max, .above = true, .below = true}; }
Rule share_below_one() { return {.min = 0, .max = 1, .below = true}; }
Rule one_of(std::vector<std::string> choices) { return {.choices = std::move(choices)}; }
Rule accepted_by(std::string (*check)(const std::string&)) { return {.check = check}; }
Rule candidates() { return {.check = candidate_complaint, .required = true}; }

/// Adds options of one section.
struct Adder {
  std::vector<Option>& table;
  std::string section;
  template <class T>
  Option& operator()(const char* key, T& field, const char* unit, const char* help, Rule rule = {}) {
    return table.emplace_back(Option{section, key, &field, unit, help, std::move(rule)});
  }
};

void add_data(std::vector<Option>& table, DataOptions& o) {
  Adder add{table, "data"};
  add("text", o.text, "",
      "text to learn from: files, directories (searched recursively), globs; .txt, JSON Lines (.jsonl, "
      ".ndjson, .json), each also with .gz");
  add("document", o.document, "", "what one document is in plain text (paragraph: up to a blank line)",
      one_of({"file", "paragraph", "line"}));
  add("json_field", o.json_field, "", "field of a JSON Lines record that holds the text");
  add("on_bad_record", o.on_bad_record, "",
      "what to do with a JSON Lines record that has no text in that field: an error, or skip and count it",
      one_of({"error", "skip"}));
  add("search_fraction", o.search_fraction, "share of documents",
      "kept for the outer level of the search and for validation", inside(0, 1));
  add("test_fraction", o.test_fraction, "share of documents", "kept for evaluation only", inside(0, 1));
}

void add_tokenizer(std::vector<Option>& table, TokenizerOptions& o) {
  Adder add{table, "tokenizer"};
  add("vocab_size", o.vocab_size, "pieces", "size of the vocabulary, 256 byte pieces included",
      between(260, 1 << 24));
  add("model", o.model, "", "an existing SentencePiece .model to use instead of training one");
  add("sample_megabytes", o.sample_megabytes, "MB",
      "text given to the trainer at most, drawn by document hash", between(1, most_sequences));
}

void add_model(std::vector<Option>& table, ModelOptions& o) {
  Adder add{table, "model"};
  add("dim", o.dim, "features", "width of the residual stream", size_from(2));
  add("layers", o.layers, "blocks", "transformer blocks", between(1, 4096));
  add("heads", o.heads, "heads", "attention heads; they divide model.dim into even parts", size_from(1));
  add("kv_heads", o.kv_heads, "heads",
      "heads of keys and values (grouped-query attention); 0: as many as model.heads", size_from(0));
  add("ffn", o.ffn, "features",
      "width of the SwiGLU layer; 0: 8/3 of model.dim, rounded up to a multiple of 16", size_from(0));
  add("context", o.context, "tokens", "length of a sequence", size_from(1));
  add("rope_theta", o.rope_theta, "", "base of the rotary position frequencies", more_than(1));
  add("norm_eps", o.norm_eps, "", "added to the mean square in RMSNorm", more_than(0));
  add("tied_embeddings", o.tied_embeddings, "", "the output head is the embedding matrix");
}

// What pretraining and finetuning have in common.
template <class Options>
void add_training(Adder& add, Options& o) {
  add("batch", o.batch, "sequences", "sequences per step over all shards", between(1, most_sequences));
  add("learning_rate", o.learning_rate, "", "peak learning rate of AdamW", more_than(0));
  add("final_learning_rate", o.final_learning_rate, "share of the peak",
      "learning rate at the end of the cosine", between(0, 1));
  add("warmup_steps", o.warmup_steps, "steps", "linear rise of the learning rate", at_least(0));
  add("weight_decay", o.weight_decay, "", "decoupled weight decay of matrices", at_least(0));
  add("beta1", o.beta1, "", "AdamW: decay of the first moment", share_below_one());
  add("beta2", o.beta2, "", "AdamW: decay of the second moment", share_below_one());
  add("clip_norm", o.clip_norm, "", "largest global gradient norm; 0: no clipping", at_least(0));
  add("validation_every", o.validation_every, "steps", "steps between validations; 0: at the end alone",
      at_least(0));
  add("validation_batches", o.validation_batches, "batches", "batches of the search part in a validation",
      at_least(1));
}

void add_pretrain(std::vector<Option>& table, PretrainOptions& o) {
  Adder add{table, "pretrain"};
  add("steps", o.steps, "steps", "training steps", at_least(1));
  add_training(add, o);
  add("initial", o.initial, "", "start from the weights of this product instead of random ones");
}

void add_quantizer(std::vector<Option>& table, QuantizerOptions& o) {
  Adder add{table, "quantizer"};
  add("weight_scale", o.weight_scale, "", "one scale per weight matrix, or one per output channel",
      one_of({"tensor", "channel"}));
  add("quantize_head", o.quantize_head, "", "the output head is a quantized layer too");
  add("tie", o.tie, "", "shared-input: q, k, v get one choice, and gate, up another",
      one_of({"none", "shared-input"}));
  add("clip_decay", o.clip_decay, "", "PACT: λ_a of λ_a·a²", at_least(0));
  add("calibration_sequences", o.calibration_sequences, "sequences",
      "text that initialises the activation quantizers", between(1, most_sequences));
}

void add_search_problem(Adder& add, SearchOptions& o) {
  add("strategy", o.strategy, "",
      "what finds the scheme. darts: gradient descent; sensitivity: loss with one layer quantized at a time; "
      "fisher: the diagonal estimate of that; uniform: the best uniform scheme; random or random:N: the N-th "
      "random one. Each within search.budget",
      accepted_by(strategy_complaint));
  add("steps", o.steps, "steps", "search steps; each is one outer and one inner update", at_least(1));
  add("batch", o.batch, "sequences", "sequences per level and step over all shards",
      between(1, most_sequences));
  add("weight_candidates", o.weight_candidates, "",
      "quantizers to choose from for weights: METHOD:BITS (lsq+ pact uniform; 2 to 16 bits) or fp32",
      candidates());
  add("activation_candidates", o.activation_candidates, "", "the same for the input of every layer",
      candidates());
  add("weights", o.weights, "",
      "trained by the inner level, or frozen: one pass a step instead of two, and search.order is then "
      "first: "
      "there is no inner step to look through",
      one_of({"trained", "frozen"}));
  add("order", o.order, "",
      "gradient of α: first order, or the DARTS unrolled second order (with search.weights = frozen the "
      "two are the same: first)",
      one_of({"first", "second"}));
  add("quantizer_level", o.quantizer_level, "", "level that trains step sizes, offsets and clips",
      one_of({"outer", "inner"}));
  add("relaxation", o.relaxation, "", "how α becomes mixing weights", one_of({"softmax", "gumbel"}));
}

void add_search_costs(Adder& add, SearchOptions& o) {
  add("cost", o.cost, "", "what a scheme costs: bit operations, or bits of the weights",
      one_of({"bops", "size"}));
  add("budget", o.budget, "",
      "what the scheme may cost; empty: no limit. w4a8 (as that uniform scheme) | 0.02 or 2% (of the 32-bit "
      "BOPs; cost bops) | "
      "4.5bits (a weight; cost size) | 1.5MB (cost size, which counts all that is stored: codes, scales, "
      "offsets). Several: one "
      "search finds a scheme for each, finetune.scheme = searched:BUDGET takes another than the first",
      accepted_by(budget_complaint));
  add("cost_mode", o.cost_mode, "",
      "how λ_cost is found. dual: rises until the budget is met (without a budget it stays 0); "
      "uncertainty: balances the scale of the losses, knows no budget; fixed: search.cost_weight",
      one_of({"dual", "uncertainty", "fixed"}));
  add("cost_weight", o.cost_weight, "", "λ_cost at the start (fixed: its value)", at_least(0));
  add("cost_rate", o.cost_rate, "per step",
      "dual: η, integral gain; 1: at twice the target λ grows each step by what balances the task",
      more_than(0));
  add("cost_damping", o.cost_damping, "",
      "dual: ρ of the augmented Lagrangian, proportional gain, in the same unit", at_least(0));
  add("cost_ramp", o.cost_ramp, "share of the steps",
      "dual: the target falls from the cost at the start to the budget over so many", between(0, 1));
  add("error_measure", o.error_measure, "",
      "of the quantization error L_err. fisher: the increase of the loss by its curvature, in nats per token "
      "(diagonal of the empirical Fisher matrix), summed over the layers; relative: squared error over "
      "square, averaged over the layers",
      one_of({"fisher", "relative"}));
  add("weight_recovery", o.weight_recovery, "share of the error",
      "what finetuning is expected to take back of a weight's quantization error, so that the choice does "
      "not "
      "count it; inputs get no such discount. 0 to 1; auto: 0.75 with darts, 0 with the other strategies, as "
      "they are published",
      accepted_by(share_complaint));
  add("error_mode", o.error_mode, "",
      "how λ_err is found. fixed: search.error_weight; uncertainty: balances the scale of the losses, its "
      "stationary point is λ_err = 1 / L_err, encodes no budget; dual: search.error_budget",
      one_of({"uncertainty", "dual", "fixed"}));
  add("error_weight", o.error_weight, "",
      "λ_err at the start (fixed: its value; 1 with search.error_measure = fisher: nats count as nats); 0: "
      "the quantization error is no part of the loss",
      at_least(0));
  add("error_budget", o.error_budget, "nats per token, or relative error",
      "dual λ_err: the L_err that is allowed", at_least(0));
}

void add_search_schedule(Adder& add, SearchOptions& o) {
  add("temperature", o.temperature, "", "τ of the softmax over α at the start", more_than(0));
  add("final_temperature", o.final_temperature, "",
      "τ at the end; falls geometrically once the target has reached the budget", more_than(0));
  add("warmup_steps", o.warmup_steps, "steps", "α frozen", at_least(0));
  add("alpha_learning_rate", o.alpha_learning_rate, "", "Adam on α", more_than(0));
  add("alpha_decay", o.alpha_decay, "",
      "decoupled weight decay of α: keeps p from saturating while the cost moves", at_least(0));
  add("quantizer_learning_rate", o.quantizer_learning_rate, "relative to their size",
      "Adam on step sizes, offsets and clips", more_than(0));
  add("weight_learning_rate", o.weight_learning_rate, "", "AdamW on the weights (inner level)", at_least(0));
  add("weight_decay", o.weight_decay, "", "decoupled weight decay of matrices", at_least(0));
  add("clip_norm", o.clip_norm, "", "largest global gradient norm of the weights; 0: no clipping",
      at_least(0));
  add("sensitivity_sequences", o.sensitivity_sequences, "sequences",
      "of the search part, on which the loss of one quantized layer is measured", between(1, most_sequences));
  add("fisher_batches", o.fisher_batches, "batches", "over which the Fisher information is averaged",
      between(1, most_sequences));
  add("log_every", o.log_every, "steps", "steps between records of α, entropy and costs", at_least(1));
  add("stop_after_stable", o.stop_after_stable, "steps",
      "stop when no site's most probable candidate changed for so many since the target reached the last "
      "budget (the scheme may differ from those: it follows the errors); 0: never",
      at_least(0));
}

void add_search(std::vector<Option>& table, SearchOptions& o) {
  Adder add{table, "search"};
  add_search_problem(add, o);
  add_search_costs(add, o);
  add_search_schedule(add, o);
}

void add_finetune(std::vector<Option>& table, FinetuneOptions& o) {
  Adder add{table, "finetune"};
  add("scheme", o.scheme, "",
      "searched | STRATEGY (see search.strategy; from baselines/STRATEGY/searched.h5), each with :BUDGET for "
      "another than the first | best (of searched, report.baselines and the rows of report.budgets = all, "
      "within the first budget, by the finetuned loss on the search part) | uniform:METHOD:wXaY (every layer "
      "alike) | FILE with a scheme table",
      accepted_by(scheme_complaint));
  add("ranges", o.ranges, "",
      "where steps, offsets and clips start: as the search of the scheme left them, or from calibration; a "
      "scheme of no search starts from calibration",
      one_of({"searched", "calibrated"}));
  add("from", o.from, "", "weights to start from", one_of({"pretrained", "searched"}));
  add("steps", o.steps, "steps", "training steps; 0: quantize only", at_least(0));
  add_training(add, o);
  add("quantizer_learning_rate", o.quantizer_learning_rate, "relative to their size",
      "Adam on step sizes, offsets and clips", more_than(0));
}

void add_evaluate(std::vector<Option>& table, EvaluateOptions& o) {
  Adder add{table, "evaluate"};
  add("stride", o.stride, "tokens", "between the starts of two windows; 0: model.context (no overlap)",
      at_least(0));
  add("batch", o.batch, "sequences", "sequences at a time", between(1, most_sequences));
  add("max_tokens", o.max_tokens, "tokens", "evaluate at most this many; 0: the whole test part",
      at_least(0));
}

void add_report(std::vector<Option>& table, ReportOptions& o) {
  Adder add{table, "report"};
  add("baselines", o.baselines, "",
      "schemes to find, finetune and evaluate beside the searched one: darts, sensitivity, fisher, uniform, "
      "random:N (each but search.strategy's own), "
      "searched:BUDGET, uniform:METHOD:wXaY or FILE, as in finetune.scheme",
      accepted_by(baseline_complaint));
  add("budgets", o.budgets, "",
      "all: the searched scheme and the strategies among report.baselines at every budget of search.budget, "
      "not at the first alone",
      one_of({"first", "all"}));
}

void add_slurm(std::vector<Option>& table, SlurmOptions& o) {
  Adder add{table, "slurm"};
  const auto aside = [&add](const char* key, auto& field, const char* unit, const char* help, Rule rule) {
    add(key, field, unit, help, std::move(rule)).changes_result = false;
  };
  const Rule sbatch = accepted_by(sbatch_complaint);
  aside("options", o.options, "", "sbatch options of every job: --partition=long --time=8:00:00", sbatch);
  for (const std::string& stage : chain::names_of_steps())
    aside(stage.c_str(), o.stages[stage], "",
          "sbatch options of this stage's jobs; they overrule slurm.options", sbatch);
  aside("task", o.task, "", "the same for the job of a task of a sweep", sbatch);
  aside("launcher", o.launcher, "", "what starts the ranks (auto: srun where it knows pmix, else mpirun)",
        one_of({"auto", "srun", "mpirun"}));
  aside("restarts", o.restarts, "times", "that a job is queued again", at_least(0));
  aside("concurrent", o.concurrent, "tasks", "of a sweep that run at the same time", at_least(1));
}

void add_run(std::vector<Option>& table, RunOptions& o) {
  Adder add{table, "run"};
  add("seed", o.seed, "", "of every random number", at_least(0));
  add("shards", o.shards, "shards",
      "virtual shards of every batch, a power of two; the MPI ranks must divide it", between(1, 1 << 20));
  add("threads", o.threads, "threads", "per rank", between(1, 4096));
  add("device", o.device, "", "where tensors live", one_of({"auto", "cpu", "cuda"}));
  add("blas_kernel", o.blas_kernel, "",
      "of OpenBLAS (Haswell, SkylakeX ...); the same bits hold on one kernel, and a cluster of several kinds "
      "of "
      "processor pins one that all have; empty: the best of each machine")
      .added_later = true;
  const auto aside = [&add](const char* key, auto& field, const char* unit, const char* help,
                            Rule rule = {}) -> Option& {
    Option& option = add(key, field, unit, help, std::move(rule));
    option.changes_result = false;
    return option;
  };
  aside("checkpoint_steps", o.checkpoint_steps, "steps", "between checkpoints; 0: by time alone",
        at_least(0));
  aside("stop_seconds", o.stop_seconds, "seconds",
        "that a step, or what leads to the first, may last after a signal before it is given up",
        at_least(0));
  aside("checkpoint_minutes", o.checkpoint_minutes, "minutes", "between checkpoints; 0: by steps alone",
        at_least(0));
  aside("out", o.out, "", "directory of the products").short_form = true;
  aside("in", o.in, "", "directory of the inputs; empty: as run.out").short_form = true;
  aside("resume", o.resume, "", "what to do with the checkpoint of an unfinished run",
        one_of({"auto", "never", "require"}))
      .short_form = true;
  aside("force", o.force, "", "rebuild a product that is up to date").short_form = true;
  aside("quiet", o.quiet, "", "no notes and no progress; warnings and errors stay").short_form = true;
  aside("progress", o.progress, "",
        "auto: a bar where stderr is a terminal, else a line now and then; bar or lines: regardless (mpirun "
        "hides the terminal)",
        one_of({"auto", "bar", "lines"}));
}

}  // namespace

std::vector<Option> options_table(Config& config) {
  std::vector<Option> table;
  table.reserve(128);
  add_data(table, config.data);
  add_tokenizer(table, config.tokenizer);
  add_model(table, config.model);
  add_pretrain(table, config.pretrain);
  add_quantizer(table, config.quantizer);
  add_search(table, config.search);
  add_finetune(table, config.finetune);
  add_evaluate(table, config.evaluate);
  add_report(table, config.report);
  add_slurm(table, config.slurm);
  add_run(table, config.run);
  return table;
}

std::vector<Section> sections() {
  return {{"data", "the text and how it is divided"},
          {"tokenizer", "pieces of text"},
          {"model", "the language model"},
          {"pretrain", "training at full precision"},
          {"quantizer", "what the search and the finetuning share"},
          {"search", "finding the quantization scheme"},
          {"finetune", "training with the scheme"},
          {"evaluate", "measuring on the test part"},
          {"report", "tables and pictures"},
          {"slurm", "jobs on a cluster (slurm/README.md)"},
          {"run", "how and where a stage runs"},
          {"sweep", "many runs from one file: bitdarts-sweep, pipelines/sweep"}};
}

const Option* find_option(const std::vector<Option>& table, const std::string& name) {
  for (const Option& option : table)
    if (option.name() == name) return &option;
  return nullptr;
}

}  // namespace bitdarts::config
