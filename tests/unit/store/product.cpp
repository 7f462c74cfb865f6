#include "store/product.hpp"

#include <sys/resource.h>

#include <cmath>
#include <csignal>
#include <functional>

#include "catch.hpp"
#include "unit/store/support.hpp"

using namespace bitdarts;
using store::File;
using store::Provenance;

namespace {

Provenance some_provenance() {
  Provenance p;
  p.stage = "search";
  p.schema_version = 3;
  p.key = "0123456789abcdef";
  p.configuration = "[run]\nseed = 1\n";
  p.program_version = "0.1.0";
  p.git_revision = "abc+";
  p.compiler = "GCC 12";
  p.libraries = "HDF5 1.10.8";
  p.host = "node7";
  p.started = "2024-01-01T00:00:00Z";
  p.ended = "2024-01-01T01:00:00Z";
  p.ranks = 4;
  p.threads = 2;
  p.inputs = {{"pretrained", "results/pretrained.h5", "aa"}, {"tokens", "results/tokens.h5", "bb"}};
  return p;
}

void fill_one(File& file) {
  file.write<float>("/model/a", std::vector<float>{1, 2, 3, 4}, {2, 2});
  file.write_text("/tokenizer", "model");
  file.set_attribute("/model", "layers", std::int64_t{2});
}

std::string hash_after(const std::filesystem::path& path, const std::function<void(File&)>& fill,
                       const Provenance& provenance = {}) {
  store::publish(path, provenance, fill);
  return store::content_hash(File::open(path));
}

std::vector<std::string> names_in(const std::filesystem::path& directory) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(directory))
    names.push_back(entry.path().filename());
  return names;
}

}  // namespace

TEST_CASE("provenance comes back complete") {
  const ScratchDirectory scratch;
  const Provenance given = some_provenance();
  store::publish(scratch / "new/directory/a.h5", given, fill_one);
  const auto verdict = store::verify(scratch / "new/directory/a.h5");
  REQUIRE(verdict.whole);
  const Provenance& p = verdict.provenance;
  CHECK(p.stage == given.stage);
  CHECK(p.schema_version == given.schema_version);
  CHECK(p.key == given.key);
  CHECK(p.configuration == given.configuration);
  CHECK(p.program_version == given.program_version);
  CHECK(p.git_revision == given.git_revision);
  CHECK(p.compiler == given.compiler);
  CHECK(p.libraries == given.libraries);
  CHECK(p.host == given.host);
  CHECK(p.started == given.started);
  CHECK(p.ended == given.ended);
  CHECK(p.ranks == 4);
  CHECK(p.threads == 2);
  REQUIRE(p.inputs.size() == 2);
  CHECK(p.inputs[1].name == "tokens");
  CHECK(p.inputs[1].path == "results/tokens.h5");
  CHECK(p.inputs[1].content_hash == "bb");
  CHECK(verdict.content_hash == store::content_hash(File::open(scratch / "new/directory/a.h5")));
}

TEST_CASE("the content hash knows neither who made a file nor in which order it was written") {
  const ScratchDirectory scratch;
  const auto hash = hash_after(scratch / "a.h5", fill_one);
  CHECK(hash.size() == 32);
  CHECK(hash_after(scratch / "b.h5", fill_one, some_provenance()) == hash);
  CHECK(hash_after(scratch / "c.h5", [](File& file) {
          file.set_attribute("/model", "layers", std::int64_t{2});
          file.write_text("/tokenizer", "model");
          file.write<float>("/model/a", std::vector<float>{1, 2, 3, 4}, {2, 2});
        }) == hash);
}

TEST_CASE("a copy has the content of its original, whoever made that, and can be changed") {
  const ScratchDirectory scratch;
  store::publish(scratch / "a.h5", some_provenance(), [](File& file) {
    fill_one(file);
    file.write<float>("/model/deep/below/b", std::vector<float>{0.5F, NAN}, {2});
    file.set_attribute("/model/deep", "scheme", std::string("searched"));
  });
  const auto original = File::open(scratch / "a.h5");
  File copy = File::create(scratch / "b.h5");
  store::copy_content(original, copy);
  CHECK_FALSE(copy.has("/provenance"));
  CHECK(store::content_hash(copy) == store::content_hash(original));
  copy.set_attribute("/model/deep", "scheme", std::string("best"));
  CHECK(copy.text_attribute("/model/deep", "scheme") == "best");
  CHECK(store::differences(original, copy).size() == 1);
  CHECK_THROWS_AS(copy.copy(original, "/absent"), Error);
}

