#include <unistd.h>

#include <fstream>
#include <functional>

#include "catch.hpp"
#include "core/error.hpp"
#include "stage/stage.hpp"

using namespace bitdarts;
using Catch::Matchers::Contains;
namespace fs = std::filesystem;

namespace {

// A results directory with a tokens.h5 and whatever a run of "search" leaves there.
class Bench {
 public:
  Bench() : out_(fs::temp_directory_path() / ("bitdarts-stage-test-" + std::to_string(getpid()))) {
    fs::remove_all(out_);
    write_tokens(1);
  }
  ~Bench() { fs::remove_all(out_); }
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;

  void write_tokens(std::int32_t content) const {
    store::Provenance facts;
    facts.stage = "tokenize";
    facts.key = "whatever";
    store::publish(out_ / "tokens.h5", facts, filler(content));
  }
  static std::function<void(store::File&)> filler(std::int32_t content) {
    return [content](store::File& file) {
      file.write<std::int32_t>("/values", std::vector<std::int32_t>(1000, content));
    };
  }
  // Something that searches could share.
  stage::Description helper() const {
    return {.name = "reference",
            .product = "reference.h5",
            .sections = {"evaluate"},
            .inputs = {{"tokens", out_ / "tokens.h5"}},
            .extra_key = {}};
  }
  stage::Run helping_run() const { return {context_, helper()}; }
  stage::Run run(const std::vector<std::string>& extra = {}, std::int64_t schema = 1) const {
    return {context_,
            {.name = "search",
             .schema_version = schema,
             .product = "searched.h5",
             .sections = {"search", "run"},
             .inputs = {{"tokens", out_ / "tokens.h5"}},
             .extra_key = extra}};
  }
  std::vector<std::string> checkpoints() const {
    std::vector<std::string> names;
    std::error_code absent;
    for (const auto& file : fs::directory_iterator(out_ / ".checkpoints" / "searched", absent)) {
      const std::string name = file.path().stem().string();
      names.push_back(name.substr(name.find('-') + 1));
    }
    std::sort(names.begin(), names.end());
    return names;
  }
  fs::path checkpoint_file(const stage::Run& run, const std::string& step) const {
    return out_ / ".checkpoints" / "searched" / (run.key().substr(0, 16) + "-" + step + ".h5");
  }
  // Flips bytes in the middle, where the values are.
  static void damage(const fs::path& path) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(fs::file_size(path) / 2));
    file.write("damage!!", 8);
  }
  fs::path out() const { return out_; }
  config::Config& config() { return config_; }

 private:
  fs::path out_;
  config::Config config_;
  comm::Communicator world_;
  comm::InterruptWatch interrupts_;
  Console console_{false, "search"};
  stage::Context context_{config_, world_, interrupts_, console_, out_, out_};
};

std::int32_t content_of(const store::File& file) { return file.read<std::int32_t>("/values").front(); }

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("the key follows options, inputs, schema and extras, and nothing else") {
  Bench bench;
  const std::string key = bench.run().key();
  CHECK(bench.run().key() == key);
  CHECK(bench.run({}, 2).key() != key);
  CHECK(bench.run({"scheme"}).key() != key);
  CHECK(bench.run({"ab", "c"}).key() != bench.run({"a", "bc"}).key());
  bench.config().run.checkpoint_steps = 5;
  bench.config().pretrain.steps = 5;
  CHECK(bench.run().key() == key);
  bench.config().search.steps = 501;
  CHECK(bench.run().key() != key);
  bench.config().search.steps = 500;
  bench.write_tokens(1);
  CHECK(bench.run().key() == key);  // written again with the same content
  bench.write_tokens(2);
  CHECK(bench.run().key() != key);
}

TEST_CASE("a product is up to date when it is whole and has the key") {
  Bench bench;
  CHECK(bench.run().begin());
  bench.run().publish(Bench::filler(7));
  CHECK_FALSE(bench.run().begin());
  SECTION("unless it is to be made anyway") { bench.config().run.force = true; }
  SECTION("unless an option changed") { bench.config().search.steps = 501; }
  SECTION("unless an input changed") { bench.write_tokens(2); }
  SECTION("unless it was damaged") { Bench::damage(bench.out() / "searched.h5"); }
  SECTION("unless it is no HDF5 file") { std::ofstream(bench.out() / "searched.h5") << "text"; }
  CHECK(bench.run().begin());
}

