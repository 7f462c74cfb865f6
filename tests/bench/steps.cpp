// One kind of work of the training stages on random tokens, timed step by step: what tests/bench/run
// alternates with the peer. Not a test: bench_steps WORK [key=value ...], WORK one of train search second
// finetune evaluate sgemm. Prints one line: tokens/s (median of the steps, fastest, slowest), seconds of the
// median step, peak resident memory.
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "comm/communicator.hpp"
#include "core/error.hpp"
#include "model/torch.hpp"
#include "quant/bank.hpp"
#include "search/bilevel.hpp"
#include "stage/environment.hpp"
#include "train/device.hpp"
#include "train/engine.hpp"
#include "train/weights.hpp"

using namespace bitdarts;

namespace {

const std::vector<std::string> every_candidate{"lsq+:4", "pact:8",    "lsq+:8",  "uniform:4", "pact:4",
                                               "fp32",   "uniform:8", "lsq+:16", "pact:16",   "uniform:16"};

// The shape of the peer.
struct Settings {
  std::map<std::string, std::int64_t> values{
      {"dim", 256}, {"layers", 4},   {"heads", 4}, {"ffn", 688},  {"context", 256},
      {"batch", 8}, {"vocab", 4096}, {"steps", 5}, {"shards", 1}, {"candidates", 10}};
  std::int64_t operator[](const std::string& name) const { return values.at(name); }
};

Settings read(int argc, char** argv) {
  Settings settings;
  for (int i = 2; i < argc; ++i) {
    const std::string text = argv[i];
    const auto equals = text.find('=');
    const std::string name = text.substr(0, equals);
    if (equals == std::string::npos || !settings.values.contains(name))
      throw ConfigError("no setting of this benchmark: " + text);
    settings.values[name] = std::stoll(text.substr(equals + 1));
  }
  return settings;
}

struct Work {
  const Settings& settings;
  const comm::Communicator& world;
  model::ModelShape shape{.vocab = settings["vocab"],
                          .dim = settings["dim"],
                          .layers = settings["layers"],
                          .heads = settings["heads"],
                          .kv_heads = settings["heads"],
                          .ffn = settings["ffn"],
                          .context = settings["context"],
                          .rope_theta = 10000.0,
                          .norm_eps = 1e-5,
                          .tied_embeddings = true};
  model::ParameterLayout layout = model::make_layout(shape);
  data::TokenPart text = random_text();
  data::Sampler outer{text, shape.context, 1, Stream::outer_batch},
      inner{text, shape.context, 1, Stream::inner_batch};
  train::Engine<float> engine{world, settings["shards"], shape, layout, "cpu"};
  std::vector<float> parameters = model::initial_parameters(shape, layout, 1);

