#include "train/pretrain.hpp"

#include "core/error.hpp"
#include "model/model_file.hpp"
#include "train/device.hpp"
#include "train/loop.hpp"
#include "train/memory.hpp"
#include "train/training_pass.hpp"

namespace bitdarts::train {
namespace {

class Pretraining : public Trainee {
 public:
  Pretraining(const stage::Context& context, const data::Corpus& corpus, const model::ModelShape& shape,
              const model::ParameterLayout& layout, std::vector<float> initial, const std::string& device)
      : options_(context.config.pretrain),
        engine_(context.world, context.config.run.shards, shape, layout, device),
        weights_(layout, std::move(initial)),
        sampler_(corpus.train, shape.context, seed_of(context), Stream::pretrain_batch),
        validation_(corpus, shape.context, seed_of(context), options_.validation_every,
                    options_.validation_batches, options_.batch, options_.steps) {}

  std::vector<Progress::Value> step(std::int64_t step) override {
    const double rate = warmup_cosine(step, options_.steps, options_.warmup_steps, options_.learning_rate,
                                      options_.final_learning_rate);
    const StepResult result =
        training_step<float>(engine_, weights_, nullptr, nullptr, {sampler_, step, options_.batch},
                             {.weights = {.learning_rate = rate,
                                          .beta1 = options_.beta1,
                                          .beta2 = options_.beta2,
                                          .epsilon = 1e-8,
                                          .weight_decay = options_.weight_decay},
                              .clip_norm = options_.clip_norm},
                             "pretrain");
    metrics_.record("train", {{"step", static_cast<double>(step)},
                              {"loss", result.loss},
                              {"learning_rate", rate},
                              {"gradient_norm", result.gradient_norm}});
    return {{"loss", result.loss}};
  }

  std::vector<Progress::Value> measure(std::int64_t done) override {
    if (done > 0 && validation_.due(done))
      validation_.record<float>(done, engine_, weights_.values(), nullptr, metrics_, "pretrain",
                                [&] { check(done); });
    const auto losses = metrics_.column("validation", "loss");
    if (losses.empty()) return {};
    return {{"validation", losses.back()}};
  }

  void save(store::File& file) const override {
    weights_.save_state(file);
    metrics_.save(file);
  }
  void load(const store::File& file) override {
    weights_.load_state(file);
    metrics_ = store::Metrics::load(file);
  }

  void check(std::int64_t done) const override { weights_.require_finite_values(done, "pretrain"); }

  const Weights<float>& weights() const { return weights_; }
  const store::Metrics& metrics() const { return metrics_; }

 private:
  static std::uint64_t seed_of(const stage::Context& context) {
    return static_cast<std::uint64_t>(context.config.run.seed);
  }

  const config::PretrainOptions& options_;
  Engine<float> engine_;
  Weights<float> weights_;
  data::Sampler sampler_;
  Validation validation_;
  store::Metrics metrics_;
};

}  // namespace

void run_pretrain(const stage::Context& context, stage::Run& run) {
  const auto& config = context.config;
  const std::string device = prepare_device(context, run);
  const auto corpus = data::load_corpus(run.input_path("tokens"), config.model.context,
                                        {data::Split::train, data::Split::search});
  const auto shape = model::resolve_shape(config.model, corpus.vocab_size);
  require_memory(context, shape, training_memory(config.pretrain.batch, config.run.shards));
  const auto layout = model::make_layout(shape);
  std::vector<float> initial;
  if (config.pretrain.initial.empty()) {
    initial = model::initial_parameters(shape, layout, static_cast<std::uint64_t>(config.run.seed));
  } else {
    const auto file = store::File::open(run.input_path("pretrained"));
    if (model::load_shape(file) != shape) {
      throw InputError(
          "the initial weights are of a model with other sizes", file.path().string(),
          "give [model] the sizes of that file (bitdarts-inspect shows them) and use its tokenizer");
    }
    initial = model::load_parameters(file, layout);
  }
  run.confirm_inputs();
  context.console.note(std::to_string(layout.total) + " parameters, " +
                       std::to_string(corpus.train.ids.size()) + " training tokens, " +
                       std::to_string(context.world.size()) + " ranks, device " + device);

  Pretraining pretraining(context, corpus, shape, layout, std::move(initial), device);
  run_loop(context, run, pretraining,
           {.what = "pretrain",
            .steps = config.pretrain.steps,
            .tokens_per_step = static_cast<double>(config.pretrain.batch * shape.context)});
  run.publish([&](store::File& file) {
    model::save_model(file, shape, layout, pretraining.weights().values());
    pretraining.weights().optimiser().save(file, "weights");
    pretraining.metrics().save(file);
  });
  std::string text = "pretrain:";
  for (const std::string part : {"train", "validation"}) {
    const auto losses = pretraining.metrics().column(part, "loss");
    char loss[64];
    std::snprintf(loss, sizeof loss, " %s loss %.4f,", part == "train" ? "training" : "validation",
                  losses.back());
    text += loss;
  }
  char entropy[64];
  std::snprintf(entropy, sizeof entropy, " nats per token; unigram entropy %.4f",
                data::unigram_entropy(corpus.train, corpus.vocab_size));
  text.pop_back();
  text += entropy;
  context.console.result(text);
}

}  // namespace bitdarts::train
