#include "evaluate/accounting.hpp"

#include "catch.hpp"
#include "core/error.hpp"
#include "quant/cost.hpp"
#include "tiny_model.hpp"

using namespace bitdarts;
using namespace bitdarts::evaluate;

namespace {

// One block: embedding 10 x 4, three norms of 4, q k v o 4 x 4, gate and up 6 x 4, down 4 x 6: 188
// parameters, 136 in linear layers.
const model::ModelShape shape{
    .vocab = 10, .dim = 4, .layers = 1, .heads = 1, .kv_heads = 1, .ffn = 6, .context = 8};

quant::Scheme scheme_for(const model::ParameterLayout& layout) {
  const std::pair<const char*, const char*> choices[] = {
      {"lsq+:3", "pact:8"}, {"uniform:5", "lsq+:4"}, {"fp32", "fp32"},     {"pact:4", "uniform:6"},
      {"lsq+:8", "fp32"},   {"lsq+:16", "lsq+:2"},   {"lsq+:2", "pact:4"}, {"lsq+:4", "lsq+:8"}};
  quant::Scheme scheme;
  for (std::size_t l = 0; l < layout.linears.size(); ++l) {
    scheme.entries.push_back({layout.linears[l].name, quant::parse_candidate(choices[l].first),
                              quant::parse_candidate(choices[l].second)});
  }
  return scheme;
}

Accounting account_for(const model::ParameterLayout& layout, bool per_channel) {
  const auto scheme = scheme_for(layout);
  auto bank = quant::make_scheme_bank(layout.linears, scheme, {.per_channel = per_channel});
  const auto parameters = evaluate_test::normal_values(layout.total, 3);
  fake_quantized(layout, parameters, bank);
  return account(layout, pack(layout, parameters, bank), scheme);
}

}  // namespace

TEST_CASE("bits and bytes are those counted by hand") {
  const auto layout = model::make_layout(shape);
  REQUIRE(layout.total == 188);
  const Accounting a = account_for(layout, false);
  // 16 (3 + 5 + 32 + 4) + 24 (8 + 16 + 2) bits of codes, and six steps.
  CHECK(a.mean_weight_bits == Approx((1328 + 6 * 32) / 136.0));
  CHECK(a.mean_weight_bits_all == Approx((1328 + 6 * 32 + 52 * 32) / 188.0));
  // q 4 rows of 12 bits, k 4 of 20, v 4 of 128, o 4 of 16, gate 6 of 32, up 6 of 64, down 4 of 12; rows end
  // on whole bytes.
  const std::int64_t packed = 4 * 2 + 4 * 3 + 4 * 16 + 4 * 2 + 6 * 4 + 6 * 8 + 4 * 2 + 6 * 4;
  CHECK(a.quantized_weight_bytes == packed);
  // Embedding and norms stay; inputs need 1 (pact) + 2 (lsq+) + 0 + 1 (uniform) + 0 + 2 + 1 numbers.
  CHECK(a.model_bytes == packed + 4 * 52 + 4 * 7);
  CHECK(a.full_precision_bytes == 4 * 188);
  CHECK(a.compression_ratio == Approx(752.0 / static_cast<double>(packed + 236)));
  CHECK(a.weight_compression_ratio == Approx(4 * 136.0 / static_cast<double>(packed)));
}

TEST_CASE("what a budget of the size counts is what is stored for the quantized layers") {
  const auto layout = model::make_layout(shape);
  for (const bool per_channel : {false, true}) {
    const std::int64_t stored = account_for(layout, per_channel).model_bytes - 4 * 52;  // embedding and norms
    CHECK(quant::scheme_cost({quant::CostKind::size, per_channel}, layout.linears, scheme_for(layout)) ==
          8 * stored);
  }
}

TEST_CASE("every scale of a channel is counted") {
  const auto layout = model::make_layout(shape);
  const Accounting tensor = account_for(layout, false), channel = account_for(layout, true);
  const std::int64_t more = (4 + 4 + 4 + 6 + 6 + 4) - 6;  // steps: one a row instead of one a layer
  CHECK(channel.quantized_weight_bytes == tensor.quantized_weight_bytes + 4 * more);
  CHECK(channel.mean_weight_bits == Approx(tensor.mean_weight_bits + 32.0 * static_cast<double>(more) / 136));
}

TEST_CASE("a quantized head that shares its matrix is stored beside the embedding, its own replaces it") {
  auto own = shape;
  own.tied_embeddings = false;
  const Accounting plain = account_for(model::make_layout(shape), false);
  const Accounting tied = account_for(model::make_layout(shape, true), false);
  const Accounting untied = account_for(model::make_layout(own, true), false);
  const std::int64_t head = 10 * 2 + 4, input = 4 * 2;  // 10 rows of 16 bits and a step; lsq+ input
  CHECK(tied.quantized_weight_bytes == plain.quantized_weight_bytes + head);
  CHECK(tied.model_bytes == plain.model_bytes + head + input);
  CHECK(tied.full_precision_bytes == plain.full_precision_bytes);
  CHECK(untied.model_bytes == tied.model_bytes);
  CHECK(untied.full_precision_bytes == plain.full_precision_bytes + 4 * 40);
  CHECK(untied.mean_weight_bits == Approx((1328 + 160 + 7 * 32) / 176.0));
  CHECK(untied.mean_weight_bits_all == Approx((1328 + 160 + 7 * 32 + 52 * 32) / 228.0));
}

TEST_CASE("layers and scheme that do not belong together are refused") {
  const auto layout = model::make_layout(shape);
  CHECK_THROWS_AS(account(layout, {}, scheme_for(layout)), Error);
}

TEST_CASE("bit operations with the head that is not quantized are those counted by hand") {
  const auto layout = model::make_layout(shape);
  CHECK(model::unquantized_macs(shape, layout) == 10 * 4);
  const auto bits =
      quant::summarise(layout.linears, scheme_for(layout), model::unquantized_macs(shape, layout));
  const double layers =
      16 * (3 * 8 + 5 * 4 + 32 * 32 + 4 * 6) + 24 * (8 * 32 + 16 * 2 + 2 * 4);  // MACs x bits x bits
  CHECK(bits.bops_ratio == Approx(layers / (136 * 1024.0)));
  CHECK(bits.bops_ratio_all == Approx((layers + 40 * 1024) / (176 * 1024.0)));
  // A quantized head is a layer like the others, tied or not.
  CHECK(model::unquantized_macs(shape, model::make_layout(shape, true)) == 0);
  auto own = shape;
  own.tied_embeddings = false;
  CHECK(model::unquantized_macs(own, model::make_layout(own, true)) == 0);
  CHECK(model::unquantized_macs(own, model::make_layout(own)) == 10 * 4);
}
