#include "comm/communicator.hpp"

#include <chrono>
#include <cmath>
#include <csignal>
#include <functional>
#include <limits>

#include "catch.hpp"
#include "comm/interrupt.hpp"
#include "comm/interruptible.hpp"
#include "core/error.hpp"

using namespace bitdarts;
using comm::Communicator;

namespace {

std::vector<std::byte> bytes_of(const std::string& text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

// What every rank brings: nothing on rank 0, "1" on rank 1, "22" on rank 2 ...
std::string brought_by(int rank) {
  return std::string(static_cast<std::size_t>(rank), static_cast<char>('0' + rank % 10));
}

bool all_are_there(const std::vector<std::vector<std::byte>>& gathered, const Communicator& world) {
  bool right = gathered.size() == static_cast<std::size_t>(world.size());
  for (int r = 0; right && r < world.size(); ++r)
    right = gathered[static_cast<std::size_t>(r)] == bytes_of(brought_by(r));
  return right;
}

template <class E>
std::string message_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const E& error) {
    return error.what();
  }
  return "nothing was thrown";
}

}  // namespace

TEST_CASE("a broadcast gives everybody the root's values and text") {
  const Communicator world;
  const int root = world.size() - 1;
  std::vector<int> values(5, world.rank());
  world.broadcast_values(std::span(values), root);
  const std::string text =
      world.broadcast_text(world.rank() == root ? "от корня" : "something longer than that", root);
  const std::string empty = world.broadcast_text(world.root() ? "" : "x");
  CHECK(values == std::vector<int>(5, root));
  CHECK(text == "от корня");
  CHECK(empty.empty());
}

TEST_CASE("sums and maxima are over all ranks") {
  const Communicator world;
  const std::int64_t many = std::int64_t{1} << 40;
  const auto sum = world.sum(many + world.rank());
  const auto largest = world.max(-5 + world.rank());
  CHECK(sum == many * world.size() + world.size() * (world.size() - 1) / 2);
  CHECK(largest == -6 + world.size());
}

TEST_CASE("a maximum has the same bits everywhere, zeros and NaN included") {
  const Communicator world;
  const bool last = world.rank() == world.size() - 1;
  std::vector<double> values = {double(world.rank()), last ? 0.0 : -0.0, last ? -0.0 : 0.0,
                                last ? NAN : 1e300, last ? 1.0 : -std::numeric_limits<double>::infinity()};
  world.max_in_place(values);
  CHECK(values[0] == world.size() - 1);
  CHECK_FALSE(std::signbit(values[1]));
  CHECK(std::signbit(values[2]) == (world.size() == 1));
  CHECK(std::isnan(values[3]));
  CHECK(values[4] == 1.0);
}

TEST_CASE("gathering keeps rank order and unequal sizes") {
  const Communicator world;
  const int root = world.size() - 1;
  const auto mine = bytes_of(brought_by(world.rank()));
  const auto on_root = world.gather(mine, root);
  const auto everywhere = world.all_gather(mine);
  CHECK((world.rank() == root ? all_are_there(on_root, world) : on_root.empty()));
  CHECK(all_are_there(everywhere, world));
}

TEST_CASE("when nobody failed, everybody goes on") {
  const Communicator world;
  CHECK_NOTHROW(world.agree("", 0));
  CHECK_NOTHROW(together(world, [] {}));
}

TEST_CASE("the lowest failing rank's error becomes everybody's") {
  const Communicator world;
  const int failing = world.size() / 2;  // and all above it
  const auto work = [&] {
    if (world.rank() >= failing)
      throw InputError("rank " + std::to_string(world.rank()) + " misses it", "x.h5");
  };
  const std::string message = message_of<InputError>([&] { together(world, work); });
  const std::string expected = "rank " + std::to_string(failing) + " misses it\n  where: x.h5";
  CHECK(message.starts_with(expected));
  if (world.size() > 1)
    CHECK(message.find("rank:  " + std::to_string(failing) + " of ") != std::string::npos);
  const auto everywhere = world.all_gather(std::as_bytes(std::span(message)));
  bool same = true;
  for (const auto& other : everywhere) same = same && other == everywhere.front();
  CHECK(same);
}

