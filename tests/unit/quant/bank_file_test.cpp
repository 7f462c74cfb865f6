#include "quant/bank_file.hpp"

#include <unistd.h>

#include <filesystem>

#include "catch.hpp"
#include "core/error.hpp"
#include "inputs.hpp"

using namespace quant_test;
using Catch::Matchers::Contains;
namespace fs = std::filesystem;

namespace {

const std::vector<LayerShape> layers{{"model.layers.0.self_attn.q_proj", 3, 4, "attention"},
                                     {"model.layers.0.self_attn.k_proj", 2, 4, "attention"},
                                     {"model.layers.0.self_attn.o_proj", 4, 3}};
const std::vector<std::string> weight_names{"lsq+:4", "pact:3", "uniform:8", "fp32"},
    input_names{"fp32", "lsq+:3", "pact:5"};

// A bank with no two numbers alike.
Bank numbered_bank(const std::vector<std::string>& weights, const std::vector<std::string>& inputs,
                   const BankOptions& options, std::uint64_t seed) {
  auto bank = make_search_bank(layers, parse_candidates(weights), parse_candidates(inputs), options);
  KeyedRandom random(seed, Stream::initialisation);
  for (auto& theta : bank.theta) theta = 0.1 + random.uniform();
  for (auto& alpha : bank.alpha) alpha = random.normal();
  update_probabilities(bank, 1);
  return bank;
}

class BankFile {
 public:
  BankFile()
      : path_(fs::temp_directory_path() / ("bitdarts-bank-test-" + std::to_string(getpid()) + ".h5")) {}
  ~BankFile() {
    std::error_code ignored;
    fs::remove(path_, ignored);
  }
  BankFile(const BankFile&) = delete;
  BankFile& operator=(const BankFile&) = delete;

  template <class Fill>
  store::File with(const Fill& fill) const {
    auto file = store::File::create(path_);
    fill(file);
    file.close();
    return store::File::open(path_);
  }
  store::File of(const Bank& bank) const {
    return with([&](store::File& file) { save_bank(file, bank); });
  }

 private:
  fs::path path_;
};

// Where each of two banks keeps what it knows of a candidate at a layer.
void check_same_candidate(const Bank& found, const Site& site, std::size_t j, const Bank& expected) {
  for (const std::size_t layer : site.layers) {
    const auto& other =
        expected.sites[site.role == Role::weight ? expected.weight_site[layer] : expected.input_site[layer]];
    if (layer != other.layers[0] && layer != site.layers[0]) continue;
    const auto at = static_cast<std::size_t>(
        std::find(other.candidates.begin(), other.candidates.end(), site.candidates[j]) -
        other.candidates.begin());
    REQUIRE(at < other.candidates.size());
    for (std::int64_t c = 0; c < site.channels; ++c)
      CHECK(found.theta[site.range_at(j, c)] == expected.theta[other.range_at(at, c)]);
    CHECK(found.theta[site.offset + j] == expected.theta[other.offset + at]);
  }
}

bool is_trained_or_measured(const Candidate& candidate) { return candidate.method != Method::identity; }

}  // namespace

TEST_CASE("a bank comes back from its file: alpha, ranges per channel, offsets") {
  for (const bool per_channel : {false, true})
    for (const bool tied : {false, true}) {
      CAPTURE(per_channel, tied);
      const BankFile path;
      const BankOptions options{.per_channel = per_channel, .tie_shared_input = tied, .context = 2};
      const auto saved = numbered_bank(weight_names, input_names, options, 1);
      auto loaded = numbered_bank(weight_names, input_names, options, 2);
      REQUIRE(load_bank(path.of(saved), loaded));
      CHECK(loaded.alpha == saved.alpha);
      for (const auto& site : loaded.sites)
        for (std::size_t j = 0; j < site.candidates.size(); ++j)
          if (is_trained_or_measured(site.candidates[j])) check_same_candidate(loaded, site, j, saved);
    }
}

