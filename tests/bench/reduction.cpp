// What the ordered sum over the ranks costs beside MPI_Allreduce of the same bytes, and how much of it a
// training step hides. Not a test: tests/bench/reduction builds this, runs it with 2 and with 4 ranks and
// prints the tables.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "comm/shard_tree.hpp"
#include "core/error.hpp"
#include "tiny_model.hpp"
#include "train/adam.hpp"
#include "train/engine.hpp"

using namespace bitdarts;

namespace {

// How far the buckets of gradients (float) had come when the backward was over: then the statistics (double)
// start.
struct Seen {
  int sent = 0, summed = 0, sent_in_backward = 0, summed_in_backward = 0;
} seen;

// Milliseconds until the last rank is through, by round.
using Times = std::vector<double>;

double median(Times times) {
  std::sort(times.begin(), times.end());
  return times[times.size() / 2];
}

double median_difference(Times more, const Times& less) {
  for (std::size_t i = 0; i < less.size(); ++i) more[i] -= less[i];
  return median(more);
}

// The works in turn, so that what else this machine does meets all of them. The first round warms up.
std::vector<Times> alternate(const comm::Communicator& world, int rounds,
                             const std::vector<std::function<void()>>& works) {
  std::vector<Times> times(works.size());
  for (int round = -1; round < rounds; ++round) {
    for (std::size_t w = 0; w < works.size(); ++w) {
      world.barrier();
      const auto start = std::chrono::steady_clock::now();
      works[w]();
      double passed =
          std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
      world.max_in_place({&passed, 1});
      if (round >= 0) times[w].push_back(passed);
    }
  }
  return times;
}

void compare_with_allreduce(const comm::Communicator& world, std::size_t megabytes, int rounds) {
  const std::size_t elements = megabytes << 18;
  std::vector<float> mine(elements), sum(elements);
  for (std::size_t i = 0; i < elements; ++i)
    mine[i] =
        static_cast<float>((i * 7 + static_cast<std::size_t>(world.rank())) % 1000);  // exact in any order
  comm::ShardTree<float> tree(world, world.size(), elements);
  std::span<float> tree_sum;
  const auto times =
      alternate(world, rounds,
                {[&] {
                   BITDARTS_MPI(MPI_Allreduce(mine.data(), sum.data(), static_cast<int>(elements), MPI_FLOAT,
                                              MPI_SUM, world.handle()));
                 },
                 [&] {
                   tree.open_last(mine);
                   tree_sum = tree.reduce();
                 }});
  if (std::memcmp(sum.data(), tree_sum.data(), tree_sum.size_bytes()) != 0) throw Error("the sums differ");
  if (!world.root()) return;
  const auto spread = [](const Times& t) {
    const auto [least, most] = std::minmax_element(t.begin(), t.end());
    std::printf("%9.2f %8.2f - %7.2f ", median(t), *least, *most);
  };
  const double ratio = median(times[1]) / median(times[0]);
  std::printf("%5d %6zu ", world.size(), megabytes);
  spread(times[0]);
  spread(times[1]);
  std::printf("%7.2f   %s\n", ratio, megabytes < 16 ? "" : ratio <= 1.2 ? "<= 1.2, met" : "<= 1.2, MISSED");
  std::fflush(stdout);
}

// A step's gradient by this rank alone (no communication), by this rank alone and then summed, and by all
// with the sum under way while the last shard goes backward.
void compare_steps(const comm::Communicator& world, std::int64_t local_shards, int rounds) {
  const comm::Communicator alone(MPI_COMM_SELF);
  const model::ModelShape shape{.vocab = 1024,
                                .dim = 256,
                                .layers = 6,
                                .heads = 4,
                                .kv_heads = 4,
                                .ffn = 704,
                                .context = 64,
                                .rope_theta = 10000.0,
                                .norm_eps = 1e-5,
                                .tied_embeddings = true};
  const auto layout = model::make_layout(shape);
  auto parameters = model::initial_parameters(shape, layout, 1);
  const auto part = tiny::counting_part(10000, 1, shape.vocab);
  const data::Sampler sampler{part, shape.context, 1, Stream::inner_batch};
  const std::int64_t shards = local_shards * world.size(), sequences_of_shard = 2;
  train::Engine<float> single(alone, local_shards, shape, layout, "cpu"),
      together(world, shards, shape, layout, "cpu");
  comm::ShardTree<float> tree(world, world.size(), layout.total);
  train::Adam<float> adam(layout.total);
  std::span<float> gradient;
  std::vector<double> sent, summed;  // of the buckets, by the end of the backward [%]
  const auto compute = [&] {
    gradient =
        single.gradient(parameters, nullptr, {sampler, 0, local_shards * sequences_of_shard}, {}).weights;
  };
  const auto times =
      alternate(world, rounds,
                {compute,
                 [&] {
                   compute();
                   tree.open_last(gradient);
                   tree.reduce();
                 },
                 [&] {
                   seen = {};
                   together.gradient(parameters, nullptr, {sampler, 0, shards * sequences_of_shard}, {});
                   sent.push_back(100.0 * seen.sent_in_backward / seen.sent);
                   summed.push_back(100.0 * seen.summed_in_backward / seen.summed);
                 },
                 [&] {
                   train::clip_norm<float>(gradient, 1.0);
                   adam.step(parameters, gradient, {});
                 }});
  if (!world.root()) return;
  const double added = median_difference(times[1], times[0]), hidden = median_difference(times[1], times[2]);
  std::printf("%5d %6.1f %11lld %9.1f %9.1f %9.1f %9.1f %7.0f%% %7.0f%% %7.0f%% %9.1f\n", world.size(),
              static_cast<double>(layout.total) * 4 / (1 << 20), static_cast<long long>(local_shards),
              median(times[0]), median(times[1]), median(times[2]), added, 100 * hidden / added, median(sent),
              median(summed), median(times[3]));
  std::fflush(stdout);
}

}  // namespace

