#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "pipeline/status.hpp"
#include "sweep/tasks.hpp"

namespace bitdarts::sweep {

namespace fs = std::filesystem;

/// One stage to be run in one folder of the sweep.
struct Piece {
  std::string place;  ///< below the sweep's folder: "shared/pretrain-1a2b3c4d", "tasks/w4a8-9f8e7d6c"
  std::string stage;
  std::vector<std::string> overrides;  ///< of the task, or of the first of the tasks that share it
  config::Config config;               ///< with run.out
  bool shared() const { return place.starts_with("shared/"); }
};

/// A product of another place, under its own name: inputs lie beside what is made from them.
struct Link {
  std::string path;    ///< "tasks/w4a8-9f8e7d6c/tokens.h5"
  std::string target;  ///< relative to the folder of path: "../../shared/tokenize-1a2b3c4d/tokens.h5"
};

/// Everything that a sweep makes, and where.
struct Plan {
  fs::path folder;
  std::vector<Task> tasks;
  std::vector<Piece> pieces;  ///< in an order in which they can run: what is shared first
  std::vector<Link> links;
};

/// Lays out the tasks in `folder`. Tokens and pretrained models are always shared, searches (finetunings)
/// where an option of a later stage is swept, such that several tasks take the same one; searches also where
/// tasks take the schemes of several budgets from them. Where several tasks
/// evaluate beside the same full-precision model, it is evaluated once (bitdarts-reference).
Plan make_plan(const config::Sweep& sweep, const config::Config& base, const fs::path& folder);

/// The pieces that `ids` need, theirs and the shared ones; ConfigError, with the nearest id, when there is no
/// such task.
std::vector<Piece> pieces_of(const Plan& plan, const std::vector<std::string>& ids);

/// Makes the folders, and the links, each made or set right in one step; several programs may do so at once.
/// Where one more swept option has made a product a shared one, a task's own product goes to the shared
/// place, with what is left of unfinished runs, and the link takes its place; so it does beside a shared
/// product of the same content. Error when anything else lies in the place of a link, or nothing can be
/// written.
void lay_out(const Plan& plan);

/// Which pieces are up to date; reads whole files, those that are shared once. A full-precision model is not
/// needed where the evaluations that would take it are up to date.
std::vector<pipeline::StageStatus> survey(const std::vector<Piece>& pieces);

}  // namespace bitdarts::sweep
