#include "synthetic.hpp"

#include "config/config.hpp"
#include "quant/bank_file.hpp"

namespace synthetic {
namespace {

// A number in [0, 1) that looks drawn and is not.
double wobble(double x) { return std::fmod(std::abs(std::sin(12.9898 * x) * 43758.5453), 1.0); }

void write_model(store::File& file, const Sizes& sizes) {
  for (const auto& layer : layers(sizes)) {
    const std::vector<float> weights(static_cast<std::size_t>(layer.parameters()), 0.5f);
    file.write<float>(
        "/model/" + layer.name + ".weight", weights,
        {static_cast<std::uint64_t>(layer.out_features), static_cast<std::uint64_t>(layer.in_features)});
  }
  const std::pair<const char*, std::int64_t> facts[] = {
      {"vocab_size", 300}, {"dim", 16}, {"layers", sizes.blocks}, {"heads", 2},
      {"kv_heads", 2},     {"ffn", 48}, {"context", 32},          {"tied_embeddings", 1}};
  for (const auto& [name, value] : facts) file.set_attribute("/model", name, value);
}

void record_training(store::Metrics& metrics, int steps, double start, double end) {
  for (int step = 0; step < steps; ++step) {
    const double loss = end + (start - end) * std::exp(-6.0 * step / steps) + 0.1 * (wobble(step) - 0.5);
    metrics.record("train",
                   {{"step", step}, {"loss", loss}, {"learning_rate", 1e-3}, {"gradient_norm", 1.0}});
    if ((step + 1) % 10 == 0)
      metrics.record("validation", {{"step", step + 1},
                                    {"loss", end + 0.05 + (start - end) * std::exp(-6.0 * step / steps)}});
  }
}

// Probability moves from all candidates alike to the chosen one.
std::vector<double> probabilities(const quant::Candidate& chosen, double progress, double seed) {
  const auto all = candidates();
  std::vector<double> p;
  double sum = 0;
  for (std::size_t j = 0; j < all.size(); ++j) {
    const double logit =
        progress *
        (all[j] == chosen ? 3.5 : 2.5 * wobble(seed + static_cast<double>(j)) - 0.06 * all[j].bits);
    p.push_back(std::exp(logit));
    sum += p.back();
  }
  for (double& value : p) value /= sum;
  return p;
}

void record_search(store::Metrics& metrics, const Sizes& sizes) {
  for (int step = 0; step < sizes.steps; ++step) {
    const double t = static_cast<double>(step) / sizes.steps;
    const double target = std::max(0.0234, 0.15 - 0.253 * t),
                 cost = target * (1 + 0.1 * std::sin(9 * t) * std::exp(-3 * t));
    metrics.record("inner", {{"step", step}, {"loss", 3.1 - 0.1 * t + 0.2 * (wobble(step) - 0.5)}});
    metrics.record("search", {{"step", step},
                              {"outer_loss", 3.3 - 0.1 * t + 0.2 * (wobble(step + 0.5) - 0.5)},
                              {"error", 0.02 + 0.01 * t},
                              {"cost", cost},
                              {"target", target},
                              {"violation", cost / target - 1},
                              {"lambda_cost", 40 * t * t + 10 * std::abs(cost / target - 1)},
                              {"lambda_cost_integral", 40 * t * t},
                              {"lambda_error", 1 + t},
                              {"temperature", std::pow(0.5, t)},
                              {"entropy", 2.3 - 1.8 * t},
                              {"argmax_changes", std::floor(6 * (1 - t))},
                              {"expected_weight_bits", 12.4 - 7.5 * t},
                              {"expected_input_bits", 12.4 - 6 * t}});
    if (step % sizes.log_every != 0 && step + 1 != sizes.steps) continue;
    metrics.record("alpha_log", {{"step", step}});
    const auto chosen = scheme(sizes);
    for (std::size_t l = 0; l < chosen.entries.size(); ++l) {
      const auto& entry = chosen.entries[l];
      metrics.record_row("probability/" + entry.layer + "/weight",
                         probabilities(entry.weight, t, static_cast<double>(l)));
      metrics.record_row("probability/" + entry.layer + "/input",
                         probabilities(entry.input, t, 100 + static_cast<double>(l)));
    }
  }
}

void write_candidates(store::File& file, const Sizes& sizes) {
  std::string names;
  for (const auto& candidate : candidates()) names += quant::to_string(candidate) + "\n";
  for (const auto& layer : layers(sizes))
    for (const char* tensor : {"/weight/candidates", "/input/candidates"})
      file.write_text("/quant/" + layer.name + tensor, names);
}

}  // namespace

std::vector<quant::LayerShape> layers(const Sizes& sizes) {
  std::vector<quant::LayerShape> all;
  for (int block = 0; block < sizes.blocks; ++block) {
    const std::string prefix = "model.layers." + std::to_string(block) + ".";
    for (const char* name : {"q", "k", "v", "o"})
      all.push_back({prefix + "self_attn." + name + "_proj", 16, 16});
    for (const char* name : {"gate", "up"}) all.push_back({prefix + "mlp." + name + "_proj", 48, 16});
    all.push_back({prefix + "mlp.down_proj", 16, 48});
  }
  return all;
}

std::vector<quant::Candidate> candidates() {
  return quant::parse_candidates({"lsq+:4", "lsq+:8", "lsq+:16", "pact:4", "pact:8", "pact:16", "uniform:4",
                                  "uniform:8", "uniform:16", "fp32"});
}

quant::Scheme scheme(const Sizes& sizes) {
  const auto all = candidates();
  constexpr std::size_t order[] = {0, 3, 0, 1, 0, 6, 0, 4, 1, 0, 7, 0, 2, 0, 9, 0, 8, 1, 5, 0, 3};
  quant::Scheme result;
  for (const auto& layer : layers(sizes)) {
    const std::size_t l = result.entries.size();
    result.entries.push_back(
        {layer.name, all[order[l * 5 % std::size(order)]], all[order[(l * 8 + 3) % std::size(order)]]});
  }
  return result;
}

store::Provenance provenance(const std::string& stage, const std::vector<store::InputRecord>& inputs) {
  config::Config config;
  config.finetune.steps = 30;
  return {.stage = stage,
          .schema_version = 1,
          .key = "key of " + stage,
          .configuration = config::to_ini(config),
          .program_version = "0.1.0",
          .git_revision = "0123456789ab",
          .compiler = "GCC 12.2.0",
          .libraries = "Open MPI v4.1.4, HDF5 1.10.8",
          .host = "node <1> & co",
          .started = "2026-01-02T03:04:05Z",
          .ended = "2026-01-02T03:06:10Z",
          .ranks = 2,
          .threads = 1,
          .inputs = inputs};
}

store::InputRecord input(const std::string& name, const fs::path& path) {
  return {name, path.string(), store::verify(path).content_hash};
}

void write_tokens(const fs::path& path) {
  store::publish(path, provenance("tokenize"), [](store::File& file) {
    for (const std::string part : {"train", "search", "test"}) {
      const std::vector<std::uint16_t> tokens(part == "train" ? 1000 : 100, 7);
      file.write<std::uint16_t>("/tokens/" + part, tokens);
      file.write<std::uint64_t>("/documents/" + part + "/begin",
                                std::vector<std::uint64_t>{0, tokens.size()});
      file.write<std::uint64_t>("/documents/" + part + "/bytes",
                                std::vector<std::uint64_t>{3 * tokens.size()});
      file.set_attribute("/tokens", part + "_bytes", static_cast<std::int64_t>(3 * tokens.size()));
    }
    file.set_attribute("/tokens", "documents", std::int64_t{3});
    file.write<std::uint8_t>("/tokenizer/model", std::vector<std::uint8_t>(64, 1));
    file.set_attribute("/tokenizer", "vocab_size", std::int64_t{300});
    file.set_attribute("/tokenizer", "document_end", std::int64_t{2});
  });
}

void write_pretrained(const fs::path& path, const fs::path& tokens, const Sizes& sizes) {
  store::publish(path, provenance("pretrain", {input("tokens", tokens)}), [&](store::File& file) {
    write_model(file, sizes);
    store::Metrics metrics;
    record_training(metrics, 3 * sizes.steps, 5.7, 3.0);
    metrics.save(file);
  });
}

void write_searched(const fs::path& path, const fs::path& run, const Sizes& sizes,
                    const std::string& strategy, const std::string& recovery) {
  const std::vector<store::InputRecord> inputs{input("tokens", run / "tokens.h5"),
                                               input("pretrained", run / "pretrained.h5")};
  config::Config config;
  config.finetune.steps = 30;
  config.search.strategy = strategy;
  config.search.weight_recovery = recovery;
  auto facts_of_run = provenance("search", inputs);
  facts_of_run.configuration = config::to_ini(config);
  store::publish(path, facts_of_run, [&](store::File& file) {
    write_model(file, sizes);
    write_candidates(file, sizes);
    quant::save_scheme(file, scheme(sizes), layers(sizes));
    store::Metrics metrics;
    record_search(metrics, sizes);
    metrics.save(file);
    file.set_attribute("/search", "steps", std::int64_t{sizes.steps});
    file.set_attribute("/search", "cost", std::string("bops"));
    file.set_attribute("/search", "budget", std::string("w4a6"));
    file.set_attribute("/search", "capacity", std::int64_t{24 * 5000});
    file.set_attribute("/search", "full_cost", std::int64_t{1024 * 5000});
    file.set_attribute("/search", "strategy", strategy);
    const std::pair<const char*, std::int64_t> budgets[] = {{"w4a6", 24}, {"w4a4", 16}};
    for (std::size_t i = 0; i < std::size(budgets); ++i) {
      const std::string at = "/schemes/" + std::to_string(i);
      file.write_text(
          at + "/table",
          quant::to_table(i == 0 ? scheme(sizes) : quant::parse_uniform("uniform:pact:w4a4", layers(sizes))));
      file.set_attribute(at, "budget", std::string(budgets[i].first));
      file.set_attribute(at, "capacity", budgets[i].second * 5000);
      file.set_attribute(at, "scheme_cost", static_cast<double>(budgets[i].second) / 1024 - 0.0001);
      file.set_attribute(at, "discrete_loss", 3.2 + 0.1 * static_cast<double>(i));
    }
    const std::pair<const char*, double> facts[] = {{"target", 24.0 / 1024}, {"expected_cost", 0.0236},
                                                    {"scheme_cost", 0.0233}, {"full_precision_loss", 3.01},
                                                    {"mixed_loss", 3.05},    {"discrete_loss", 3.2}};
    for (const auto& [name, value] : facts) file.set_attribute("/search", name, value);
  });
}

void write_finetuned(const fs::path& path, const fs::path& run, const std::string& scheme_name,
                     const Sizes& sizes, int steps, double learning_rate, void (*change)(config::Config&)) {
  std::vector<store::InputRecord> inputs{input("tokens", run / "tokens.h5"),
                                         input("pretrained", run / "pretrained.h5")};
  if (scheme_name.starts_with("searched")) inputs.push_back(input("searched", run / "searched.h5"));
  const auto chosen = quant::is_uniform_shorthand(scheme_name)
                          ? quant::parse_uniform(scheme_name, layers(sizes))
                          : scheme(sizes);
  config::Config config;
  config.finetune.steps = steps;
  config.finetune.learning_rate = learning_rate;
  if (change != nullptr) change(config);
  auto facts = provenance("finetune", inputs);
  facts.configuration = config::to_ini(config);
  store::publish(path, facts, [&](store::File& file) {
    write_model(file, sizes);
    quant::save_scheme(file, chosen, layers(sizes));
    store::Metrics metrics;
    const double end =
        scheme_name == "searched"
            ? 3.03
            : 3.04 + 0.1 * wobble(static_cast<double>(scheme_name.size() +
                                                      static_cast<unsigned char>(scheme_name.back())));
    metrics.record("validation", {{"step", 0}, {"loss", end + 0.35}});
    record_training(metrics, steps, end + 0.3, end);
    metrics.save(file);
    file.set_attribute("/finetune", "scheme", scheme_name);
    const bool from_search = config.finetune.from == "searched";
    if (quant::is_uniform_shorthand(scheme_name))
      file.set_attribute("/finetune", "strategy", std::string("hand"));
    file.set_attribute("/finetune", "from", config.finetune.from);
    file.set_attribute("/finetune", "search_tokens",
                       from_search ? std::int64_t{sizes.steps} * config.search.batch * 32 : 0);
    file.set_attribute("/finetune", "steps", std::int64_t{steps});
    file.set_attribute("/finetune", "start_loss", end + 0.35);
    file.set_attribute("/finetune", "final_loss", end + 0.05);
  });
}

namespace {

// Windows of 32, 32, 32 and 3 tokens: the text makes some harder than others for all schemes, and each scheme
// is a little better in one and worse in the next.
void write_windows(store::File& file, const Result& result) {
  const std::vector<std::int64_t> tokens{32, 32, 32, 3};
  const std::vector<double> text{0.4, -0.1, -0.2, -0.1};
  const double own = 0.01 * (1 + wobble(static_cast<double>(result.scheme.size()) + result.perplexity));
  std::vector<double> nll;
  for (std::size_t w = 0; w < tokens.size(); ++w)
    nll.push_back(static_cast<double>(tokens[w]) * std::log(result.perplexity) + text[w] +
                  (w % 2 == 0 ? own : -own));
  file.write<double>("/evaluation/window_nll", nll);
  file.write<std::int64_t>("/evaluation/window_tokens", tokens);
}

}  // namespace

void write_evaluation(const fs::path& folder, const fs::path& run, const Result& result) {
  const std::vector<store::InputRecord> inputs{input("tokens", run / "tokens.h5"),
                                               input("pretrained", run / "pretrained.h5"),
                                               input("finetuned", folder / "finetuned.h5")};
  store::publish(folder / "evaluation.h5", provenance("evaluate", inputs), [&](store::File& file) {
    const std::pair<const char*, std::string> texts[] = {
        {"protocol", "windows of 32 tokens that do not overlap"},
        {"scheme", result.scheme},
        {"from", "pretrained"}};
    for (const auto& [name, value] : texts) file.set_attribute("/evaluation", name, value);
    const std::pair<const char*, std::string> origin[] = {
        {"strategy", result.strategy}, {"budget", result.budget}, {"chosen", result.chosen}};
    for (const auto& [name, value] : origin)
      if (!value.empty()) file.set_attribute("/evaluation", name, value);
    if (!result.as_before) {
      write_windows(file, result);
      file.set_attribute("/evaluation", "bops_ratio_all", result.bops_ratio + 0.14);
    }
    const std::pair<const char*, std::int64_t> counts[] = {{"tokens", 99},
                                                           {"windows", 4},
                                                           {"bytes", 300},
                                                           {"quantized_weight_bytes", 421000},
                                                           {"model_bytes", 952000},
                                                           {"full_precision_bytes", 3740000},
                                                           {"packed_logits_equal", 1},
                                                           {"packed_windows_compared", 4}};
    for (const auto& [name, value] : counts) file.set_attribute("/evaluation", name, value);
    const double nll = std::log(result.perplexity), full = std::log(20.16),
                 bits = 99.0 / (std::log(2.0) * 300);
    const std::pair<const char*, double> numbers[] = {{"nll", nll},
                                                      {"perplexity", result.perplexity},
                                                      {"bits_per_byte", nll * bits},
                                                      {"full_precision_nll", full},
                                                      {"full_precision_perplexity", 20.16},
                                                      {"full_precision_bits_per_byte", full * bits},
                                                      {"kl_divergence", nll - full},
                                                      {"top1_agreement", 1 - 2 * (nll - full)},
                                                      {"mean_weight_bits", 1024 * result.bops_ratio / 6},
                                                      {"mean_weight_bits_all", 8.1},
                                                      {"mean_input_bits", 6.0},
                                                      {"compression_ratio", 3.93},
                                                      {"bops_ratio", result.bops_ratio},
                                                      {"size_ratio", result.bops_ratio * 5.3}};
    for (const auto& [name, value] : numbers) file.set_attribute("/evaluation", name, value);
  });
}

void write_run(const fs::path& run, const Result& searched, const std::vector<Result>& baselines,
               const Sizes& sizes) {
  write_tokens(run / "tokens.h5");
  write_pretrained(run / "pretrained.h5", run / "tokens.h5", sizes);
  write_searched(run / "searched.h5", run, sizes);
  write_finetuned(run / "finetuned.h5", run, "searched", sizes);
  write_evaluation(run, run, searched);
  for (std::size_t i = 0; i < baselines.size(); ++i) {
    const fs::path folder = run / "baselines" / ("scheme_" + std::to_string(i));
    write_finetuned(folder / "finetuned.h5", run, baselines[i].scheme, sizes);
    write_evaluation(folder, run, baselines[i]);
  }
}

}  // namespace synthetic