TEST_CASE("every layer's quantizers stand in the file under the names that outside readers rely on") {
  const BankFile path;
  const auto bank = numbered_bank(weight_names, input_names,
                                  {.per_channel = true, .tie_shared_input = true, .context = 2}, 1);
  const auto file = path.of(bank);
  for (const auto& layer : layers) {
    const std::string weight = "/quant/" + layer.name + "/weight", input = "/quant/" + layer.name + "/input";
    CHECK(file.read_text(weight + "/candidates") == "lsq+:4\npact:3\nuniform:8\nfp32\n");
    const auto channels = static_cast<std::uint64_t>(layer.out_features);
    for (const char* range : {"step", "clip", "maximum"})
      CHECK(file.info(weight + "/" + range).shape == store::Shape{4, channels});
    CHECK(file.info(input + "/step").shape == store::Shape{3, 1});
    CHECK(file.info(input + "/alpha").shape == store::Shape{3});
    CHECK(file.info(input + "/offset").shape == store::Shape{3});
  }
  const auto& site = bank.sites[bank.weight_site[1]];
  const auto steps = file.read<double>("/quant/" + layers[1].name + "/weight/step");
  CHECK(steps[1] == bank.theta[site.range_at(0, 1)]);
  CHECK(std::isnan(steps[2]));  // pact has no step
  CHECK(file.read<double>("/quant/" + layers[1].name + "/weight/clip")[2] == bank.theta[site.range_at(1, 0)]);
}

TEST_CASE("a bank of a scheme takes the ranges of its candidates from the search's file") {
  const BankFile path;
  const auto searched = numbered_bank(weight_names, input_names,
                                      {.per_channel = true, .tie_shared_input = false, .context = 2}, 1);
  const auto file = path.of(searched);
  Scheme scheme;
  for (const auto& layer : layers)
    scheme.entries.push_back({layer.name, parse_candidate("pact:3"), parse_candidate("lsq+:3")});
  scheme.entries[2] = {layers[2].name, parse_candidate("fp32"), parse_candidate("pact:5")};
  auto bank =
      make_scheme_bank(layers, scheme, {.per_channel = true, .tie_shared_input = false, .context = 2});
  REQUIRE(load_bank(file, bank));
  auto transferred =
      make_scheme_bank(layers, scheme, {.per_channel = true, .tie_shared_input = false, .context = 2});
  transfer_ranges(searched, transferred);
  for (const auto& site : bank.sites)
    if (is_trained_or_measured(site.candidates[0])) {
      check_same_candidate(bank, site, 0, searched);
      check_same_candidate(transferred, site, 0, searched);
    }
}

TEST_CASE("ranges are transferred candidate by candidate; what the other bank lacks stays") {
  const auto from = numbered_bank({"lsq+:4", "pact:3"}, {"lsq+:3"},
                                  {.per_channel = false, .tie_shared_input = true, .context = 2}, 1);
  auto to = numbered_bank({"pact:3", "uniform:8"}, {"pact:5", "lsq+:3"},
                          {.per_channel = false, .tie_shared_input = false, .context = 2}, 2);
  const auto before = to;
  transfer_ranges(from, to);
  for (std::size_t l = 0; l < layers.size(); ++l) {
    const auto &weight = to.sites[to.weight_site[l]], &input = to.sites[to.input_site[l]];
    const auto &from_weight = from.sites[from.weight_site[l]], &from_input = from.sites[from.input_site[l]];
    CHECK(to.theta[weight.range_at(0, 0)] == from.theta[from_weight.range_at(1, 0)]);
    CHECK(to.theta[weight.range_at(1, 0)] == before.theta[weight.range_at(1, 0)]);
    CHECK(to.theta[input.range_at(0, 0)] == before.theta[input.range_at(0, 0)]);
    CHECK(to.theta[input.range_at(1, 0)] == from.theta[from_input.range_at(0, 0)]);
    CHECK(to.theta[input.offset + 1] == from.theta[from_input.offset]);
  }
  CHECK(to.alpha == before.alpha);
}

