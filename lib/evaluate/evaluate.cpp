#include "evaluate/evaluate.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <numbers>

#include "core/error.hpp"
#include "evaluate/accounting.hpp"
#include "evaluate/measure.hpp"
#include "evaluate/rounds.hpp"
#include "evaluate/test_text.hpp"
#include "model/model_file.hpp"
#include "quant/bank_file.hpp"
#include "quant/cost.hpp"
#include "train/device.hpp"
#include "train/engine.hpp"

namespace bitdarts::evaluate {
namespace {

// The finetuned model as its file describes it.
struct Finetuned {
  model::ModelShape shape;
  model::ParameterLayout layout;
  std::vector<float> parameters;
  quant::Scheme scheme;
  quant::Bank bank;
  std::string scheme_name, from;
  std::vector<std::pair<std::string, std::string>> origin;  ///< strategy, budget, chosen: what is there
};

Finetuned load_finetuned(const std::filesystem::path& path) {
  const auto file = store::File::open(path);
  Finetuned m{.shape = model::load_shape(file),
              .layout = {},
              .parameters = {},
              .scheme = {},
              .bank = {},
              .scheme_name = file.required_text("/finetune", "scheme"),
              .from = file.required_text("/finetune", "from"),
              .origin = {}};
  for (const char* name : {"strategy", "budget", "chosen"})
    if (const auto text = file.text_attribute("/finetune", name)) m.origin.emplace_back(name, *text);
  m.layout = model::make_layout(m.shape, file.required_int("/finetune", "quantize_head") != 0);
  m.parameters = model::load_parameters(file, m.layout);
  m.scheme = quant::load_scheme(file, m.layout.linears);
  // Inputs that shared a quantizer each carry a copy of it, so tying makes no difference here.
  m.bank =
      quant::make_scheme_bank(m.layout.linears, m.scheme,
                              {.per_channel = file.required_text("/finetune", "weight_scale") == "channel",
                               .tie_shared_input = false,
                               .context = m.shape.context});
  if (!quant::load_bank(file, m.bank)) {
    throw InputError("the quantizers do not fit the scheme", path.string() + ":/quant",
                     "run bitdarts-finetune again");
  }
  return m;
}

Pretrained load_reference(const std::filesystem::path& path, const Finetuned& finetuned) {
  auto pretrained = load_pretrained(path);
  if (pretrained.shape == finetuned.shape) return pretrained;
  throw InputError("the pretrained and the finetuned model have different sizes", path.string(),
                   "evaluate a model beside the one that it was finetuned from");
}

// All weights, not only those that the compared windows happen to show.
void require_same_weights(const EffectiveWeights& packed, const EffectiveWeights& trained) {
  if (std::ranges::equal(packed, trained, {}, std::bit_cast<std::uint32_t, float>,
                         std::bit_cast<std::uint32_t, float>))
    return;
  throw Error("the weights unpacked from their codes are not those of the fake-quantized model", "evaluate",
              "this is a defect of bitdarts: please report it with finetuned.h5");
}

Measurement measure_all(const stage::Context& context, const Finetuned& finetuned,
                        const EffectiveWeights& packed, const EffectiveWeights& trained,
                        const Pretrained& reference, const StoredStates* states, const TestText& text,
                        const std::string& device) {
  Network packed_network(finetuned.shape, finetuned.layout, packed, &finetuned.bank, device);
  Network trained_network(finetuned.shape, finetuned.layout, trained, &finetuned.bank, device);
  Network reference_network(reference.shape, reference.layout, reference.weights, nullptr, device);
  const std::int64_t batch = context.config.evaluate.batch;
  RoundWatch watch(context, Share(context.world, text.windows, batch).rounds());
  const auto result = measure(context.world, text.tokens, text.windows, finetuned.shape.context, batch,
                              {packed_network, trained_network, reference_network, states},
                              [&](std::int64_t done, std::int64_t, const WindowScore& mine) {
                                watch.update(done, mine.nll, mine.tokens);
                              });
  watch.finish();
  if (!result.logits_equal) {
    char difference[40];
    std::snprintf(difference, sizeof difference, "%.3g", result.max_difference);
    throw Error(std::string("the packed model predicts otherwise than the fake-quantized one (largest "
                            "difference of the logits: ") +
                    difference + ")",
                "evaluate", "this is a defect of bitdarts: please report it with finetuned.h5");
  }
  return result;
}

// The numbers of the product.
struct Numbers {
  std::int64_t tokens = 0;
  Quality quantized, reference;
  double divergence = 0, agreement = 0;
};

Numbers numbers_of(const Measurement& measurement, std::uint64_t bytes) {
  const WindowScore sum = total(measurement.windows);
  const double tokens = static_cast<double>(sum.tokens);
  return {.tokens = sum.tokens,
          .quantized = quality_of(sum.nll, sum.tokens, bytes),
          .reference = quality_of(sum.reference_nll, sum.tokens, bytes),
          .divergence = sum.divergence / tokens,
          .agreement = static_cast<double>(sum.agreed) / tokens};
}

void save_evaluation(store::File& file, const Finetuned& finetuned, const TestText& text,
                     const Measurement& measurement, const Numbers& n, const Accounting& a,
                     const quant::SchemeSummary& s) {
  const std::string group = "/evaluation";
  std::vector<double> window_nll;
  std::vector<std::int64_t> window_tokens;
  for (const auto& window : measurement.windows) {
    window_nll.push_back(window.nll);
    window_tokens.push_back(window.tokens);
  }
  file.write<double>(group + "/window_nll", window_nll);
  if (std::ranges::adjacent_find(window_tokens, std::ranges::not_equal_to{}) != window_tokens.end())
    file.write<std::int64_t>(group + "/window_tokens", window_tokens);
  const std::pair<const char*, std::string> texts[] = {
      {"protocol", text.protocol}, {"scheme", finetuned.scheme_name}, {"from", finetuned.from}};
  for (const auto& [name, value] : texts) file.set_attribute(group, name, value);
  for (const auto& [name, value] : finetuned.origin) file.set_attribute(group, name, value);
  const std::pair<const char*, std::int64_t> counts[] = {
      {"tokens", n.tokens},
      {"windows", static_cast<std::int64_t>(text.windows.size())},
      {"bytes", static_cast<std::int64_t>(text.bytes)},
      {"packed_logits_equal", measurement.logits_equal ? 1 : 0},
      {"packed_windows_compared", measurement.windows_compared},
      {"quantized_weight_bytes", a.quantized_weight_bytes},
      {"model_bytes", a.model_bytes},
      {"full_precision_bytes", a.full_precision_bytes}};
  for (const auto& [name, value] : counts) file.set_attribute(group, name, value);
  const std::pair<const char*, double> numbers[] = {
      {"nll", n.quantized.nll},
      {"perplexity", n.quantized.perplexity},
      {"bits_per_byte", n.quantized.bits_per_byte},
      {"full_precision_nll", n.reference.nll},
      {"full_precision_perplexity", n.reference.perplexity},
      {"full_precision_bits_per_byte", n.reference.bits_per_byte},
      {"kl_divergence", n.divergence},
      {"top1_agreement", n.agreement},
      {"packed_max_difference", measurement.max_difference},
      {"mean_weight_bits", a.mean_weight_bits},
      {"mean_weight_bits_all", a.mean_weight_bits_all},
      {"mean_input_bits", s.mean_input_bits},
      {"compression_ratio", a.compression_ratio},
      {"weight_compression_ratio", a.weight_compression_ratio},
      {"bops_ratio", s.bops_ratio},
      {"bops_ratio_all", s.bops_ratio_all},
      {"size_ratio", s.size_ratio}};
  for (const auto& [name, value] : numbers) file.set_attribute(group, name, value);
}

// The file, not the memory it was written from, is what the result speaks of.
void require_written(const store::File& file, const Finetuned& finetuned,
                     const std::vector<PackedLayer>& packed) {
  if (load_packed(file, finetuned.layout.linears) == packed) return;
  throw Error("the packed weights read back from the file are not those that were written",
              file.path().string() + ":/packed", "check the disk and run bitdarts-evaluate again");
}

void print_summary(const Console& console, const Finetuned& finetuned, const TestText& text, const Numbers& n,
                   const Accounting& a, const quant::SchemeSummary& s) {
  char line[320];
  std::snprintf(line, sizeof line, "evaluate: %s, finetuned from %s; %lld tokens: %s",
                finetuned.scheme_name.c_str(), finetuned.from.c_str(), static_cast<long long>(n.tokens),
                text.protocol.c_str());
  console.result(line);
  std::snprintf(line, sizeof line,
                "  perplexity %.3f (full precision %.3f), bits per byte %.4f (%.4f), KL divergence %.4f "
                "nats, top-1 agreement %.2f%%",
                n.quantized.perplexity, n.reference.perplexity, n.quantized.bits_per_byte,
                n.reference.bits_per_byte, n.divergence, 100 * n.agreement);
  console.result(line);
  std::snprintf(line, sizeof line,
                "  %.3f bits a weight (%.3f with embeddings), %.3f bits an input, BOPs ratio %s; "
                "%.3f MB of quantized weights, %.3f MB in all (%.2f times smaller than float32)",
                a.mean_weight_bits, a.mean_weight_bits_all, s.mean_input_bits,
                quant::bops_in_words(s).c_str(), 1e-6 * static_cast<double>(a.quantized_weight_bytes),
                1e-6 * static_cast<double>(a.model_bytes), a.compression_ratio);
  console.result(line);
}

}  // namespace

void run_evaluate(const stage::Context& context, stage::Run& run) {
  const std::string device = train::prepare_device(context, run);
  auto finetuned = load_finetuned(run.input_path("finetuned"));
  const auto reference = load_reference(run.input_path("pretrained"), finetuned);
  const auto text = load_test_text(run.input_path("tokens"), finetuned.shape, context.config.evaluate);
  run.confirm_inputs();

  const auto trained = fake_quantized(finetuned.layout, finetuned.parameters, finetuned.bank);
  const auto packed = pack(finetuned.layout, finetuned.parameters, finetuned.bank);
  const auto unpacked = unpack_weights(finetuned.layout, finetuned.parameters, packed);
  require_same_weights(unpacked, trained);

  const auto states = states_at_hand(context, run, static_cast<std::int64_t>(text.tokens.size()) - 1,
                                     finetuned.shape.dim, device);
  const auto measurement = measure_all(context, finetuned, unpacked, trained, reference,
                                       states ? &*states : nullptr, text, device);
  const auto numbers = numbers_of(measurement, text.bytes);
  const auto accounting = account(finetuned.layout, packed, finetuned.scheme);
  const auto summary = quant::summarise(finetuned.layout.linears, finetuned.scheme,
                                        model::unquantized_macs(finetuned.shape, finetuned.layout));
  run.publish([&](store::File& product) {
    save_packed(product, packed);
    require_written(product, finetuned, packed);
    quant::save_scheme(product, finetuned.scheme, finetuned.layout.linears);
    save_evaluation(product, finetuned, text, measurement, numbers, accounting, summary);
  });
  print_summary(context.console, finetuned, text, numbers, accounting, summary);
}

}  // namespace bitdarts::evaluate
