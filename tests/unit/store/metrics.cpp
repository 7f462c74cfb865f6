#include "store/metrics.hpp"

#include "catch.hpp"
#include "unit/store/support.hpp"

using namespace bitdarts;
using store::File;
using store::Metrics;

TEST_CASE("time series and matrices survive the file, and can be continued") {
  const ScratchDirectory scratch;
  Metrics metrics;
  metrics.record("train", {{"step", 1}, {"loss", 3.5}});
  metrics.record("train", {{"loss", 3.25}, {"step", 2}});
  metrics.record("validation", {{"loss", 4}});
  metrics.record_row("alpha/layers.0.q/weight", {0.1, 0.2, 0.7});
  metrics.record_row("alpha/layers.0.q/weight", {0.0, 0.1, 0.9});
  File file = File::create(scratch / "a.h5");
  metrics.save(file);
  file.close();

  const File stored = File::open(scratch / "a.h5");
  CHECK((stored.read<double>("/metrics/train/loss") == std::vector<double>{3.5, 3.25}));
  CHECK((stored.info("/metrics/alpha/layers.0.q/weight").shape == store::Shape{2, 3}));
  Metrics loaded = Metrics::load(stored);
  loaded.record("train", {{"step", 3}, {"loss", 3}});
  loaded.record_row("alpha/layers.0.q/weight", {0, 0, 1});
  CHECK(loaded.column("train", "loss") == std::vector<double>{3.5, 3.25, 3});
  CHECK(loaded.column("validation", "loss") == std::vector<double>{4});
  CHECK(loaded.matrix("alpha/layers.0.q/weight") ==
        std::vector<std::vector<double>>{{0.1, 0.2, 0.7}, {0.0, 0.1, 0.9}, {0, 0, 1}});
  CHECK(loaded.groups() == std::vector<std::string>{"train", "validation"});
  CHECK(loaded.columns("train") == std::vector<std::string>{"loss", "step"});
  CHECK(loaded.matrices() == std::vector<std::string>{"alpha/layers.0.q/weight"});
}

TEST_CASE("what was never recorded is empty") {
  const ScratchDirectory scratch;
  File file = File::create(scratch / "a.h5");
  Metrics().save(file);
  const Metrics loaded = Metrics::load(file);
  CHECK(loaded.column("train", "loss").empty());
  CHECK(loaded.matrix("alpha").empty());
  CHECK(loaded.groups().empty());
}

TEST_CASE("a record that does not fit the earlier ones is refused and changes nothing") {
  Metrics metrics;
  metrics.record("train", {{"step", 1}, {"loss", 3}});
  CHECK_THROWS_AS(metrics.record("train", {{"step", 2}}), Error);
  CHECK_THROWS_AS(metrics.record("train", {{"step", 2}, {"loss", 3}, {"extra", 0}}), Error);
  CHECK_THROWS_AS(metrics.record("train", {{"step", 2}, {"step", 3}}), Error);
  CHECK_THROWS_AS(metrics.record("other", {{"a/b", 2}}), Error);
  CHECK(metrics.column("train", "step") == std::vector<double>{1});
  metrics.record_row("alpha", {1, 2});
  CHECK_THROWS_AS(metrics.record_row("alpha", {1}), Error);
  CHECK_THROWS_AS(metrics.record_row("beta", {}), Error);
  CHECK(metrics.matrix("alpha").size() == 1);
}

TEST_CASE("a name is a column, a matrix or a group of them, never two of these") {
  store::Metrics metrics;
  metrics.record("bits/q", {{"input", 4.0}});
  CHECK_THROWS_AS(metrics.record_row("bits/q/input", {1.0}), Error);
  metrics.record_row("entropy/q/input", {1.0, 2.0});
  CHECK_THROWS_AS(metrics.record("entropy/q", {{"input", 4.0}}), Error);
  CHECK_THROWS_AS(metrics.record_row("entropy/q", {1.0}), Error);
  CHECK_THROWS_AS(metrics.record_row("entropy/q/input/x", {1.0}), Error);
  metrics.record_row("entropy/q/in", {1.0});
  CHECK(metrics.column("bits/q", "input") == std::vector<double>{4.0});
  CHECK(metrics.matrix("entropy/q/input").size() == 1);
}

TEST_CASE("columns of unequal length are an input error") {
  const ScratchDirectory scratch;
  File file = File::create(scratch / "a.h5");
  file.write<double>("/metrics/train/loss", std::vector<double>(3));
  file.write<double>("/metrics/train/step", std::vector<double>(2));
  CHECK_THROWS_AS(Metrics::load(file), InputError);
}
