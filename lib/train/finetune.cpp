#include "train/finetune.hpp"

#include <cstdio>

#include "config/scheme_word.hpp"
#include "core/error.hpp"
#include "model/model_file.hpp"
#include "quant/bank_file.hpp"
#include "quant/cost.hpp"
#include "train/best_scheme.hpp"
#include "train/device.hpp"
#include "train/loop.hpp"
#include "train/memory.hpp"
#include "train/resolve_scheme.hpp"
#include "train/search_tokens.hpp"
#include "train/training_pass.hpp"

namespace bitdarts::train {
namespace {

class Finetuning : public Trainee {
 public:
  Finetuning(const stage::Context& context, const data::Corpus& corpus, const model::ModelShape& shape,
             const model::ParameterLayout& layout, Engine<float>& engine, std::vector<float> weights,
             quant::Bank bank)
      : options_(context.config.finetune),
        clip_decay_(context.config.quantizer.clip_decay),
        engine_(engine),
        weights_(layout, std::move(weights)),
        bank_(std::move(bank)),
        quantizers_(bank_),
        sampler_(corpus.train, shape.context, seed_of(context), Stream::finetune_batch),
        validation_(corpus, shape.context, seed_of(context), options_.validation_every,
                    options_.validation_batches, options_.batch, options_.steps) {}

  std::vector<Progress::Value> step(std::int64_t step) override {
    const double share =
        warmup_cosine(step, options_.steps, options_.warmup_steps, 1.0, options_.final_learning_rate);
    const StepResult result =
        training_step<float>(engine_, weights_, &bank_, &quantizers_, {sampler_, step, options_.batch},
                             {.objective = {.clip_decay = clip_decay_},
                              .weights = {.learning_rate = share * options_.learning_rate,
                                          .beta1 = options_.beta1,
                                          .beta2 = options_.beta2,
                                          .epsilon = 1e-8,
                                          .weight_decay = options_.weight_decay},
                              .clip_norm = options_.clip_norm,
                              .quantizer_learning_rate = share * options_.quantizer_learning_rate},
                             "finetune");
    metrics_.record("train", {{"step", static_cast<double>(step)},
                              {"loss", result.loss},
                              {"learning_rate", share * options_.learning_rate},
                              {"gradient_norm", result.gradient_norm},
                              {"error", result.error}});
    return {{"loss", result.loss}};
  }

  /// Before the first step too.
  std::vector<Progress::Value> measure(std::int64_t done) override {
    if (done == 0 || validation_.due(done))
      validation_.record<float>(done, engine_, weights_.values(), &bank_, metrics_, "finetune",
                                [&] { check(done); });
    return {{"validation", metrics_.column("validation", "loss").back()}};
  }

  void save(store::File& file) const override {
    weights_.save_state(file);
    quantizers_.save(file);
    quant::save_bank_state(file, bank_);
    metrics_.save(file);
  }
  void load(const store::File& file) override {
    weights_.load_state(file);
    quantizers_.load(file);
    quant::load_bank_state(file, bank_);
    metrics_ = store::Metrics::load(file);
    if (metrics_.column("validation", "loss").empty()) {
      throw InputError("the checkpoint has no validation loss", file.path().string() + ":/metrics/validation",
                       "start the stage with --resume=never");
    }
  }
  void check(std::int64_t done) const override {
    weights_.require_finite_values(done, "finetune");
    require_finite_bank(bank_, done, "finetune");
  }

  void save_product(store::File& file, const model::ModelShape& shape,
                    const model::ParameterLayout& layout) const {
    model::save_model(file, shape, layout, weights_.values());
    quant::save_bank(file, bank_);
    weights_.optimiser().save(file, "weights");
    quantizers_.save(file);
    metrics_.save(file);
    const auto losses = metrics_.column("validation", "loss");
    file.set_attribute("/finetune", "start_loss", losses.front());
    file.set_attribute("/finetune", "final_loss", losses.back());
  }
  const store::Metrics& metrics() const { return metrics_; }

 private:
  static std::uint64_t seed_of(const stage::Context& context) {
    return static_cast<std::uint64_t>(context.config.run.seed);
  }

