// A sweep that grows or shrinks turns products of a task's own into shared ones, and back.
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "catch.hpp"
#include "stage/directory_lock.hpp"
#include "store/product.hpp"
#include "support.hpp"
#include "sweep/plan.hpp"

using namespace bitdarts;
using namespace sweep_test;
using Catch::Matchers::Contains;
namespace fs = std::filesystem;

namespace {

const std::string two = "task.a = search.budget=w4a8\ntask.b = search.budget=w8a8\n";
const std::string three = two + "task.c = search.budget=w4a8 finetune.steps=50\n";

// A searched.h5 that holds this number.
void make(const fs::path& path, double number) {
  store::Provenance facts;
  facts.stage = "search";
  facts.key = facts.configuration = facts.program_version = facts.git_revision = "of a test";
  facts.compiler = facts.libraries = facts.host = facts.started = facts.ended = "of a test";
  store::publish(path, facts,
                 [&](store::File& file) { file.write<double>("/number", std::vector<double>{number}, {1}); });
}

double number_in(const fs::path& path) { return store::File::open(path).read<double>("/number").at(0); }

class Growing {
 public:
  Growing() {
    const auto before = sweep::make_plan(sweep_of(two), {}, scratch.path());
    after = sweep::make_plan(sweep_of(three), {}, scratch.path());
    sweep::lay_out(before);
    REQUIRE(before.tasks[0].id == after.tasks[0].id);
    REQUIRE(before.tasks[1].id == after.tasks[1].id);
    REQUIRE(fs::is_directory(product(0).parent_path()));
    REQUIRE_FALSE(fs::exists(shared(0).parent_path()));
  }
  fs::path product(std::size_t task) const {
    return scratch.path() / "tasks" / after.tasks[task].id / "searched.h5";
  }
  // Where it lies in the larger sweep.
  fs::path shared(std::size_t task) const {
    for (const auto& link : after.links)
      if (scratch.path() / link.path == product(task))
        return (product(task).parent_path() / link.target).lexically_normal();
    throw std::runtime_error("the product is not shared");
  }
  Scratch scratch;
  sweep::Plan after;
};

}  // namespace

TEST_CASE("a product that a growing sweep comes to share goes where it is shared") {
  const Growing growing;
  for (const std::size_t task : {0u, 1u}) make(growing.product(task), static_cast<double>(task));
  for (int again = 0; again < 2; ++again) {
    sweep::lay_out(growing.after);
    for (const std::size_t task : {0u, 1u}) {
      CHECK(fs::is_symlink(growing.product(task)));
      CHECK(fs::equivalent(growing.product(task), growing.shared(task)));
      CHECK(fs::symlink_status(growing.shared(task)).type() == fs::file_type::regular);
      CHECK(fs::hard_link_count(growing.shared(task)) == 1);
      CHECK(number_in(growing.product(task)) == static_cast<double>(task));
    }
    CHECK(fs::equivalent(growing.product(2), growing.shared(0)));  // c shares with a
  }
}

TEST_CASE("several planners at once bring a product to one place, and none of them fails") {
  for (int round = 0; round < 20; ++round) {
    const Growing growing;
    make(growing.product(0), 1);
    std::vector<pid_t> planners;
    for (int i = 0; i < 4; ++i) {
      planners.push_back(fork());
      if (planners.back() > 0) continue;
      int code = 0;
      try {
        sweep::lay_out(growing.after);
      } catch (...) {
        code = 1;
      }
      _exit(code);
    }
    for (const pid_t planner : planners) {
      int status = -1;
      CHECK(waitpid(planner, &status, 0) == planner);
      CHECK(status == 0);
    }
    CHECK(fs::is_symlink(growing.product(0)));
    CHECK(number_in(growing.product(0)) == 1);
    for (const fs::path& folder : {growing.product(0).parent_path(), growing.shared(0).parent_path()})
      for (const auto& file : fs::directory_iterator(folder)) CHECK(file.path().extension() != ".tmp");
  }
}

TEST_CASE("of two products of one place, one may go only where both hold the same") {
  const Growing growing;
  fs::create_directories(growing.shared(0).parent_path());
  make(growing.shared(0), 1);
  make(growing.product(0), 2);
  CHECK_THROWS_WITH(sweep::lay_out(growing.after), Contains("a file lies where the link"));
  CHECK(number_in(growing.shared(0)) == 1);
  CHECK(number_in(growing.product(0)) == 2);
  CHECK_FALSE(fs::is_symlink(growing.product(0)));
  make(growing.product(0), 1);
  sweep::lay_out(growing.after);
  CHECK(fs::is_symlink(growing.product(0)));
  CHECK(number_in(growing.product(0)) == 1);
}

TEST_CASE("what is no product is not brought to where others take it") {
  const Growing growing;
  std::ofstream(growing.product(0)) << "mine";
  CHECK_THROWS_WITH(sweep::lay_out(growing.after), Contains("a file lies where the link"));
  CHECK_FALSE(fs::exists(growing.shared(0)));
  CHECK(fs::file_size(growing.product(0)) == 4);
}

TEST_CASE("checkpoints of an unfinished run go where it goes on, but not from under a stage at work") {
  const Growing growing;
  const auto checkpoint = [](const fs::path& product) {
    return product.parent_path() / ".checkpoints" / "searched" / "0123-7.h5";
  };
  for (const std::size_t task : {0u, 1u}) {
    fs::create_directories(checkpoint(growing.product(task)).parent_path());
    std::ofstream(checkpoint(growing.product(task))) << task;
  }
  const stage::DirectoryLock lock(growing.product(1).parent_path(),
                                  {.stage = "search", .words = "process 7"});
  sweep::lay_out(growing.after);
  CHECK(fs::exists(checkpoint(growing.shared(0))));
  CHECK_FALSE(fs::exists(growing.product(0).parent_path() / ".checkpoints"));
  CHECK(fs::exists(checkpoint(growing.product(1))));
  CHECK_FALSE(fs::exists(growing.shared(1).parent_path() / ".checkpoints"));
}

TEST_CASE("a product of a task's own takes the place of a link, and nothing is written through it") {
  const Growing growing;
  sweep::lay_out(growing.after);
  make(growing.shared(0), 1);
  REQUIRE(number_in(growing.product(0)) == 1);
  REQUIRE_FALSE(fs::exists(growing.product(1)));  // a link to what is not made yet
  sweep::lay_out(sweep::make_plan(sweep_of(two), {}, growing.scratch.path()));
  for (const std::size_t task : {0u, 1u}) {
    make(growing.product(task), 2);  // as a stage publishes
    CHECK_FALSE(fs::is_symlink(growing.product(task)));
    CHECK(number_in(growing.product(task)) == 2);
  }
  CHECK(number_in(growing.shared(0)) == 1);
  CHECK_FALSE(fs::exists(growing.shared(1)));
}
