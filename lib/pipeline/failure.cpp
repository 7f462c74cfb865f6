#include "pipeline/failure.hpp"

#include <fstream>

namespace bitdarts::pipeline {

std::optional<Failure> failure_in(const std::filesystem::path& folder) {
  std::ifstream file(folder / "failed");
  Failure failure;
  for (std::string line; std::getline(file, line);) {
    const auto tab = line.find('\t');
    if (tab == std::string::npos) continue;
    const std::string name = line.substr(0, tab), value = line.substr(tab + 1);
    if (name == "stage") failure.stage = value;
    if (name == "exit_code") failure.exit_code = value;
    if (name == "message") failure.message = value;
  }
  if (failure.stage.empty()) return std::nullopt;
  return failure;
}

}  // namespace bitdarts::pipeline
