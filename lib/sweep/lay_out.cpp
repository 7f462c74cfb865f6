// The places of a plan, on disk.
#include <unistd.h>

#include "chain/stages.hpp"
#include "core/error.hpp"
#include "stage/directory_lock.hpp"
#include "store/product.hpp"
#include "sweep/plan.hpp"

namespace bitdarts::sweep {
namespace {

// Of the path itself: a link is a link.
fs::file_type type_of(const fs::path& path) {
  std::error_code absent;
  return fs::symlink_status(path, absent).type();
}

// Where a symbolic link points; empty when there is none.
std::string target_of(const fs::path& path) {
  std::error_code absent;
  return fs::read_symlink(path, absent).string();
}

[[noreturn]] void cannot(const std::string& what, const std::error_code& why, const fs::path& path) {
  throw Error(what + " (" + why.message() + ")", path.string(),
              "look at free space, quota and write permission");
}

// A file of the user's, or one that cannot be read, is none.
bool is_product(const fs::path& path) {
  if (type_of(path) != fs::file_type::regular) return false;
  try {
    const auto facts = store::read_provenance(store::File::open(path));
    return facts.stage == chain::maker_of(path.stem().string()).name;
  } catch (const Error&) {
    return false;
  }
}

bool same_content(const fs::path& a, const fs::path& b) {
  std::error_code absent;
  if (fs::equivalent(a, b, absent)) return true;
  const store::Verdict one = store::verify(a), other = store::verify(b);
  return one.whole && other.whole && one.content_hash == other.content_hash;
}

// Brings a product to where it is shared, unless one lies there; is it there now, such that a link can take
// its old place? It has both names until then: whoever reads it finds it all the time, and of several
// programs at once none overwrites anything.
bool handed_over(const fs::path& path, const fs::path& shared) {
  if (!is_product(path)) return false;
  std::error_code failed;
  fs::create_hard_link(path, shared, failed);
  if (failed && failed != std::errc::file_exists)
    throw Error("cannot bring the product to where it is shared now (" + failed.message() + ")",
                path.string(), "move it to " + shared.string());
  return type_of(shared) == fs::file_type::regular && same_content(path, shared);
}

// An unfinished run goes on where its product is shared. Only what is in nobody's way is moved: neither
// checkpoints that lie there already, nor those of a stage that is at work.
void hand_over_checkpoints(const fs::path& path, const fs::path& shared) {
  const fs::path mine = path.parent_path() / ".checkpoints" / path.stem(),
                 theirs = shared.parent_path() / ".checkpoints" / path.stem();
  std::error_code ignored;
  if (!fs::is_directory(mine, ignored) || fs::exists(theirs, ignored)) return;
  if (stage::DirectoryLock::holder_of(path.parent_path())) return;
  fs::create_directories(theirs.parent_path(), ignored);
  fs::rename(mine, theirs, ignored);
  for (const fs::path& folder : {mine.parent_path(), theirs.parent_path()})
    fs::remove(folder, ignored);  // when it is empty
}

void make_link(const fs::path& path, const std::string& target) {
  if (target_of(path) == target) return;
  const fs::path shared = (path.parent_path() / target).lexically_normal();
  const auto in_the_way = [&] {
    const auto type = type_of(path);
    return fs::exists(fs::file_status(type)) && type != fs::file_type::symlink;
  };
  // Another planner may put the link there meanwhile.
  if (in_the_way() && !handed_over(path, shared) && in_the_way())
    throw Error("a file lies where the link to a shared product belongs", path.string(),
                "move it away; it would be " + target);
  hand_over_checkpoints(path, shared);
  // Two planners may be at it: each makes a link of its own and moves it into place.
  std::error_code failed;
  const fs::path temporary = path.string() + "." + std::to_string(getpid()) + ".tmp";
  fs::remove(temporary, failed);
  fs::create_symlink(target, temporary, failed);
  if (!failed) fs::rename(temporary, path, failed);
  if (failed == std::errc::operation_not_permitted || failed == std::errc::operation_not_supported ||
      failed == std::errc::function_not_supported)
    throw Error(
        "a sweep shares products by symbolic links, and this file system has none (" + failed.message() + ")",
        path.string(), "name an --out on another file system");
  if (failed) cannot("cannot make a link", failed, path);
}

}  // namespace

void lay_out(const Plan& plan) {
  for (const Piece& piece : plan.pieces) {
    std::error_code failed;
    fs::create_directories(plan.folder / piece.place, failed);
    if (failed) cannot("cannot make the folder", failed, plan.folder / piece.place);
  }
  for (const Link& link : plan.links) make_link(plan.folder / link.path, link.target);
}

}  // namespace bitdarts::sweep
