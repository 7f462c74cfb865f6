#include "evaluate/evaluate.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <numbers>

#include "core/error.hpp"
#include "data/corpus.hpp"
#include "evaluate/accounting.hpp"
#include "evaluate/measure.hpp"
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
};

Finetuned load_finetuned(const std::filesystem::path& path) {
  const auto file = store::File::open(path);
  Finetuned m{.shape = model::load_shape(file),
              .layout = {},
              .parameters = {},
              .scheme = {},
              .bank = {},
              .scheme_name = file.required_text("/finetune", "scheme"),
              .from = file.required_text("/finetune", "from")};
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

EffectiveWeights load_reference(const std::filesystem::path& path, const Finetuned& finetuned) {
  const auto file = store::File::open(path);
  if (model::load_shape(file) != finetuned.shape) {
    throw InputError("the pretrained and the finetuned model have different sizes", path.string(),
                     "evaluate a model beside the one that it was finetuned from");
  }
  return {.parameters = model::load_parameters(file, finetuned.layout), .head = {}};
}

// What is scored, and how.
struct TestText {
  std::vector<std::int32_t> tokens;
  std::uint64_t bytes = 0;
  std::vector<Window> windows;
  std::string protocol;
};

TestText load_test_text(const std::filesystem::path& path, const model::ModelShape& shape,
                        const config::EvaluateOptions& options) {
  const std::int64_t stride = options.stride == 0 ? shape.context : options.stride;
  if (stride > shape.context) {
    throw ConfigError(
        "the windows of this model are " + std::to_string(shape.context) + " tokens long, and a stride of " +
            std::to_string(stride) + " would leave tokens out",
        "evaluate.stride", "choose evaluate.stride at most " + std::to_string(shape.context) + ", or 0");
  }
  if (options.max_tokens == 1) {
    throw ConfigError("one token has no other to be predicted from", "evaluate.max_tokens",
                      "give at least 2, or 0 for all");
  }
  auto corpus = data::load_corpus(path, shape.context, {data::Split::test});
  if (corpus.vocab_size != shape.vocab) {
    throw InputError("the tokens have another vocabulary than the model", path.string(),
                     "run tokenize and pretrain again with the same configuration");
  }
  TestText text{
      .tokens = std::move(corpus.test.ids), .bytes = corpus.test.bytes, .windows = {}, .protocol = {}};
  const bool cut =
      options.max_tokens > 0 && static_cast<std::size_t>(options.max_tokens) < text.tokens.size();
  if (cut) {
    text.tokens.resize(static_cast<std::size_t>(options.max_tokens));
    const auto piece_bytes = data::load_piece_bytes(path);
    text.bytes = 0;
    for (const std::int32_t token : std::span(text.tokens).subspan(1))
      text.bytes += piece_bytes[static_cast<std::size_t>(token)];
    if (text.bytes == 0) {
      throw ConfigError("the first tokens of the test part stand for no text", "evaluate.max_tokens",
                        "give more, or 0 for all");
    }
  }
  text.windows = plan_windows(static_cast<std::int64_t>(text.tokens.size()), shape.context, stride);
  text.protocol = describe_protocol(shape.context, stride, cut ? options.max_tokens : 0);
  return text;
}

// All weights, not only those that the compared windows happen to show.
void require_same_weights(const EffectiveWeights& packed, const EffectiveWeights& trained) {
  const auto same = [](const std::vector<float>& a, const std::vector<float>& b) {
    return std::ranges::equal(a, b, {}, std::bit_cast<std::uint32_t, float>,
                              std::bit_cast<std::uint32_t, float>);
  };
  if (same(packed.parameters, trained.parameters) && same(packed.head, trained.head)) return;
  throw Error("the weights unpacked from their codes are not those of the fake-quantized model", "evaluate",
              "this is a defect of bitdarts: please report it with finetuned.h5");
}

Measurement measure_all(const stage::Context& context, const Finetuned& finetuned,
                        const EffectiveWeights& packed, const EffectiveWeights& trained,
                        const EffectiveWeights& reference, const TestText& text, const std::string& device) {
  Network packed_network(finetuned.shape, finetuned.layout, packed, &finetuned.bank, device);
  Network trained_network(finetuned.shape, finetuned.layout, trained, &finetuned.bank, device);
  Network reference_network(finetuned.shape, finetuned.layout, reference, nullptr, device);
  Progress progress(context.console, "evaluate",
                    (static_cast<std::int64_t>(text.windows.size()) - 1) /
                            (context.config.evaluate.batch * context.world.size()) +
                        1);
  const auto between = [&](std::int64_t done, std::int64_t all, const WindowScore& mine) {
    const double nll = mine.tokens > 0 ? mine.nll / static_cast<double>(mine.tokens) : 0.0;
    progress.update(done, {{"perplexity", std::exp(nll)}},
                    static_cast<double>(mine.tokens * context.world.size()), "tokens");
    if (done < all && context.interrupts.raised_anywhere(context.world)) {
      throw Interrupted(
          "interrupted after " + std::to_string(done) + " of " + std::to_string(all) + " rounds",
          context.out.string(),
          "run the same command again; it starts over, for an evaluation is short and saves nothing half "
          "done");
    }
  };
  const auto result =
      measure(context.world, text.tokens, text.windows, finetuned.shape.context,
              context.config.evaluate.batch, {packed_network, trained_network, reference_network}, between);
  progress.finish();
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

// The numbers of the product, in its words.
struct Quality {
  std::int64_t tokens = 0;
  double nll = 0, perplexity = 0, bits_per_byte = 0;
  double reference_nll = 0, reference_perplexity = 0, reference_bits_per_byte = 0;
  double divergence = 0, agreement = 0;
};

Quality quality_of(const Measurement& measurement, std::uint64_t bytes) {
  const WindowScore sum = total(measurement.windows);
  const double tokens = static_cast<double>(sum.tokens),
               bits = std::numbers::ln2 * static_cast<double>(bytes);
  return {.tokens = sum.tokens,
          .nll = sum.nll / tokens,
          .perplexity = std::exp(sum.nll / tokens),
          .bits_per_byte = sum.nll / bits,
          .reference_nll = sum.reference_nll / tokens,
          .reference_perplexity = std::exp(sum.reference_nll / tokens),
          .reference_bits_per_byte = sum.reference_nll / bits,
          .divergence = sum.divergence / tokens,
          .agreement = static_cast<double>(sum.agreed) / tokens};
}

void save_evaluation(store::File& file, const Finetuned& finetuned, const TestText& text,
                     const Measurement& measurement, const Quality& q, const Accounting& a,
                     const quant::SchemeSummary& s) {
  const std::string group = "/evaluation";
  std::vector<double> window_nll;
  for (const auto& window : measurement.windows) window_nll.push_back(window.nll);
  file.write<double>(group + "/window_nll", window_nll);
  const std::pair<const char*, std::string> texts[] = {
      {"protocol", text.protocol}, {"scheme", finetuned.scheme_name}, {"from", finetuned.from}};
  for (const auto& [name, value] : texts) file.set_attribute(group, name, value);
  const std::pair<const char*, std::int64_t> counts[] = {
      {"tokens", q.tokens},
      {"windows", static_cast<std::int64_t>(text.windows.size())},
      {"bytes", static_cast<std::int64_t>(text.bytes)},
      {"packed_logits_equal", measurement.logits_equal ? 1 : 0},
      {"packed_windows_compared", measurement.windows_compared},
      {"quantized_weight_bytes", a.quantized_weight_bytes},
      {"model_bytes", a.model_bytes},
      {"full_precision_bytes", a.full_precision_bytes}};
  for (const auto& [name, value] : counts) file.set_attribute(group, name, value);
  const std::pair<const char*, double> numbers[] = {
      {"nll", q.nll},
      {"perplexity", q.perplexity},
      {"bits_per_byte", q.bits_per_byte},
      {"full_precision_nll", q.reference_nll},
      {"full_precision_perplexity", q.reference_perplexity},
      {"full_precision_bits_per_byte", q.reference_bits_per_byte},
      {"kl_divergence", q.divergence},
      {"top1_agreement", q.agreement},
      {"packed_max_difference", measurement.max_difference},
      {"mean_weight_bits", a.mean_weight_bits},
      {"mean_weight_bits_all", a.mean_weight_bits_all},
      {"mean_input_bits", s.mean_input_bits},
      {"compression_ratio", a.compression_ratio},
      {"weight_compression_ratio", a.weight_compression_ratio},
      {"bops_ratio", s.bops_ratio},
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

void print_summary(const Console& console, const Finetuned& finetuned, const TestText& text, const Quality& q,
                   const Accounting& a, const quant::SchemeSummary& s) {
  char line[320];
  std::snprintf(line, sizeof line, "evaluate: %s, finetuned from %s; %lld tokens: %s",
                finetuned.scheme_name.c_str(), finetuned.from.c_str(), static_cast<long long>(q.tokens),
                text.protocol.c_str());
  console.result(line);
  std::snprintf(line, sizeof line,
                "  perplexity %.3f (full precision %.3f), bits per byte %.4f (%.4f), KL divergence %.4f "
                "nats, top-1 agreement %.2f%%",
                q.perplexity, q.reference_perplexity, q.bits_per_byte, q.reference_bits_per_byte,
                q.divergence, 100 * q.agreement);
  console.result(line);
  std::snprintf(line, sizeof line,
                "  %.3f bits a weight (%.3f with embeddings), %.3f bits an input, BOPs ratio %.3f%%; "
                "%.3f MB of quantized weights, %.3f MB in all (%.2f times smaller than float32)",
                a.mean_weight_bits, a.mean_weight_bits_all, s.mean_input_bits, 100 * s.bops_ratio,
                1e-6 * static_cast<double>(a.quantized_weight_bytes),
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

  const auto measurement = measure_all(context, finetuned, unpacked, trained, reference, text, device);
  const auto quality = quality_of(measurement, text.bytes);
  const auto accounting = account(finetuned.layout, packed, finetuned.scheme);
  const auto summary = quant::summarise(finetuned.layout.linears, finetuned.scheme);
  run.publish([&](store::File& product) {
    save_packed(product, packed);
    require_written(product, finetuned, packed);
    quant::save_scheme(product, finetuned.scheme, finetuned.layout.linears);
    save_evaluation(product, finetuned, text, measurement, quality, accounting, summary);
  });
  print_summary(context.console, finetuned, text, quality, accounting, summary);
}

}  // namespace bitdarts::evaluate
