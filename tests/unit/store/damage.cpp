// Files as accidents leave them: reading says so and goes on living.
#include <algorithm>

#include "catch.hpp"
#include "core/random.hpp"
#include "store/product.hpp"
#include "unit/store/support.hpp"

using namespace bitdarts;
using store::File;

namespace {

void make_product(const std::filesystem::path& path) {
  store::Provenance provenance;
  provenance.stage = "pretrain";
  provenance.configuration = "[model]\ndim = 8\n";
  store::publish(path, provenance, [](File& file) {
    std::vector<float> weights(300);
    for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = static_cast<float>(i) + 0.5f;
    file.write<float>("/model/weight", weights, {30, 10});
    file.write<std::int64_t>("/state/step", std::vector<std::int64_t>{7}, {});
    file.write_text("/state/name", "tiny");
    file.set_attribute("/model", "layers", std::int64_t{2});
  });
}

// Everything a stage would do with an input; returns whether all of it was accepted. Only InputError may come
// out.
bool accepted(const std::filesystem::path& path) {
  try {
    const File file = store::open_product(path, "pretrain", 1);
    for (const auto& dataset : file.datasets()) file.read_bytes(dataset);
    return true;
  } catch (const InputError&) {
    return false;
  }
}

}  // namespace

TEST_CASE("an unharmed product is accepted") {
  const ScratchDirectory scratch;
  make_product(scratch / "a.h5");
  CHECK(accepted(scratch / "a.h5"));
  CHECK(store::verify(scratch / "a.h5").whole);
}

TEST_CASE("a file cut anywhere is an input error") {
  const ScratchDirectory scratch;
  make_product(scratch / "whole.h5");
  const auto whole = bytes_in(scratch / "whole.h5");
  int taken_for_whole = 0;
  for (std::size_t length = 0; length < whole.size(); length += length < 128 ? 1 : 61) {
    put_bytes(scratch / "cut.h5", {whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length)});
    taken_for_whole += accepted(scratch / "cut.h5");
    taken_for_whole += store::verify(scratch / "cut.h5").whole;
  }
  CHECK(taken_for_whole == 0);
}

TEST_CASE("a flipped bit is an input error wherever it changes what the file says") {
  const ScratchDirectory scratch;
  make_product(scratch / "whole.h5");
  const auto whole = bytes_in(scratch / "whole.h5");
  const File original = File::open(scratch / "whole.h5");
  KeyedRandom random(3, Stream::document_split);
  int changed_unnoticed = 0, noticed = 0;
  for (int trial = 0; trial < 600; ++trial) {
    auto bytes = whole;
    bytes[random.below(bytes.size())] ^= static_cast<char>(1 << random.below(8));
    put_bytes(scratch / "flipped.h5", bytes);
    if (!accepted(scratch / "flipped.h5")) {
      ++noticed;
    } else if (!store::differences(original, File::open(scratch / "flipped.h5")).empty()) {
      ++changed_unnoticed;  // flips in unused space are accepted, and rightly
    }
  }
  CHECK(changed_unnoticed == 0);
  CHECK(noticed > 100);
}

TEST_CASE("a flipped bit in a dataset is found by its checksum, and the error names the dataset") {
  const ScratchDirectory scratch;
  make_product(scratch / "a.h5");
  auto bytes = bytes_in(scratch / "a.h5");
  const float known[2] = {100.5f, 101.5f};
  const auto* pattern = reinterpret_cast<const char*>(known);
  const auto place = std::search(bytes.begin(), bytes.end(), pattern, pattern + sizeof known);
  REQUIRE(place != bytes.end());
  *place ^= 1;
  put_bytes(scratch / "a.h5", bytes);
  const File file = File::open(scratch / "a.h5");
  CHECK(message_of<InputError>([&] { file.read<float>("/model/weight"); }).find("a.h5, /model/weight") !=
        std::string::npos);
}

TEST_CASE("a changed text, which has no checksum of its own, is found by the content hash") {
  const ScratchDirectory scratch;
  make_product(scratch / "a.h5");
  auto bytes = bytes_in(scratch / "a.h5");
  const std::string known = "tiny";
  const auto place = std::search(bytes.begin(), bytes.end(), known.begin(), known.end());
  REQUIRE(place != bytes.end());
  *place = 'T';
  put_bytes(scratch / "a.h5", bytes);
  CHECK(File::open(scratch / "a.h5").read_text("/state/name") == "Tiny");
  const auto verdict = store::verify(scratch / "a.h5");
  CHECK_FALSE(verdict.whole);
  CHECK(verdict.reason.find("changed or damaged") != std::string::npos);
  CHECK_FALSE(accepted(scratch / "a.h5"));
}

TEST_CASE("files that are something else are input errors") {
  const ScratchDirectory scratch;
  put_bytes(scratch / "empty.h5", {});
  put_bytes(scratch / "text.h5", std::vector<char>(5000, 'a'));
  CHECK_FALSE(accepted(scratch / "empty.h5"));
  CHECK_FALSE(accepted(scratch / "text.h5"));
  CHECK_FALSE(store::verify(scratch / "missing.h5").whole);
  File plain = File::create(scratch / "plain.h5");
  plain.write_text("/x", "y");
  plain.close();
  CHECK_FALSE(accepted(scratch / "plain.h5"));
  CHECK(store::verify(scratch / "plain.h5").reason.find("/provenance") != std::string::npos);
}
