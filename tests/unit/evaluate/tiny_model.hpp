#pragma once
// A random transformer small enough to look at, with quantizers of every kind.
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "core/random.hpp"
#include "evaluate/network.hpp"
#include "quant/bank.hpp"
#include "quant/scheme.hpp"

namespace evaluate_test {

using namespace bitdarts;

inline std::vector<float> normal_values(std::size_t count, std::uint64_t seed, double deviation = 1.0) {
  KeyedRandom random(seed, Stream::initialisation);
  std::vector<float> values(count);
  for (auto& value : values) value = static_cast<float>(deviation * random.normal());
  return values;
}

struct TinyModel {
  model::ModelShape shape{
      .vocab = 23, .dim = 12, .layers = 2, .heads = 2, .kv_heads = 1, .ffn = 20, .context = 8};
  model::ParameterLayout layout;
  std::vector<float> parameters;

  explicit TinyModel(bool quantize_head = false, bool tied = true) {
    shape.tied_embeddings = tied;
    layout = model::make_layout(shape, quantize_head);
    // Large enough weights for attention and predictions that are not flat.
    parameters = normal_values(layout.total, 11, 0.4);
  }
};

/// Every method, odd widths, fp32, in turn over the layers.
inline quant::Scheme mixed_scheme(const std::vector<quant::LayerShape>& layers) {
  const std::vector<std::string> weights{"lsq+:3",  "pact:5",    "uniform:7", "fp32",
                                         "lsq+:11", "uniform:2", "pact:16",   "lsq+:4"};
  const std::vector<std::string> inputs{"lsq+:8", "uniform:6", "fp32", "pact:9", "lsq+:5"};
  quant::Scheme scheme;
  for (std::size_t l = 0; l < layers.size(); ++l) {
    scheme.entries.push_back({layers[l].name, quant::parse_candidate(weights[l % weights.size()]),
                              quant::parse_candidate(inputs[l % inputs.size()])});
  }
  return scheme;
}

/// Ranges as calibration finds them, for inputs that are normally distributed around 0.2.
inline quant::Bank started_bank(const TinyModel& tiny, const quant::Scheme& scheme, bool per_channel) {
  auto bank = quant::make_scheme_bank(
      tiny.layout.linears, scheme,
      {.per_channel = per_channel, .tie_shared_input = false, .context = tiny.shape.context});
  auto samples = normal_values(500, 12);
  for (auto& sample : samples) sample += 0.2f;
  for (const auto& site : bank.sites) {
    if (site.role == quant::Role::input) {
      quant::initialise_input_site(bank, site, samples);
    } else {
      quant::initialise_weight_site(bank, site,
                                    model::weight_of<float>(tiny.layout, tiny.parameters, site.layers[0]));
    }
  }
  return bank;
}

inline std::vector<std::int32_t> random_tokens(std::size_t count, std::int64_t vocab) {
  KeyedRandom random(13, Stream::initialisation);
  std::vector<std::int32_t> tokens(count);
  for (auto& token : tokens)
    token = static_cast<std::int32_t>(random.below(static_cast<std::uint64_t>(vocab)));
  return tokens;
}

/// [rows, context] token ids as the network takes them.
inline at::Tensor token_rows(const std::vector<std::int32_t>& tokens, std::int64_t context) {
  const auto rows = static_cast<std::int64_t>(tokens.size()) / context;
  at::Tensor batch = at::empty({rows, context}, at::kLong);
  std::copy_n(tokens.begin(), rows * context, batch.data_ptr<std::int64_t>());
  return batch;
}

inline bool same_bits(const at::Tensor& a, const at::Tensor& b) {
  return a.sizes() == b.sizes() && a.is_contiguous() && b.is_contiguous() &&
         std::memcmp(a.data_ptr(), b.data_ptr(), a.nbytes()) == 0;
}

}  // namespace evaluate_test
