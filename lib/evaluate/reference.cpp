#include "evaluate/reference.hpp"

#include <cmath>
#include <cstdio>
#include <cstring>

#include "comm/together.hpp"
#include "core/error.hpp"
#include "evaluate/measure.hpp"
#include "evaluate/rounds.hpp"
#include "evaluate/test_text.hpp"
#include "model/model_file.hpp"
#include "train/device.hpp"

namespace bitdarts::evaluate {
namespace {

const std::string group = "/reference", states = group + "/hidden";

// What one rank finds in one round.
struct Part {
  std::vector<float> states;
  std::vector<double> nll;  // by window
  double sum = 0;           // of all rounds so far
  std::int64_t tokens = 0;

  void add(Network& network, std::span<const std::int32_t> text, std::span<const Window> windows,
           std::int64_t context) {
    states.clear();
    nll.clear();
    if (windows.empty()) return;
    const at::Tensor hidden = network.hidden(token_batch(text, windows, context, 0));
    const at::Tensor logits = network.logits_of(hidden);
    const at::Tensor targets = token_batch(text, windows, context, 1).view({-1});
    for (std::size_t i = 0; i < windows.size(); ++i) {
      const auto rows = [&](const at::Tensor& all) { return scored_rows(all, windows[i], i, context); };
      const at::Tensor own = rows(hidden).cpu().contiguous();
      states.insert(states.end(), own.data_ptr<float>(), own.data_ptr<float>() + own.numel());
      nll.push_back(negative_log_likelihood(rows(logits), rows(targets)));
      require_finite(nll.back(), "full-precision", windows[i]);
      sum += nll.back();
      tokens += windows[i].scored;
    }
  }
};

template <class T>
std::vector<T> values_of(const std::vector<std::byte>& bytes) {
  std::vector<T> values(bytes.size() / sizeof(T));
  if (!values.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

void save_facts(store::File& file, const TestText& text, const std::vector<double>& window_nll,
                const Quality& quality, const std::string& device) {
  file.write<double>(group + "/window_nll", window_nll);
  file.set_attribute(group, "protocol", text.protocol);
  file.set_attribute(group, "device", device);
  const std::pair<const char*, std::int64_t> counts[] = {
      {"tokens", static_cast<std::int64_t>(text.tokens.size()) - 1},
      {"windows", static_cast<std::int64_t>(text.windows.size())},
      {"bytes", static_cast<std::int64_t>(text.bytes)}};
  for (const auto& [name, value] : counts) file.set_attribute(group, name, value);
  file.set_attribute(group, "nll", quality.nll);
  file.set_attribute(group, "perplexity", quality.perplexity);
  file.set_attribute(group, "bits_per_byte", quality.bits_per_byte);
}

void print_summary(const Console& console, const TestText& text, const Quality& quality) {
  char line[240];
  std::snprintf(line, sizeof line, "reference: full precision; %zu tokens: %s", text.tokens.size() - 1,
                text.protocol.c_str());
  console.result(line);
  std::snprintf(line, sizeof line, "  perplexity %.3f, bits per byte %.4f", quality.perplexity,
                quality.bits_per_byte);
  console.result(line);
}

}  // namespace

Pretrained load_pretrained(const std::filesystem::path& path) {
  const auto file = store::File::open(path);
  Pretrained pretrained{.shape = model::load_shape(file), .layout = {}, .weights = {}};
  pretrained.layout = model::make_layout(pretrained.shape, false);
  pretrained.weights = model::load_parameters(file, pretrained.layout);
  return pretrained;
}

void run_reference(const stage::Context& context, stage::Run& run) {
  const std::string device = train::prepare_device(context, run);
  const auto pretrained = load_pretrained(run.input_path("pretrained"));
  const auto& shape = pretrained.shape;
  const auto text = load_test_text(run.input_path("tokens"), shape, context.config.evaluate);
  run.confirm_inputs();

  Network network(shape, pretrained.layout, pretrained.weights, nullptr, device);
  const Share share(context.world, text.windows, context.config.evaluate.batch);
  RoundWatch watch(context, share.rounds());
  Quality quality;
  run.publish_by_and_by([&](const stage::Run::Write& write) {
    const auto dim = static_cast<std::uint64_t>(shape.dim);
    write([&](store::File& file) { file.reserve<float>(states, {text.tokens.size() - 1, dim}); });
    Part mine;
    std::uint64_t done = 0;
    double sum = 0;
    std::vector<double> window_nll;  // of all ranks, in order; on rank 0
    for (std::int64_t round = 0; round < share.rounds(); ++round) {
      comm::together(context.world, [&] {
        mine.add(network, text.tokens, share.windows(share.batch_of(round, context.world.rank())),
                 shape.context);
      });
      const auto rows = context.world.gather(std::as_bytes(std::span(mine.states)));
      const auto nll = context.world.gather(std::as_bytes(std::span(mine.nll)));
      write([&](store::File& file) {
        for (const auto& bytes : rows) {
          const auto values = values_of<float>(bytes);
          file.write_rows<float>(states, done, values);
          done += values.size() / dim;
        }
      });
      for (const auto& bytes : nll)
        for (const double value : values_of<double>(bytes)) window_nll.push_back(value);
      watch.update(round + 1, mine.sum, mine.tokens);
    }
    for (const double value : window_nll) sum += value;
    quality = quality_of(sum, static_cast<std::int64_t>(text.tokens.size()) - 1, text.bytes);
    write([&](store::File& file) { save_facts(file, text, window_nll, quality, device); });
  });
  watch.finish();
  print_summary(context.console, text, quality);
}

StoredStates::StoredStates(store::File file, std::int64_t tokens, std::int64_t dim)
    : file_(std::move(file)), dim_(dim) {
  const store::DatasetInfo found = file_.info(states);
  const store::Shape wanted{static_cast<std::uint64_t>(tokens), static_cast<std::uint64_t>(dim)};
  if (found.type == store::ElementType::float32 && found.shape == wanted) return;
  throw InputError("its states are not those of " + std::to_string(tokens) + " tokens of this model",
                   file_.path().string() + ":" + states, "run bitdarts-reference --force");
}

at::Tensor StoredStates::read(std::span<const Window> windows, std::int64_t context) const {
  at::Tensor hidden = at::zeros({static_cast<std::int64_t>(windows.size()) * context, dim_}, at::kFloat);
  if (windows.empty()) return hidden;
  const std::int64_t begin = windows.front().first_scored() - 1, end = windows.back().end() - 1;
  const auto bytes =
      file_.read_rows(states, static_cast<std::uint64_t>(begin), static_cast<std::uint64_t>(end - begin));
  const std::byte* from = bytes.data();
  for (std::size_t i = 0; i < windows.size(); ++i) {
    const at::Tensor rows = scored_rows(hidden, windows[i], i, context);
    std::memcpy(rows.data_ptr(), from, rows.nbytes());
    from += rows.nbytes();
  }
  return hidden;
}

std::optional<StoredStates> states_at_hand(const stage::Context& context, const stage::Run& run,
                                           std::int64_t tokens, std::int64_t dim, const std::string& device) {
  auto file = run.at_hand(stage::describe("reference", context.config, context.in, context.out));
  if (!file) return std::nullopt;
  // With run.device = auto the same options stand for another device where there is a GPU.
  if (file->required_text(group, "device") != device) {
    context.console.warn(file->path().string() + " is not used: it was made on " +
                         file->required_text(group, "device") + ", and this runs on " + device);
    return std::nullopt;
  }
  context.console.note("the full-precision model's predictions are those of " + file->path().string());
  return StoredStates(std::move(*file), tokens, dim);
}

}  // namespace bitdarts::evaluate
