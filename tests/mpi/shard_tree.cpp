// The same numbers are asked for with 1, 2, 4 and 8 ranks: what a serial tree_sum over all shards gives.
#include "comm/shard_tree.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "catch.hpp"
#include "comm/tree_sum.hpp"
#include "core/error.hpp"
#include "core/random.hpp"

using namespace bitdarts;
using comm::Communicator;
using comm::ShardTree;

namespace {

// Magnitudes over many powers of ten, so that every other order of addition gives other bits.
template <class T>
std::vector<T> shard_values(int shard, std::size_t elements, int round) {
  KeyedRandom random(7, Stream::initialisation, static_cast<std::uint64_t>(shard),
                     static_cast<std::uint64_t>(round));
  std::vector<T> values(elements);
  for (T& value : values) value = static_cast<T>(random.normal() * std::exp(8.0 * random.normal()));
  return values;
}

template <class T>
std::vector<T> serial_sum(int shards, std::size_t elements, int round) {
  std::vector<std::vector<T>> values;
  for (int shard = 0; shard < shards; ++shard) values.push_back(shard_values<T>(shard, elements, round));
  std::vector<std::span<const T>> parts(values.begin(), values.end());
  std::vector<T> sum(elements);
  comm::tree_sum<T>(parts, sum);
  return sum;
}

template <class T>
std::vector<T> distributed_sum(ShardTree<T>& tree, std::size_t elements, int round) {
  for (int i = 0; i < tree.local_shards(); ++i) {
    auto values = shard_values<T>(tree.first_shard() + i, elements, round);
    tree.push(values);
    values.assign(values.size(), std::numeric_limits<T>::quiet_NaN());  // the tree keeps its own copy
  }
  const auto sum = tree.reduce();
  return {sum.begin(), sum.end()};
}

// A random cut of the elements, shuffled; every third piece is left out.
std::vector<std::pair<std::size_t, std::size_t>> pieces(std::size_t elements, std::size_t longest, int seed) {
  KeyedRandom random(11, Stream::initialisation, static_cast<std::uint64_t>(seed));
  std::vector<std::pair<std::size_t, std::size_t>> cut;
  for (std::size_t begin = 0; begin < elements; begin = cut.back().second)
    cut.emplace_back(begin, std::min<std::size_t>(elements, begin + 1 + random.below(longest)));
  for (std::size_t i = cut.size(); i > 1; --i) std::swap(cut[i - 1], cut[random.below(i)]);
  cut.resize(cut.size() - cut.size() / 3);
  return cut;
}

template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}

}  // namespace

TEMPLATE_TEST_CASE("the sum over the shards has the serial tree's bits on any number of ranks", "", float,
                   double) {
  const Communicator world;
  struct Case {
    int shards;
    std::size_t elements, bucket;
  };
  const auto one = std::size_t{1};
  for (const Case c : {Case{8, 1000, 1u << 20}, Case{16, 1000, 128}, Case{8, 4097, 1000},
                       Case{32, 3, 1u << 20}, Case{8, 1, one}, Case{8, 5, one}, Case{8, 13, 7}, Case{8, 7, 4},
                       Case{64, 257, 100}, Case{8, 0, 64}, Case{16, 20000, 2048}}) {
    ShardTree<TestType> tree(world, c.shards, c.elements, c.bucket);
    bool same = true;
    for (int round = 0; round < 3; ++round) {  // a used tree starts from nothing again
      same = same_bits(distributed_sum(tree, c.elements, round),
                       serial_sum<TestType>(c.shards, c.elements, round)) &&
             same;
    }
    CAPTURE(c.shards, c.elements, c.bucket);
    CHECK(same);
  }
}

TEST_CASE("the test's numbers do tell one order of addition from another") {
  const std::size_t elements = 1000;
  std::vector<float> running(elements, 0.0f);
  for (int shard = 0; shard < 8; ++shard) {
    const auto values = shard_values<float>(shard, elements, 0);
    for (std::size_t i = 0; i < elements; ++i) running[i] += values[i];
  }
  CHECK_FALSE(same_bits(running, serial_sum<float>(8, elements, 0)));
}

TEST_CASE("as many shards as ranks leave one shard to each") {
  const Communicator world;
  ShardTree<float> tree(world, world.size(), 10);
  CHECK(tree.local_shards() == 1);
  CHECK(tree.first_shard() == world.rank());
  const auto sum = distributed_sum(tree, 10, 0);
  CHECK(same_bits(sum, serial_sum<float>(world.size(), 10, 0)));
}