TEST_CASE("the content hash knows every name, type, shape, value and attribute") {
  const ScratchDirectory scratch;
  const auto with = [&](const char* name, const auto& values, const store::Shape& shape, const auto& layers,
                        const std::string& text) {
    return hash_after(scratch / "a.h5", [&](File& file) {
      using T = typename std::decay_t<decltype(values)>::value_type;
      file.write<T>(name, values, shape);
      file.write_text("/tokenizer", text);
      file.set_attribute("/model", "layers", layers);
    });
  };
  const std::vector<float> values = {1, 2, 3, 4};
  const std::int64_t two = 2;
  const auto hash = hash_after(scratch / "b.h5", fill_one);
  CHECK(with("/model/a", values, {2, 2}, two, "model") == hash);
  CHECK(with("/model/b", values, {2, 2}, two, "model") != hash);
  CHECK(with("/model/a", values, {4, 1}, two, "model") != hash);
  CHECK(with("/model/a", std::vector<float>{1, 2, 3, std::nextafter(4.0f, 5.0f)}, {2, 2}, two, "model") !=
        hash);
  CHECK(with("/model/a", std::vector<std::uint32_t>{0x3f800000, 0x40000000, 0x40400000, 0x40800000}, {2, 2},
             two, "model") != hash);
  CHECK(with("/model/a", values, {2, 2}, std::int64_t{3}, "model") != hash);
  CHECK(with("/model/a", values, {2, 2}, 2.0, "model") != hash);
  CHECK(with("/model/a", values, {2, 2}, std::string("2"), "model") != hash);
  CHECK(with("/model/a", values, {2, 2}, two, "Model") != hash);
}

TEST_CASE("the content hash reads datasets larger than one block to their end") {
  const ScratchDirectory scratch;
  std::vector<double> values(3 << 20, 1.0);  // 24 MiB
  const auto fill = [&](File& file) { file.write<double>("/x", values, {3 << 10, 1 << 10}); };
  const auto hash = hash_after(scratch / "a.h5", fill);
  values.back() = 2.0;
  CHECK(hash_after(scratch / "b.h5", fill) != hash);
  const auto found = store::differences(File::open(scratch / "a.h5"), File::open(scratch / "b.h5"));
  CHECK(found ==
        std::vector<std::string>{"/x: 1 of 3145728 elements differ, first element 3145727: 1 and 2"});
}

TEST_CASE("publishing replaces the old file only when the new one is whole") {
  const ScratchDirectory scratch;
  const auto path = scratch / "a.h5";
  const auto old_hash = hash_after(path, fill_one);
  const auto before = bytes_in(path);
  const auto failing = [](File& file) {
    file.write_text("/half", "done");
    throw InputError("the rest is missing");
  };
  CHECK(message_of<InputError>([&] { store::publish(path, {}, failing); }) == "the rest is missing");
  CHECK_THROWS_AS(store::publish(path, {}, [](File&) { throw std::runtime_error("other"); }), Error);
  CHECK(bytes_in(path) == before);
  CHECK(names_in(scratch.path()) == std::vector<std::string>{"a.h5"});

  const auto new_hash = hash_after(path, [](File& file) { file.write_text("/all", "done"); });
  CHECK(new_hash != old_hash);
  CHECK(names_in(scratch.path()) == std::vector<std::string>{"a.h5"});
}

TEST_CASE("a file published step by step is there after the last one, and without it nothing is left") {
  const ScratchDirectory scratch;
  const auto path = scratch / "deep/a.h5";
  {
    store::Publication given_up(path);
    given_up.write(fill_one);
    CHECK_THROWS_AS(given_up.write([](File&) { throw std::runtime_error("other"); }), Error);
  }
  CHECK(names_in(scratch / "deep").empty());
  store::Publication publication(path);
  publication.write([](File& file) { file.write_text("/first", "1"); });
  publication.write([](File& file) { file.write_text("/second", "2"); });
  CHECK_FALSE(std::filesystem::exists(path));
  publication.finish(some_provenance());
  CHECK(store::verify(path).whole);
  CHECK(File::open(path).read_text("/second") == "2");
  CHECK(names_in(scratch / "deep") == std::vector<std::string>{"a.h5"});
}

TEST_CASE("a remainder of an earlier attempt does not disturb") {
  const ScratchDirectory scratch;
  put_bytes(scratch / "a.h5.tmp", std::vector<char>(1000, 'x'));
  store::publish(scratch / "a.h5", {}, fill_one);
  CHECK(store::verify(scratch / "a.h5").whole);
  CHECK(names_in(scratch.path()) == std::vector<std::string>{"a.h5"});
}