TEST_CASE("a bank that the file does not cover stays as it was") {
  const BankFile path;
  const BankOptions options{.per_channel = false, .tie_shared_input = false, .context = 2};
  const auto file = path.of(numbered_bank(weight_names, input_names, options, 1));
  const auto refused = [&](Bank bank) {
    const auto before = bank;
    CHECK_FALSE(load_bank(file, bank));
    CHECK((bank.theta == before.theta && bank.alpha == before.alpha));
  };
  refused(numbered_bank({"lsq+:4", "lsq+:5"}, input_names, options, 2));  // another candidate
  refused(numbered_bank(weight_names, input_names,
                        {.per_channel = true, .tie_shared_input = false, .context = 2}, 2));  // channels
  auto more = layers;
  more.push_back({"lm_head", 7, 4});
  refused(make_search_bank(more, parse_candidates(weight_names), parse_candidates(input_names), options));
}

TEST_CASE("ranges, offsets and alphas that are not numbers are refused by name") {
  const BankFile path;
  const auto good = numbered_bank(weight_names, input_names, {}, 1);
  constexpr double nan = std::numeric_limits<double>::quiet_NaN(),
                   infinity = std::numeric_limits<double>::infinity();
  const auto refused = [&](auto spoil, const std::string& name) {
    auto bank = good;
    spoil(bank);
    const auto file = path.of(bank);
    auto target = good;
    CHECK_THROWS_AS(load_bank(file, target), InputError);
    CHECK_THROWS_WITH(load_bank(file, target), Contains(name));
    CHECK((target.theta == good.theta && target.alpha == good.alpha));
  };
  const auto &weight = good.sites[good.weight_site[1]], &input = good.sites[good.input_site[2]];
  refused([&](Bank& b) { b.theta[weight.range_at(0, 0)] = -1; }, "k_proj/weight/step");
  refused([&](Bank& b) { b.theta[weight.range_at(1, 0)] = infinity; }, "k_proj/weight/clip");
  refused([&](Bank& b) { b.theta[input.range_at(1, 0)] = nan; }, "o_proj/input/step");
  refused([&](Bank& b) { b.theta[input.offset + 1] = nan; }, "o_proj/input/offset");
  refused([&](Bank& b) { b.alpha[weight.alpha + 3] = nan; }, "k_proj/weight/alpha");
}

TEST_CASE("a checkpoint holds alpha and theta to the last bit") {
  const BankFile path;
  const auto saved = numbered_bank(weight_names, input_names, {}, 1);
  auto loaded = numbered_bank(weight_names, input_names, {}, 2);
  load_bank_state(path.with([&](store::File& file) { save_bank_state(file, saved); }), loaded);
  CHECK((loaded.alpha == saved.alpha && loaded.theta == saved.theta));
  auto other = numbered_bank({"lsq+:4"}, input_names, {}, 2);
  CHECK_THROWS_AS(load_bank_state(path.with([&](store::File& file) { save_bank_state(file, saved); }), other),
                  InputError);
}

TEST_CASE("a stored scheme comes back, and one of another model is a bad input") {
  const BankFile path;
  const auto scheme = parse_uniform("uniform:pact:w4a8", layers);
  const auto file = path.with([&](store::File& f) { save_scheme(f, scheme, layers); });
  CHECK((load_scheme(file, layers) == scheme));
  CHECK(file.required_double("/scheme", "mean_weight_bits") == 4);
  CHECK(file.required_double("/scheme", "bops_ratio") == 32.0 / 1024);
  auto other = layers;
  other[0].name = "model.layers.7.mlp.up_proj";
  CHECK_THROWS_AS(load_scheme(file, other), InputError);
}
