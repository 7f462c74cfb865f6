#include "store/file.hpp"

#include <functional>
#include <limits>

#include "catch.hpp"
#include "unit/store/support.hpp"

using namespace bitdarts;
using store::File;
using store::Shape;

namespace {

template <class T>
std::vector<T> extremes_and_more(std::size_t size) {
  std::vector<T> values(size);
  for (std::size_t i = 0; i < size; ++i) values[i] = static_cast<T>(i * 37 % 251);
  if (size > 2) {
    values[0] = std::numeric_limits<T>::lowest();
    values[1] = std::numeric_limits<T>::max();
  }
  return values;
}

File written(const std::filesystem::path& path, const std::function<void(File&)>& fill) {
  File file = File::create(path);
  fill(file);
  file.close();
  return File::open(path);
}

}  // namespace

TEMPLATE_TEST_CASE("every numeric type comes back exactly, in every shape", "", float, double, std::int8_t,
                   std::uint8_t, std::int16_t, std::uint16_t, std::int32_t, std::uint32_t, std::int64_t,
                   std::uint64_t) {
  const ScratchDirectory scratch;
  // One chunk, several chunks in one and in two dimensions, uneven ones, nothing, and a scalar.
  for (const Shape& shape : {Shape{5}, Shape{3, 4}, Shape{700001}, Shape{3, 300007}, Shape{1031, 1021},
                             Shape{2, 3, 5, 7}, Shape{0}, Shape{4, 0, 3}, Shape{}}) {
    std::uint64_t elements = 1;
    for (const auto size : shape) elements *= size;
    const auto values = extremes_and_more<TestType>(elements);
    const File file =
        written(scratch / "a.h5", [&](File& f) { f.write<TestType>("/model/deep/x", values, shape); });
    CHECK((file.read<TestType>("/model/deep/x") == values));
    CHECK((file.read<TestType>("/model/deep/x", shape) == values));
    const auto info = file.info("/model/deep/x");
    CHECK(info.shape == shape);
    CHECK(info.elements() == elements);
    CHECK(info.bytes() == elements * sizeof(TestType));
    CHECK((file.read_bytes("/model/deep/x").size() == elements * sizeof(TestType)));
  }
}

TEST_CASE("bits that are not numbers survive") {
  const ScratchDirectory scratch;
  const std::vector<double> values = {-0.0, std::numeric_limits<double>::quiet_NaN(),
                                      std::numeric_limits<double>::infinity(),
                                      std::numeric_limits<double>::denorm_min()};
  const File file = written(scratch / "a.h5", [&](File& f) { f.write<double>("/x", values); });
  const auto bytes = std::as_bytes(std::span(values));
  CHECK((file.read_bytes("/x") == std::vector<std::byte>(bytes.begin(), bytes.end())));
}

TEST_CASE("slices and rows are the right part of the whole") {
  const ScratchDirectory scratch;
  const auto values = extremes_and_more<std::int32_t>(600000);
  const File file = written(scratch / "a.h5", [&](File& f) {
    f.write<std::int32_t>("/line", values);
    f.write<std::int32_t>("/table", values, {200000, 3});
  });
  const auto part = [&](std::size_t first, std::size_t count) {
    return std::vector<std::int32_t>(values.begin() + static_cast<std::ptrdiff_t>(first),
                                     values.begin() + static_cast<std::ptrdiff_t>(first + count));
  };
  for (const auto& [first, count] :
       {std::pair<std::size_t, std::size_t>{0, 10}, {262140, 10}, {599990, 10}, {600000, 0}}) {
    CHECK((file.read_slice<std::int32_t>("/line", first, count) == part(first, count)));
  }
  const auto expected = part(150000, 30);
  const auto rows = std::as_bytes(std::span(expected));
  CHECK((file.read_rows("/table", 50000, 10) == std::vector<std::byte>(rows.begin(), rows.end())));
  CHECK_THROWS_AS(file.read_slice<std::int32_t>("/line", 599990, 11), InputError);
  CHECK_THROWS_AS(file.read_slice<std::int32_t>("/line", 600001, 0), InputError);
  CHECK_THROWS_AS(file.read_slice<std::int32_t>("/line", ~0ull, 2), InputError);
  CHECK_THROWS_AS(file.read_slice<std::int32_t>("/table", 0, 1), InputError);
}