TEST_CASE("a product of another configuration stays until it is replaced") {
  Bench bench;
  bench.run().publish(Bench::filler(7));
  bench.config().search.steps = 501;
  stage::Run run = bench.run();
  CHECK(run.begin());
  CHECK_THROWS_AS(run.publish([](store::File&) { throw Error("the disk burns"); }), Error);
  CHECK(content_of(store::File::open(run.product_path())) == 7);
  run.publish(Bench::filler(8));
  CHECK(content_of(store::File::open(run.product_path())) == 8);
}

TEST_CASE("what is at hand counts when it is whole and was made from the same inputs and options") {
  Bench bench;
  CHECK_FALSE(bench.run().at_hand(bench.helper()));
  bench.helping_run().publish(Bench::filler(5));
  bench.config().search.steps = 501;  // none of the helper's options
  const auto file = bench.run().at_hand(bench.helper());
  REQUIRE(file);
  CHECK(content_of(*file) == 5);
  const std::string key = bench.run().key();
  SECTION("not with another option") { bench.config().evaluate.batch = 3; }
  SECTION("not from another input") { bench.write_tokens(2); }
  SECTION("not when it was damaged") { Bench::damage(bench.out() / "reference.h5"); }
  SECTION("not when it is of another stage") {
    bench.run().publish(Bench::filler(7));
    fs::rename(bench.out() / "searched.h5", bench.out() / "reference.h5");
  }
  SECTION("not when it is a link to nothing") {
    fs::remove(bench.out() / "reference.h5");
    fs::create_symlink("nowhere.h5", bench.out() / "reference.h5");
  }
  CHECK_FALSE(bench.run().at_hand(bench.helper()));
}

TEST_CASE("a product written by and by is there at the end, or not at all") {
  Bench bench;
  using Write = stage::Run::Write;
  stage::Run run = bench.run();
  run.publish_by_and_by([](const Write& write) {
    write(Bench::filler(7));
    write([](store::File& file) { file.write_text("/more", "text"); });
  });
  CHECK(store::File::open(run.product_path()).read_text("/more") == "text");
  CHECK_THROWS_AS(run.publish_by_and_by([](const Write& write) {
    write(Bench::filler(8));
    throw Interrupted("enough");
  }),
                  Interrupted);
  CHECK(content_of(store::File::open(run.product_path())) == 7);
  CHECK_FALSE(fs::exists(bench.out() / "searched.h5.tmp"));
}

TEST_CASE("the product says where it came from") {
  Bench bench;
  stage::Run run = bench.run();
  run.publish(Bench::filler(7));
  const auto provenance = store::read_provenance(store::File::open(run.product_path()));
  CHECK(provenance.stage == "search");
  CHECK(provenance.key == run.key());
  CHECK(provenance.configuration == config::to_ini(bench.config()));
  REQUIRE(provenance.inputs.size() == 1);
  CHECK(provenance.inputs.front().name == "tokens");
  CHECK(provenance.inputs.front().content_hash == store::verify(bench.out() / "tokens.h5").content_hash);
  CHECK_THAT(provenance.libraries, Contains("HDF5 1."));
  CHECK(provenance.started.size() == 20);
  CHECK(provenance.started <= provenance.ended);
  CHECK(run.input_path("tokens") == bench.out() / "tokens.h5");
  CHECK_THROWS_AS(run.input_path("searched"), Error);
}

TEST_CASE("a bad input is refused before any work") {
  Bench bench;
  SECTION("missing") { fs::remove(bench.out() / "tokens.h5"); }
  SECTION("damaged") { Bench::damage(bench.out() / "tokens.h5"); }
  SECTION("of another stage") {
    store::Provenance facts;
    facts.stage = "pretrain";
    store::publish(bench.out() / "tokens.h5", facts, Bench::filler(1));
  }
  SECTION("not HDF5") { std::ofstream(bench.out() / "tokens.h5") << "text"; }
  CHECK_THROWS_AS(bench.run(), InputError);
}