TEST_CASE("shards that the ranks cannot share are refused on every rank") {
  const Communicator world;
  CHECK_THROWS_AS(ShardTree<float>(world, 12, 10), ConfigError);
  CHECK_THROWS_AS(ShardTree<float>(world, 0, 10), ConfigError);
  CHECK_THROWS_AS(ShardTree<float>(world, 8, 10, 0), Error);
  if (world.size() > 1) CHECK_THROWS_AS(ShardTree<float>(world, world.size() / 2, 10), ConfigError);
}

TEST_CASE("a last shard in pieces, announced in any order or not at all, gives the same bits") {
  const Communicator world;
  struct Case {
    int shards;
    std::size_t elements, bucket, longest_piece;
  };
  for (const Case c : {Case{8, 1000, 128, 100}, Case{8, 4097, 1000, 3000}, Case{16, 999, 7, 20},
                       Case{8, 300000, 1000, 70000}, Case{8, 5, 1, 3}, Case{8, 7, 4, 2}, Case{8, 0, 64, 1}}) {
    ShardTree<float> tree(world, c.shards, c.elements, c.bucket);
    bool same = true;
    for (int round = 0; round < 6; ++round) {
      for (int i = 0; i + 1 < tree.local_shards(); ++i)
        tree.push(shard_values<float>(tree.first_shard() + i, c.elements, round));
      const auto values =
          shard_values<float>(tree.first_shard() + tree.local_shards() - 1, c.elements, round);
      std::vector<float> arriving(c.elements, std::numeric_limits<float>::quiet_NaN());
      tree.open_last(arriving);
      for (const auto& [begin, end] : pieces(c.elements, c.longest_piece, world.rank() + 10 * round)) {
        std::copy(values.begin() + std::ptrdiff_t(begin), values.begin() + std::ptrdiff_t(end),
                  arriving.begin() + std::ptrdiff_t(begin));
        tree.ready(begin, end);
      }
      arriving = values;  // what was not announced is final when reduce() is called
      const auto sum = tree.reduce();
      same = same_bits({sum.begin(), sum.end()}, serial_sum<float>(c.shards, c.elements, round)) && same;
    }
    CAPTURE(c.shards, c.elements, c.bucket);
    CHECK(same);
  }
}

TEST_CASE("two trees that are under way at once do not disturb each other") {
  const Communicator world;
  ShardTree<float> one(world, 8, 5000, 300), other(world, 8, 777, 100);
  const auto push_all = [](ShardTree<float>& tree, std::size_t elements, int round) {
    for (int i = 0; i < tree.local_shards(); ++i)
      tree.push(shard_values<float>(tree.first_shard() + i, elements, round));
  };
  push_all(one, 5000, 1);
  push_all(other, 777, 2);
  const auto second = other.reduce(), first = one.reduce();
  CHECK(same_bits({first.begin(), first.end()}, serial_sum<float>(8, 5000, 1)));
  CHECK(same_bits({second.begin(), second.end()}, serial_sum<float>(8, 777, 2)));
}

TEST_CASE("a tree refuses too few, too many and wrongly sized shards") {
  const Communicator world;
  ShardTree<float> tree(world, world.size(), 4);
  std::vector<float> four(4), five(5);
  CHECK_THROWS_AS(tree.reduce(), Error);
  CHECK_THROWS_AS(tree.push(five), Error);
  CHECK_THROWS_AS(tree.open_last(five), Error);
  tree.push(four);
  CHECK_THROWS_AS(tree.push(four), Error);
  CHECK_THROWS_AS(tree.open_last(four), Error);
  tree.reduce();
}

TEST_CASE("a tree refuses pieces of no opened shard, outside it, or twice") {
  const Communicator world;
  ShardTree<float> tree(world, 2 * world.size(), 10, 3);
  std::vector<float> ten(10, 1.0f);
  CHECK_THROWS_AS(tree.open_last(ten), Error);
  tree.push(ten);
  CHECK_THROWS_AS(tree.ready(0, 1), Error);
  tree.open_last(ten);
  CHECK_THROWS_AS(tree.push(ten), Error);
  CHECK_THROWS_AS(tree.ready(9, 11), Error);
  tree.ready(2, 5);
  for (const auto& [begin, end] : {std::pair<std::size_t, std::size_t>{2, 5}, {0, 3}, {4, 6}, {3, 4}, {1, 9}})
    CHECK_THROWS_AS(tree.ready(begin, end), Error);
  tree.ready(5, 10);
  tree.ready(1, 2);
  const auto sum = tree.reduce();
  CHECK(std::all_of(sum.begin(), sum.end(),
                    [&](float value) { return value == 2.0f * static_cast<float>(world.size()); }));
}
