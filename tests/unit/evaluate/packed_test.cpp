#include "evaluate/packed.hpp"

#include <unistd.h>

#include <filesystem>

#include "catch.hpp"
#include "core/error.hpp"
#include "quant/packing.hpp"
#include "tiny_model.hpp"

using namespace bitdarts;
using namespace bitdarts::evaluate;
using namespace evaluate_test;

namespace {

class ScratchFile {
 public:
  ScratchFile()
      : path_(std::filesystem::temp_directory_path() /
              ("bitdarts-packed-" + std::to_string(getpid()) + ".h5")) {}
  ~ScratchFile() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

std::vector<PackedLayer> through_file(const std::vector<PackedLayer>& layers, const TinyModel& tiny) {
  const ScratchFile scratch;
  store::File file = store::File::create(scratch.path());
  save_packed(file, layers);
  file.close();
  return load_packed(store::File::open(scratch.path()), tiny.layout.linears);
}

std::int64_t dataset_bytes(const std::vector<PackedLayer>& layers) {
  const ScratchFile scratch;
  store::File file = store::File::create(scratch.path());
  save_packed(file, layers);
  std::int64_t bytes = 0;
  for (const auto& name : file.datasets("/packed"))
    bytes += static_cast<std::int64_t>(file.info(name).bytes());
  return bytes;
}

}  // namespace

TEST_CASE("the packed model predicts what the fake-quantized one does, bit for bit") {
  for (const bool quantize_head : {false, true}) {
    for (const bool tied : {true, false}) {
      for (const bool per_channel : {false, true}) {
        INFO("head quantized: " << quantize_head << ", tied: " << tied << ", per channel: " << per_channel);
        const TinyModel tiny(quantize_head, tied);
        auto bank = started_bank(tiny, mixed_scheme(tiny.layout.linears), per_channel);
        const auto fake = fake_quantized(tiny.layout, tiny.parameters, bank);
        auto packed = pack(tiny.layout, tiny.parameters, bank);
        CHECK((through_file(packed, tiny) == packed));
        const auto unpacked = unpack_weights(tiny.layout, tiny.parameters, through_file(packed, tiny));

        const at::Tensor tokens = token_rows(random_tokens(40, tiny.shape.vocab), tiny.shape.context);
        const auto logits = [&](const EffectiveWeights& weights) {
          return Network(tiny.shape, tiny.layout, weights, &bank, "cpu").logits(tokens);
        };
        const at::Tensor expected = logits(fake);
        CHECK(same_bits(logits(unpacked), expected));
        CHECK_FALSE(same_bits(logits(tiny.parameters), expected));

        // The comparison would see a single wrong code.
        packed[0].codes[0] ^= 1;
        CHECK_FALSE(same_bits(logits(unpack_weights(tiny.layout, tiny.parameters, packed)), expected));
        CHECK(dataset_bytes(packed) > 0);
      }
    }
  }
}

TEST_CASE("every candidate survives packing on weights that are hard to round") {
  TinyModel tiny;
  auto weights = std::span(tiny.parameters);
  for (std::size_t i = 0; i < weights.size(); i += 3)
    weights[i] = 0.25f * static_cast<float>(i % 17) - 2.0f;  // ties
  for (std::size_t i = 1; i < weights.size(); i += 31) weights[i] = -0.0f;
  for (const std::string method : {"lsq+", "pact", "uniform"}) {
    for (int bits = 2; bits <= 16; ++bits) {
      quant::Scheme scheme;
      for (const auto& layer : tiny.layout.linears) {
        scheme.entries.push_back(
            {layer.name, quant::parse_candidate(method + ":" + std::to_string(bits)), {}});
      }
      auto bank = started_bank(tiny, scheme, bits % 2 == 0);
      const auto fake = fake_quantized(tiny.layout, tiny.parameters, bank);
      const auto packed = pack(tiny.layout, tiny.parameters, bank);
      const auto unpacked = unpack_weights(tiny.layout, tiny.parameters, packed);
      INFO(method << ":" << bits);
      CHECK(std::memcmp(unpacked.data(), fake.data(), fake.size() * sizeof(float)) == 0);
      std::int64_t bytes = 0;
      for (const auto& layer : packed) bytes += layer.bytes();
      CHECK(dataset_bytes(packed) == bytes);
    }
  }
}

TEST_CASE("a packed file that does not fit the model is refused") {
  const TinyModel tiny;
  auto bank = started_bank(tiny, mixed_scheme(tiny.layout.linears), false);
  fake_quantized(tiny.layout, tiny.parameters, bank);
  const auto packed = pack(tiny.layout, tiny.parameters, bank);
  const auto refused = [&](auto&& change) {
    auto changed = packed;
    change(changed);
    CHECK_THROWS_AS(through_file(changed, tiny), InputError);
  };
  refused([](auto& layers) { layers.pop_back(); });
  refused([](auto& layers) { layers[0].codes.resize(layers[0].codes.size() - 12); });
  refused([](auto& layers) { layers[0].steps.push_back(1); });
  refused([](auto& layers) { layers[0].steps[0] = 0; });
  refused([](auto& layers) { layers[0].steps[0] = std::nanf(""); });
  refused([](auto& layers) { layers[0].candidate.bits = 4; });
  refused([](auto& layers) { layers[0].rows = 6, layers[0].columns = 24; });
  refused([](auto& layers) { layers[3].candidate = quant::parse_candidate("pact:4"); });
}

TEST_CASE("a weight that is still undecided cannot be packed") {
  const TinyModel tiny;
  const auto bank = quant::make_search_bank(tiny.layout.linears, quant::parse_candidates({"lsq+:4", "fp32"}),
                                            quant::parse_candidates({"fp32"}), {});
  CHECK_THROWS_AS(pack(tiny.layout, tiny.parameters, bank), Error);
}