TEST_CASE("a run resumes from its newest whole checkpoint") {
  Bench bench;
  stage::Run run = bench.run();
  CHECK_FALSE(run.checkpoint());
  for (const int step : {90, 100, 110}) run.save_checkpoint(step, Bench::filler(step));
  CHECK(bench.checkpoints() == Names{"100", "110"});  // the last two are kept
  CHECK(content_of(*bench.run().checkpoint()) == 110);

  SECTION("a damaged one is passed over") {
    Bench::damage(bench.checkpoint_file(run, "110"));
    CHECK(content_of(*bench.run().checkpoint()) == 100);
    // and is not mistaken for the newest of the steps that follow
    run.save_checkpoint(105, Bench::filler(105));
    CHECK(bench.checkpoints() == Names{"100", "105"});
    CHECK(content_of(*bench.run().checkpoint()) == 105);
  }
  SECTION("all damaged is none") {
    for (const char* step : {"100", "110"}) Bench::damage(bench.checkpoint_file(run, step));
    CHECK_FALSE(bench.run().checkpoint());
    bench.config().run.resume = "require";
    CHECK_THROWS_AS(bench.run().checkpoint(), InputError);
  }
  SECTION("another configuration has none") {
    bench.config().search.steps = 501;
    CHECK_FALSE(bench.run().checkpoint());
  }
  SECTION("a file of another run under this name is passed over") {
    bench.config().search.steps = 501;
    stage::Run other = bench.run();
    other.save_checkpoint(500, Bench::filler(500));
    fs::copy_file(bench.checkpoint_file(other, "500"), bench.checkpoint_file(run, "500"));
    bench.config().search.steps = 500;
    CHECK(content_of(*bench.run().checkpoint()) == 110);
  }
  SECTION("unless it must not") {
    bench.config().run.resume = "never";
    CHECK_FALSE(bench.run().checkpoint());
  }
  SECTION("until the product is there") {
    run.publish(Bench::filler(7));
    CHECK_FALSE(fs::exists(bench.out() / ".checkpoints"));
    CHECK_FALSE(bench.run().checkpoint());
  }
  SECTION("a checkpoint that cannot be written leaves the others") {
    const auto burning = [](store::File&) { throw Error("the disk burns"); };
    CHECK_NOTHROW(run.save_checkpoint(120, burning));  // a warning
    CHECK_THROWS_WITH(
        run.save_checkpoint(120, burning, stage::Run::Need::required),
        Contains("step 120 cannot be written, the one of step 110 is kept") && Contains("the disk burns"));
    CHECK(content_of(*bench.run().checkpoint()) == 110);
  }
}

TEST_CASE("what a killed run left is cleared away") {
  Bench bench;
  stage::Run run = bench.run();
  run.save_checkpoint(90, Bench::filler(90));
  const fs::path unfinished = bench.checkpoint_file(run, "95.h5.tmp").replace_extension();
  std::ofstream(unfinished) << "half a checkpoint";
  REQUIRE(fs::exists(unfinished));
  SECTION("by the next checkpoint") {
    run.save_checkpoint(100, Bench::filler(100));
    CHECK(bench.checkpoints() == Names{"100", "90"});
  }
  SECTION("by the product") {
    run.publish(Bench::filler(7));
    CHECK_FALSE(fs::exists(bench.out() / ".checkpoints"));
  }
  SECTION("by the run that finds the product up to date") {
    const fs::path aside = bench.out() / "aside";
    fs::rename(bench.out() / ".checkpoints", aside);
    run.publish(Bench::filler(7));
    fs::rename(aside, bench.out() / ".checkpoints");
    SECTION("unless another run has the directory") {
      const stage::DirectoryLock lock(bench.out(), {.stage = {}, .words = "another run"});
      CHECK_FALSE(bench.run().begin());
      CHECK(fs::exists(bench.checkpoint_file(run, "90")));
    }
    std::ofstream(bench.out() / ".lock") << "a run that was killed";
    CHECK_FALSE(bench.run().begin());
    CHECK_FALSE(fs::exists(bench.out() / ".checkpoints"));
    CHECK_FALSE(fs::exists(bench.out() / ".lock"));
  }
  CHECK_FALSE(fs::exists(unfinished));
}

TEST_CASE("a scheme file reads the same with a byte-order mark, and must be UTF-8") {
  const fs::path file = fs::temp_directory_path() / ("bitdarts-scheme-test-" + std::to_string(getpid()));
  config::FinetuneOptions options;
  options.scheme = file.string();
  const auto text_of = [&](const std::string& content) {
    std::ofstream(file, std::ios::binary) << content;
    return stage::scheme_text(options, "finetune.scheme");
  };
  CHECK(text_of("\xEF\xBB\xBF* lsq+:4 lsq+:8\r\n") == "* lsq+:4 lsq+:8\r\n");
  CHECK(text_of("* lsq+:4 lsq+:8\n") == "* lsq+:4 lsq+:8\n");
  for (const std::string mark : {"\xFF\xFE", "\xFE\xFF"})
    CHECK_THROWS_WITH(text_of(mark + "*"),
                      Contains("UTF-16") && Contains("iconv") && Contains(file.string()));
  fs::remove(file);
}