// In place of MPI's own, which are reached by their other names.
extern "C" int MPI_Ialltoallv(const void* send, const int counts[], const int starts[], MPI_Datatype type,
                              void* receive, const int receive_counts[], const int receive_starts[],
                              MPI_Datatype receive_type, MPI_Comm comm, MPI_Request* request) {
  if (type == MPI_FLOAT) ++seen.sent;
  if (type == MPI_DOUBLE) seen.sent_in_backward = seen.sent, seen.summed_in_backward = seen.summed;
  return PMPI_Ialltoallv(send, counts, starts, type, receive, receive_counts, receive_starts, receive_type,
                         comm, request);
}
extern "C" int MPI_Iallgatherv(const void* send, int count, MPI_Datatype type, void* receive,
                               const int counts[], const int starts[], MPI_Datatype receive_type,
                               MPI_Comm comm, MPI_Request* request) {
  if (receive_type == MPI_FLOAT) ++seen.summed;
  return PMPI_Iallgatherv(send, count, type, receive, counts, starts, receive_type, comm, request);
}

int main(int argc, char** argv) {
  comm::MpiSession mpi(argc, argv);
  const comm::Communicator world;
  const std::string what = argc > 1 ? argv[1] : "";
  try {
    if (what == "sizes") {
      for (const auto& [megabytes, rounds] :
           {std::pair<std::size_t, int>{1, 51}, {16, 15}, {64, 7}, {256, 5}})
        compare_with_allreduce(world, megabytes, rounds);
    } else if (what == "step") {
      compare_steps(world, 1, world.size() == 2 ? 15 : 7);
      if (world.size() == 2) compare_steps(world, 2, 9);
    } else {
      throw Error("bench_reduction sizes|step, under mpirun");
    }
  } catch (const Error& error) {
    std::fprintf(stderr, "bench_reduction: %s\n", error.what());
    MPI_Abort(MPI_COMM_WORLD, 1);
  }
}