TEST_CASE("the exit code travels with the error") {
  const Communicator world;
  const auto code_after = [&](int code) {
    try {
      world.agree(world.root() ? "stop" : "", world.root() ? code : 0);
    } catch (const Error& error) {
      return static_cast<int>(error.exit_code());
    }
    return 0;
  };
  for (int code : {1, 2, 3, 75}) {
    const int seen = code_after(code);
    CHECK(seen == code);
  }
  // A failure without words or with a code of success is still a failure.
  const int unknown = code_after(0);
  CHECK(unknown == 1);
}

TEST_CASE("a signal on one rank is seen by all, and only while watched") {
  const Communicator world;
  struct sigaction before {
  }, after{};
  sigaction(SIGUSR1, nullptr, &before);
  {
    const comm::InterruptWatch watch;
    const bool too_early = watch.raised_anywhere(world);
    const bool last = world.rank() == world.size() - 1;
    if (last) std::raise(SIGUSR1);
    const bool here = watch.raised_here();
    const bool anywhere = watch.raised_anywhere(world);
    CHECK_FALSE(too_early);
    CHECK(here == last);
    CHECK(anywhere);
  }
  sigaction(SIGUSR1, nullptr, &after);
  CHECK(before.sa_handler == after.sa_handler);
  const comm::InterruptWatch again;
  const bool left_over = again.raised_anywhere(world);
  CHECK_FALSE(left_over);
}

TEST_CASE(
    "ranks that work each for itself end when all have done, when one has failed, or when one is stopped") {
  using namespace std::chrono_literals;
  const Communicator world;
  const comm::InterruptWatch watch;
  const bool last = world.rank() == world.size() - 1;
  // Looks at the clock until it is told to stop, or for so long.
  const auto work_for = [](std::chrono::milliseconds time) {
    return [time](comm::StopPoll& poll) {
      const auto end = std::chrono::steady_clock::now() + time;
      while (std::chrono::steady_clock::now() < end) poll();
    };
  };
  const auto together = [&](const std::function<void(comm::StopPoll&)>& work,
                            std::chrono::milliseconds patience = 0ms) {
    comm::interruptible(world, patience, "stopped", work);
  };
  bool done = false;
  together([&](comm::StopPoll& poll) {
    work_for(last ? 250ms : 0ms)(poll);
    done = true;
  });
  const std::string failure = message_of<InputError>([&] {
    together([&](comm::StopPoll& poll) {
      if (last) throw InputError("damaged");
      work_for(150ms)(poll);
    });
  });
  bool patient = false;
  if (last) std::raise(SIGTERM);
  together([&](comm::StopPoll&) { patient = true; }, 1h);
  const std::string stop = message_of<Interrupted>([&] { together(work_for(1h)); });
  // Who has done already waits for the others, and hears it too; so does who was asked before.
  const std::string waiting = message_of<Interrupted>([&] { together(work_for(last ? 1h : 0ms)); });
  const std::string at_once = message_of<Interrupted>([&] { together([](comm::StopPoll&) {}); });
  const std::string between = message_of<Interrupted>([&] {
    comm::set_step_patience(0);
    comm::stop_if_overdue(world);
  });
  comm::set_step_patience(3600);
  comm::stop_if_overdue(world);
  CHECK(done);
  CHECK(failure.starts_with("damaged"));
  CHECK(patient);
  for (const std::string& message : {stop, waiting, at_once}) CHECK(message.starts_with("stopped"));
  CHECK(between.starts_with("interrupted"));
}

TEST_CASE("a failed MPI call names itself and where it was made") {
  const Communicator world;
  int value = 0;
  const std::string message =
      message_of<Error>([&] { BITDARTS_MPI(MPI_Bcast(&value, 1, MPI_INT, -7, world.handle())); });
  CHECK(message.starts_with("MPI_Bcast failed: "));
  CHECK(message.find("communicator.cpp:") != std::string::npos);
}