  const config::FinetuneOptions& options_;
  double clip_decay_;
  Engine<float>& engine_;
  Weights<float> weights_;
  quant::Bank bank_;
  QuantizerTraining quantizers_;
  data::Sampler sampler_;
  Validation validation_;
  store::Metrics metrics_;
};

// The quantizers of a search can be taken over only where their scales have the same form.
void check_searched_options(const store::File& file, const config::QuantizerOptions& options) {
  if (file.required_text("/search", "weight_scale") == options.weight_scale &&
      (file.required_int("/search", "quantize_head") != 0) == options.quantize_head) {
    return;
  }
  throw InputError(
      "the search was made with another quantizer.weight_scale or quantizer.quantize_head",
      file.path().string() + ":/search",
      "use the options of the search, or finetune.from=pretrained with finetune.ranges=calibrated");
}

}  // namespace

void run_finetune(const stage::Context& context, stage::Run& run) {
  const auto& config = context.config;
  const auto& options = config.finetune;
  if (config::read_scheme_word(options.scheme).kind == config::SchemeWord::Kind::best) {
    publish_best(context, run);
    return;
  }
  const std::string& text =
      run.description().extra_key.front();  // of the scheme, as it was when the key was made
  const std::string device = prepare_device(context, run);
  const std::filesystem::path* searched = stage::uses_search(options) ? &run.input_path("searched") : nullptr;
  const auto file = store::File::open(options.from == "searched" ? *searched : run.input_path("pretrained"));
  const auto shape = model::load_shape(file);
  const auto corpus =
      data::load_corpus(run.input_path("tokens"), shape.context, {data::Split::train, data::Split::search});
  if (corpus.vocab_size != shape.vocab) {
    throw InputError("the tokens have another vocabulary than the model", run.input_path("tokens").string(),
                     "run tokenize and pretrain again with the same configuration");
  }
  require_memory(context, shape, training_memory(options.batch, config.run.shards));
  const auto layout = model::make_layout(shape, config.quantizer.quantize_head);
  auto weights = model::load_parameters(file, layout);
  using Kind = config::SchemeWord::Kind;
  const Kind kind = config::read_scheme_word(options.scheme).kind;
  const bool of_search = kind == Kind::searched || kind == Kind::strategy;
  const bool takes_ranges = options.from == "searched" || (of_search && options.ranges == "searched");
  if (takes_ranges) check_searched_options(store::File::open(*searched), config.quantizer);
  const auto resolved = resolve_scheme(options, layout.linears, text, searched, config.search.budget);
  const quant::Scheme& scheme = resolved.scheme;
  auto bank = quant::make_scheme_bank(layout.linears, scheme,
                                      {.per_channel = config.quantizer.weight_scale == "channel",
                                       .tie_shared_input = config.quantizer.tie == "shared-input",
                                       .context = shape.context});

  Engine<float> engine(context.world, config.run.shards, shape, layout, device);
  // A scheme of no search starts from calibration, as every strategy has done that trained no ranges.
  const data::Sampler calibration(corpus.train, shape.context, static_cast<std::uint64_t>(config.run.seed),
                                  Stream::calibration_batch);
  engine.calibrate(weights, bank, calibration, config.quantizer.calibration_sequences);
  if (takes_ranges && !quant::load_bank(store::File::open(*searched), bank)) {
    context.console.warn(
        "the scheme has candidates that the search did not have: all steps and clips start from calibration");
  }
  const auto moved_before =
      options.from == "searched" ? search_tokens(file, shape.context) : std::optional<std::int64_t>(0);
  run.confirm_inputs();

  Finetuning finetuning(context, corpus, shape, layout, engine, std::move(weights), std::move(bank));
  run_loop(context, run, finetuning,
           {.what = "finetune",
            .steps = options.steps,
            .tokens_per_step = static_cast<double>(options.batch * shape.context)});
  run.publish([&](store::File& product) {
    finetuning.save_product(product, shape, layout);
    quant::save_scheme(product, scheme, layout.linears);
    product.set_attribute("/finetune", "scheme", options.scheme);
    product.set_attribute("/finetune", "strategy", resolved.strategy);
    product.set_attribute("/finetune", "budget", resolved.budget);
    product.set_attribute("/finetune", "from", options.from);
    if (moved_before) product.set_attribute("/finetune", "search_tokens", *moved_before);
    product.set_attribute("/finetune", "steps", options.steps);
    product.set_attribute("/finetune", "weight_scale", config.quantizer.weight_scale);
    product.set_attribute("/finetune", "quantize_head", std::int64_t{config.quantizer.quantize_head});
  });
  const auto losses = finetuning.metrics().column("validation", "loss");
  const auto bits = quant::summarise(layout.linears, scheme, model::unquantized_macs(shape, layout));
  char line[240];
  std::snprintf(line, sizeof line,
                "finetune: %s, BOPs ratio %s: validation loss %.4f before, %.4f after %lld steps",
                options.scheme.c_str(), quant::bops_in_words(bits).c_str(), losses.front(), losses.back(),
                static_cast<long long>(options.steps));
  context.console.result(line);
}

}  // namespace bitdarts::train