TEST_CASE("a dataset written row by row is the one that is written at once") {
  const ScratchDirectory scratch;
  const auto values = extremes_and_more<float>(600000);
  const std::span<const float> all(values);
  const auto whole = written(scratch / "whole.h5", [&](File& f) { f.write<float>("/t", all, {200000, 3}); });
  const auto pieces = written(scratch / "pieces.h5", [&](File& f) {
    f.reserve<float>("/t", {200000, 3});
    f.reserve<float>("/nothing", {0, 3});
    // Within a chunk, over its end, nothing, and many at once; what comes first need not come first.
    f.write_rows<float>("/t", 7, all.subspan(21, 299979));
    f.write_rows<float>("/t", 0, all.first(21));
    f.write_rows<float>("/t", 200000, {});
    f.write_rows<float>("/t", 100000, all.subspan(300000));
    CHECK_THROWS_AS(f.write_rows<float>("/t", 199999, all.first(6)), Error);
    CHECK_THROWS_AS(f.write_rows<float>("/t", 0, all.first(4)), Error);
    CHECK_THROWS_AS(f.write_rows<float>("/nothing", 0, all.first(3)), Error);
    CHECK_THROWS_AS(f.write_rows<float>("/none", 0, all.first(3)), Error);
    CHECK_THROWS_AS(f.write_rows<double>("/t", 0, std::vector<double>(3)), Error);
    CHECK_THROWS_AS(f.reserve<float>("/t", {3}), Error);
  });
  CHECK((pieces.read_bytes("/t") == whole.read_bytes("/t")));
  CHECK(pieces.info("/t").shape == whole.info("/t").shape);
}

TEST_CASE("texts come back byte for byte") {
  const ScratchDirectory scratch;
  const std::string with_zeros("a\0b\0\0", 5);
  const std::string long_text(100000, 'x');
  const File file = written(scratch / "a.h5", [&](File& f) {
    f.write_text("/text/russian", "В начале было Слово\n");
    f.write_text("/text/empty", "");
    f.write_text("/text/zeros", with_zeros);
    f.write_text("/text/long", long_text);
  });
  CHECK(file.read_text("/text/russian") == "В начале было Слово\n");
  CHECK(file.read_text("/text/empty").empty());
  CHECK(file.read_text("/text/zeros") == with_zeros);
  CHECK(file.read_text("/text/long") == long_text);
  CHECK(file.info("/text/zeros").shape == Shape{5});
  CHECK(file.read_bytes("/text/zeros").size() == 5);
  CHECK_THROWS_AS(file.read<std::uint8_t>("/text/zeros"), InputError);
}

TEST_CASE("attributes come back, can be replaced, and may stand on groups that nothing else made") {
  const ScratchDirectory scratch;
  const File file = written(scratch / "a.h5", [](File& f) {
    f.write<float>("/x", std::vector<float>{1});
    f.set_attribute("/x", "method", std::string("lsq+"));
    f.set_attribute("/x", "bits", std::int64_t{8});
    f.set_attribute("/x", "bits", std::int64_t{4});
    f.set_attribute("/", "empty", std::string());
    f.set_attribute("/quant/layer", "step", 0.1);
  });
  CHECK(file.text_attribute("/x", "method") == "lsq+");
  CHECK(file.int_attribute("/x", "bits") == 4);
  CHECK(file.double_attribute("/quant/layer", "step") == 0.1);
  CHECK(file.text_attribute("/", "empty") == "");
  CHECK(file.required_int("/x", "bits") == 4);
  CHECK_FALSE(file.int_attribute("/x", "other").has_value());
  CHECK_FALSE(file.int_attribute("/not/there", "bits").has_value());
  CHECK_THROWS_AS(file.int_attribute("/x", "method"), InputError);
  CHECK_THROWS_AS(file.double_attribute("/x", "bits"), InputError);
  const auto missing = message_of<InputError>([&] { file.required_text("/x", "other"); });
  CHECK(missing.find("/x, attribute other") != std::string::npos);
  CHECK(file.attributes("/x") ==
        std::vector<std::pair<std::string, std::string>>{{"bits", "4"}, {"method", "lsq+"}});
  CHECK(file.attributes("/quant/layer") == std::vector<std::pair<std::string, std::string>>{{"step", "0.1"}});
}

