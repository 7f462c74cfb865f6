// The same numbers are asked for with 1, 2, 4 and 8 ranks: what a serial tree_sum over all shards gives.
#include "comm/shard_tree.hpp"

#include <cmath>
#include <cstring>
#include <limits>

#include "catch.hpp"
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
  std::vector<T> sum(elements, T{-1});
  tree.reduce(sum);
  return sum;
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
                       Case{32, 3, 1u << 20}, Case{8, 1, one}, Case{8, 5, one}, Case{8, 13, 7},
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

TEST_CASE("a tree refuses too few, too many and wrongly sized shards") {
  const Communicator world;
  ShardTree<float> tree(world, world.size(), 4);
  std::vector<float> four(4), five(5);
  CHECK_THROWS_AS(tree.reduce(four), Error);
  CHECK_THROWS_AS(tree.push(five), Error);
  tree.push(four);
  CHECK_THROWS_AS(tree.push(four), Error);
  CHECK_THROWS_AS(tree.reduce(five), Error);
  tree.reduce(four);
}
