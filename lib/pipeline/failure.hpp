#pragma once
#include <filesystem>
#include <optional>
#include <string>

namespace bitdarts::pipeline {

/// What became of a stage that failed: the file `failed` beside its product, which the drivers and the jobs
/// of the cluster write (note_failure in pipelines/launch.sh), a line "name<tab>value" for each fact.
struct Failure {
  std::string stage, exit_code, message;
};

/// nullopt when no failure is noted in the folder.
std::optional<Failure> failure_in(const std::filesystem::path& folder);

}  // namespace bitdarts::pipeline