TEST_CASE("running out of space is an error that names the file, and the old file stays") {
  const ScratchDirectory scratch;
  const auto path = scratch / "a.h5";
  const auto fill_large = [](File& file) { file.write<float>("/x", std::vector<float>(1000000)); };
  store::publish(path, {}, fill_large);
  const rlim_t large_size = std::filesystem::file_size(path);
  store::publish(path, {}, fill_one);
  const auto before = bytes_in(path);
  rlimit limit{};
  getrlimit(RLIMIT_FSIZE, &limit);
  const auto previous = std::signal(SIGXFSZ, SIG_IGN);
  std::vector<std::string> messages;
  // The limit strikes early, in the data, and in the last bytes written.
  for (const rlim_t bytes : {rlim_t{0}, rlim_t{100}, rlim_t{100000}, large_size - 1000, large_size - 1}) {
    const rlimit small{bytes, limit.rlim_max};
    setrlimit(RLIMIT_FSIZE, &small);
    messages.push_back(message_of<Error>([&] { store::publish(path, {}, fill_large); }));
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  std::signal(SIGXFSZ, previous);
  for (const auto& message : messages) {
    CAPTURE(message);
    CHECK(message.find("a.h5") != std::string::npos);
    CHECK(message.find("nothing was thrown") == std::string::npos);
  }
  CHECK(bytes_in(path) == before);
  CHECK(names_in(scratch.path()) == std::vector<std::string>{"a.h5"});
  // And the library is not left in a state that spoils the next file.
  store::publish(path, {}, fill_one);
  CHECK(store::verify(path).whole);
}

TEST_CASE("a directory that cannot be made is an error that names the file") {
  const ScratchDirectory scratch;
  put_bytes(scratch / "file", {'x'});
  const auto message = message_of<Error>([&] { store::publish(scratch / "file/a.h5", {}, fill_one); });
  CHECK(message.find("file/a.h5") != std::string::npos);
}

TEST_CASE("an input of another stage or schema is refused with its own remedy") {
  const ScratchDirectory scratch;
  const auto path = scratch / "searched.h5";
  store::publish(path, some_provenance(), fill_one);
  std::string hash;
  CHECK(store::open_product(path, "search", 3, &hash).has("/model/a"));
  CHECK(hash == store::verify(path).content_hash);
  const auto message = [&](const char* stage, std::int64_t schema, const std::filesystem::path& file) {
    return message_of<InputError>([&] { store::open_product(file, stage, schema); });
  };
  CHECK(message("pretrain", 3, path).find("run bitdarts-pretrain") != std::string::npos);
  CHECK(message("search", 2, path).find("newer bitdarts") != std::string::npos);
  CHECK(message("search", 4, path).find("run bitdarts-search") != std::string::npos);
  CHECK(message("search", 3, scratch / "missing.h5").find("does not exist") != std::string::npos);
  CHECK(message("checkpoint:search", 3, path).find("--resume=never") != std::string::npos);
}

TEST_CASE("differences name what differs and where, and nothing else") {
  const ScratchDirectory scratch;
  store::publish(scratch / "a.h5", some_provenance(), fill_one);
  store::publish(scratch / "same.h5", {}, fill_one);
  store::publish(scratch / "b.h5", {}, [](File& file) {
    file.write<float>("/model/a", std::vector<float>{1, 2.5, 3, 5}, {2, 2});
    file.write<float>("/model/new", std::vector<float>{1});
    file.set_attribute("/model", "layers", std::int64_t{3});
  });
  const File a = File::open(scratch / "a.h5"), b = File::open(scratch / "b.h5");
  CHECK(store::differences(a, File::open(scratch / "same.h5")).empty());
  CHECK(store::differences(a, b) ==
        std::vector<std::string>{"/model/a: 2 of 4 elements differ, first element 1: 2 and 2.5",
                                 "/tokenizer: only in " + a.path().string(),
                                 "/model/new: only in " + b.path().string(),
                                 "/model@layers: int64 2 and int64 3"});
}

TEST_CASE("a NaN equals itself and zeros of different sign differ") {
  const ScratchDirectory scratch;
  const auto with = [&](const char* name, double value) {
    store::publish(scratch / name, {},
                   [&](File& file) { file.write<double>("/x", std::vector<double>{value}); });
    return File::open(scratch / name);
  };
  CHECK(store::differences(with("a.h5", NAN), with("b.h5", NAN)).empty());
  CHECK(store::differences(with("c.h5", 0.0), with("d.h5", -0.0)).size() == 1);
}
