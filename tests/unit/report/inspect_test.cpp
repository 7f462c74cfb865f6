#include "report/inspect.hpp"

#include "catch.hpp"
#include "core/error.hpp"
#include "report/format.hpp"
#include "support.hpp"
#include "synthetic.hpp"

using namespace bitdarts;
using namespace bitdarts::report;
namespace fs = std::filesystem;

TEST_CASE("every product is described in words and numbers") {
  const ScratchDirectory scratch;
  const fs::path run = scratch.path();
  synthetic::write_run(run, {"searched", 20.7, 0.0233}, {});
  const auto said = [&](const std::string& name) {
    const Inspection inspection = inspect(run / name);
    CHECK(inspection.whole);
    return to_text(inspection);
  };
  const std::string tokens = said("tokens.h5");
  CHECK(contains(tokens, "a product of bitdarts-tokenize, schema 1"));
  CHECK(contains(tokens, "train           1  3,000   1,000        3.003"));
  const std::string pretrained = said("pretrained.h5");
  CHECK(contains(pretrained, "6,656 parameters in 14 tensors"));  // 2 blocks of 4 x 16 x 16 + 3 x 48 x 16
  CHECK(contains(pretrained, "decoder of 2 blocks, width 16"));
  CHECK(contains(pretrained, "train: 120 records; the last:"));
  CHECK(contains(pretrained, "finetune.steps = 30"));  // the one option that is not at its default
  CHECK(!contains(pretrained, "finetune.batch"));
  const std::string searched = said("searched.h5");
  CHECK(
      contains(searched,
               "budget w4a6 = 2.344% of 32-bit cost; expected cost when its time ended 2.360%, 0.69% above"));
  CHECK(contains(searched, "strategy darts, 40 steps"));
  CHECK(contains(searched, "w4a6     2.344%  2.334%  99.6%         3.2000"));
  CHECK(contains(searched, "w4a4     1.562%  1.552%  99.4%         3.3000"));
  CHECK(contains(searched, "14 layers"));
  const auto bits = quant::summarise(synthetic::layers({}), synthetic::scheme({}), 300 * 16);
  CHECK(contains(searched, " (" + percent(bits.bops_ratio_all) + " with the output head)"));
  CHECK(contains(searched, "from pretrained " + synthetic::input("", run / "pretrained.h5").content_hash));
  CHECK(contains(said("finetuned.h5"), "scheme searched, from the pretrained weights, 30 steps"));
  CHECK(contains(said("evaluation.h5"), "perplexity                    20.7"));
}

TEST_CASE("a checkpoint says how far it came") {
  const ScratchDirectory scratch;
  const fs::path path = scratch.path() / "checkpoint.h5";
  store::publish(path, synthetic::provenance("checkpoint:search"), [](store::File& file) {
    file.set_attribute("/state", "step", std::int64_t{1200});
    file.write<float>("/state/parameters", std::vector<float>(10));
  });
  const std::string text = to_text(inspect(path));
  CHECK(contains(text, "a checkpoint of bitdarts-search"));
  CHECK(contains(text, "after step 1,200"));
}

TEST_CASE("of a damaged file is said that it is, why, and what is left") {
  const ScratchDirectory scratch;
  const fs::path path = scratch.path() / "tokens.h5";
  synthetic::write_tokens(path);
  SECTION("bytes were changed") {
    auto file = std::fstream(path, std::ios::binary | std::ios::in | std::ios::out);
    const std::string bytes = text_in(path);
    const auto at = bytes.find(std::string("\7\0\7\0\7\0\7\0", 8));  // the token ids
    REQUIRE(at != std::string::npos);
    file.seekp(static_cast<std::streamoff>(at));
    file << "damage";
    file.close();
    const Inspection inspection = inspect(path);
    CHECK(!inspection.whole);
    CHECK(contains(to_text(inspection), "DAMAGED"));
    CHECK(contains(to_text(inspection), "a product of bitdarts-tokenize"));
    CHECK(contains(to_text(inspection), "vocabulary of 300 pieces"));
    CHECK_THROWS_AS(diff(path, path), InputError);
  }
  SECTION("cut") {
    fs::resize_file(path, 1000);
    const Inspection inspection = inspect(path);
    CHECK(!inspection.whole);
    CHECK(contains(to_text(inspection), "not a readable bitdarts file"));
  }
  CHECK_THROWS_AS(inspect(scratch.path() / "none.h5"), InputError);
  CHECK_THROWS_AS(inspect(scratch.path()), InputError);
}

TEST_CASE("the printed scheme is the stored one, for finetune to read") {
  const ScratchDirectory scratch;
  synthetic::write_run(scratch.path(), {"searched", 20.7, 0.0233}, {});
  const std::string table = scheme_table(scratch.path() / "searched.h5");
  CHECK(quant::parse_table(table, synthetic::layers({}), "table") == synthetic::scheme({}));
  CHECK(scheme_table(scratch.path() / "finetuned.h5") == table);
  CHECK_THROWS_AS(scheme_table(scratch.path() / "tokens.h5"), InputError);
  SECTION("that of any budget") {
    const fs::path searched = scratch.path() / "searched.h5";
    CHECK(scheme_table(searched, "w4a6") == table);
    CHECK(quant::parse_table(scheme_table(searched, "w4a4"), synthetic::layers({}), "table") ==
          quant::parse_uniform("uniform:pact:w4a4", synthetic::layers({})));
    CHECK(contains(message_of<InputError>([&] { scheme_table(searched, "w2a4"); }),
                   "no scheme for the budget w2a4, but for w4a6, w4a4"));
    CHECK(contains(message_of<InputError>([&] { scheme_table(scratch.path() / "finetuned.h5", "w4a4"); }),
                   "no budgets"));
  }
}

TEST_CASE("differences are those of content, not of provenance") {
  const ScratchDirectory scratch;
  const fs::path a = scratch.path() / "a.h5", b = scratch.path() / "b.h5";
  const auto write = [](const fs::path& path, const std::string& host, double value) {
    auto provenance = synthetic::provenance("pretrain");
    provenance.host = host;
    store::publish(path, provenance, [&](store::File& file) {
      file.write<double>("/x", std::vector<double>{1, value});
    });
  };
  write(a, "here", 2);
  write(b, "there", 2);
  CHECK(diff(a, b).empty());
  write(b, "there", 3);
  REQUIRE(diff(a, b).size() == 1);
  CHECK(contains(diff(a, b)[0], "/x: 1 of 2 elements differ"));
  CHECK_THROWS_AS(diff(a, scratch.path() / "none.h5"), InputError);
}