TEST_CASE("names are listed in order, whatever order they were written in") {
  const ScratchDirectory scratch;
  const File file = written(scratch / "a.h5", [](File& f) {
    for (const char* name : {"/b/z", "/b/a/y", "/a", "/b/a/x", "/c"}) f.write_text(name, name);
  });
  CHECK(file.children("/") == std::vector<std::string>{"a", "b", "c"});
  CHECK(file.children("/b") == std::vector<std::string>{"a", "z"});
  CHECK(file.datasets() == std::vector<std::string>{"/a", "/b/a/x", "/b/a/y", "/b/z", "/c"});
  CHECK(file.datasets("/b/a") == std::vector<std::string>{"/b/a/x", "/b/a/y"});
  CHECK(file.groups() == std::vector<std::string>{"/b", "/b/a"});
  CHECK(file.has("/b/a"));
  CHECK(file.has("/b/a/x"));
  CHECK(file.has("/"));
  CHECK_FALSE(file.has("/b/a/x/deeper"));
  CHECK_FALSE(file.has("/no/where"));
  CHECK_THROWS_AS(file.children("/no"), InputError);
}

TEST_CASE("what cannot be read is an input error that names file and dataset") {
  const ScratchDirectory scratch;
  const auto path = scratch / "a.h5";
  const File file = written(path, [](File& f) { f.write<float>("/x", std::vector<float>(6), {2, 3}); });
  const auto where = "where: " + path.string() + ", /";
  CHECK(message_of<InputError>([&] { file.read<float>("/y"); }).find(where + "y") != std::string::npos);
  CHECK(message_of<InputError>([&] { file.read<double>("/x"); }).find("float32") != std::string::npos);
  CHECK(message_of<InputError>([&] {
          file.read<float>("/x", Shape{3, 2});
        }).find("[2, 3]") != std::string::npos);
  CHECK_THROWS_AS(File::open(scratch / "missing.h5"), InputError);
  CHECK_THROWS_AS(File::open(scratch.path()), InputError);
}

TEST_CASE("what cannot be written is an error, and not one of input") {
  const ScratchDirectory scratch;
  File file = File::create(scratch / "a.h5");
  const std::vector<float> values(6);
  file.write<float>("/x", values);
  const auto refused = [&](const std::string& name, const Shape& shape) {
    return message_of<Error>([&] { file.write<float>(name, values, shape); });
  };
  CHECK(refused("/x", {6}).find("there already") != std::string::npos);
  CHECK(refused("/y", {7}).find("do not fill") != std::string::npos);
  CHECK(refused("relative", {6}).find("absolute name") != std::string::npos);
  CHECK_THROWS_AS(file.write<float>("/x/below", values), Error);
  CHECK_THROWS_AS(File::create(scratch / "no/such/directory/a.h5"), Error);
  CHECK_NOTHROW(file.close());
  CHECK_NOTHROW(file.close());
}

TEST_CASE("the same content is the same file") {
  const ScratchDirectory scratch;
  const auto fill = [](File& f) {
    f.write<float>("/a/x", std::vector<float>(1000, 1.5f));
    f.write_text("/a/t", "text");
    f.set_attribute("/a", "n", std::int64_t{1});
  };
  written(scratch / "a.h5", fill);
  const auto first = bytes_in(scratch / "a.h5");
  // Timestamps in HDF5 have a resolution of a second; their absence is seen in what h5dump would list.
  written(scratch / "b.h5", fill);
  CHECK(bytes_in(scratch / "b.h5") == first);
}