  data::TokenPart random_text() const {
    data::TokenPart part;
    KeyedRandom random(1, Stream::initialisation);
    for (std::int64_t i = 0; i < 100'000; ++i)
      part.ids.push_back(static_cast<std::int32_t>(random.uniform() * static_cast<double>(shape.vocab)));
    part.document_begin = {0, part.ids.size()};
    return part;
  }
  train::Batch batch(std::int64_t step) const { return {inner, step, settings["batch"]}; }
  // The parameters with their optimiser; each kind of work holds one such set, as its stage does.
  std::shared_ptr<train::Weights<float>> take_weights() {
    return std::make_shared<train::Weights<float>>(layout, std::move(parameters));
  }
  void update(train::Weights<float>& weights, quant::Bank* bank, std::int64_t step) {
    const auto gradient = engine.gradient(weights.values(), bank, batch(step), {});
    weights.update(gradient.weights, step, {.learning_rate = 1e-3, .weight_decay = 0.1}, 1.0);
  }
};

using Step = std::function<void(std::int64_t)>;

Step search_step(Work& work, config::SearchOptions options) {
  options.batch = work.settings["batch"];
  options.steps = 1000;
  options.warmup_steps = 0;
  options.budget = {"w8a8"};
  std::vector<std::string> names(every_candidate.begin(),
                                 every_candidate.begin() + work.settings["candidates"]);
  const auto candidates = quant::parse_candidates(names);
  auto bank =
      quant::make_search_bank(work.layout.linears, candidates, candidates, {.context = work.shape.context});
  work.engine.calibrate(work.parameters, bank, work.inner, 8);
  const auto budget =
      quant::parse_budget("w8a8", quant::CostKind::bops, work.layout.linears, candidates, candidates);
  auto bilevel = std::make_shared<search::Bilevel<float>>(
      options, 1e-4, 1, work.engine, work.layout, std::move(work.parameters), bank, std::vector{budget},
      search::Levels{work.outer, work.inner});
  return [bilevel](std::int64_t step) { bilevel->step(step); };
}

Step finetune_step(Work& work) {
  auto bank = std::make_shared<quant::Bank>(quant::make_scheme_bank(
      work.layout.linears, quant::parse_uniform("uniform:lsq+:w4a8", work.layout.linears),
      {.context = work.shape.context}));
  work.engine.calibrate(work.parameters, *bank, work.inner, 8);
  return [&work, bank, weights = work.take_weights()](std::int64_t step) {
    work.update(*weights, bank.get(), step);
  };
}

Step step_of(const std::string& name, Work& work) {
  if (name == "train")
    return
        [&work, weights = work.take_weights()](std::int64_t step) { work.update(*weights, nullptr, step); };
  if (name == "evaluate")
    return [&work](std::int64_t step) { work.engine.loss(work.parameters, nullptr, work.batch(step)); };
  if (name == "finetune") return finetune_step(work);
  config::SearchOptions options;
  if (name == "search") return search_step(work, options);
  options.order = "second";
  if (name == "second") return search_step(work, options);
  throw ConfigError("no work of this benchmark: " + name);
}

double seconds_of(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// Of this process: what a busy machine stretches less than the clock on the wall.
double processor_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

double peak_megabytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

// Square matrices of 1536: what one core can multiply, on this machine, now.
int time_sgemm(std::int64_t repeats) {
  constexpr std::int64_t n = 1536;
  at::NoGradGuard no_grad;
  const at::Tensor a = at::rand({n, n}), b = at::rand({n, n});
  std::vector<double> rates;
  for (std::int64_t i = 0; i <= repeats; ++i) {
    const double seconds = seconds_of([&] { at::matmul(a, b); });
    if (i > 0) rates.push_back(2e-9 * n * n * n / seconds);
  }
  std::sort(rates.begin(), rates.end());
  std::printf("gflops %.1f min %.1f max %.1f\n", rates[rates.size() / 2], rates.front(), rates.back());
  return 0;
}

int run(const std::string& name, const Settings& settings) {
  config::RunOptions options;
  train::prepare_device(options, Console(true, "bench"));
  if (name == "sgemm") return time_sgemm(settings["steps"]);
  const comm::Communicator world;
  Work work{settings, world};
  const Step step = step_of(name, work);
  step(0);
  std::vector<double> seconds, busy;
  for (std::int64_t i = 1; i <= settings["steps"]; ++i) {
    world.barrier();
    const double before = processor_seconds();
    seconds.push_back(seconds_of([&] { step(i); }));
    busy.push_back(processor_seconds() - before);
  }
  std::sort(seconds.begin(), seconds.end());
  std::sort(busy.begin(), busy.end());
  // A search step reads two batches, whatever its order.
  const double tokens = static_cast<double>(settings["batch"] * settings["context"]) *
                        (name == "search" || name == "second" ? 2 : 1);
  const double median = seconds[seconds.size() / 2];
  if (world.root())
    std::printf("tokens_per_s %.1f min %.1f max %.1f step_s %.4f processor_s %.4f peak_rss_mb %.1f\n",
                tokens / median, tokens / seconds.back(), tokens / seconds.front(), median,
                busy[busy.size() / 2], peak_megabytes());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  stage::choose_environment(argv, false);
  try {
    if (argc < 2) throw ConfigError("which work? train search second finetune evaluate sgemm");
    const comm::MpiSession session(argc, argv);
    return run(argv[1], read(argc, argv));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_steps: error: %s\n", error.what());
    return 1;
  }
}
