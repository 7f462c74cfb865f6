// bitdarts-inspect: what is in a file, is it whole, where did it come from. Not an MPI program.
#include <iostream>
#include <string>
#include <vector>

#include "core/build_info.hpp"
#include "core/error.hpp"
#include "report/inspect.hpp"
#include "stage/stage.hpp"

using namespace bitdarts;

namespace {

const std::string usage =
    "usage: bitdarts-inspect FILE            what the file is, whether it is whole, what is in it\n"
    "       bitdarts-inspect --scheme FILE   its scheme, as --finetune.scheme=TABLE reads it\n"
    "       bitdarts-inspect --scheme FILE --budget BUDGET   that of another budget of a searched.h5\n"
    "       bitdarts-inspect --diff A B      what differs, provenance aside\n"
    "       bitdarts-inspect --help | --version\n"
    "\n"
    "FILE is a product (tokens.h5, pretrained.h5, searched.h5, finetuned.h5, evaluation.h5) or a "
    "checkpoint.\n"
    "exit code: 0 well (--diff: bit-identical), 1 different, 2 wrong usage, 3 a file is missing or damaged\n";

constexpr int different = 1;

int describe(const std::string& path) {
  const report::Inspection inspection = report::inspect(path);
  std::cout << report::to_text(inspection);
  return static_cast<int>(inspection.whole ? ExitCode::done : ExitCode::bad_input);
}

int compare(const std::string& a, const std::string& b) {
  const auto differences = report::diff(a, b);
  for (const std::string& difference : differences) std::cout << difference << "\n";
  if (differences.empty()) std::cout << "bit-identical, provenance aside\n";
  return differences.empty() ? 0 : different;
}

int run(std::vector<std::string> arguments) {
  const std::string first = arguments.empty() ? "" : arguments.front();
  if (first == "--help" || first == "-h") {
    std::cout << usage;
    return 0;
  }
  if (first == "--version") {
    const BuildInfo build = build_info();
    std::cout << "bitdarts-inspect " << build.version << " (" << build.git_revision << ")\n";
    return 0;
  }
  if (first == "--scheme" && arguments.size() == 2 && !arguments[1].starts_with("-")) {
    std::cout << report::scheme_table(arguments[1]);
    return 0;
  }
  if (first == "--scheme" && arguments.size() == 4 && arguments[2] == "--budget" && !arguments[3].empty() &&
      !arguments[1].starts_with("-") && !arguments[3].starts_with("-")) {
    std::cout << report::scheme_table(arguments[1], arguments[3]);
    return 0;
  }
  if (first == "--diff" && arguments.size() == 3 && !arguments[1].starts_with("-") &&
      !arguments[2].starts_with("-"))
    return compare(arguments[1], arguments[2]);
  if (arguments.size() == 1 && !first.empty() && !first.starts_with("-")) return describe(first);
  std::cerr << "inspect: error: these arguments are not understood\n" << usage;
  return static_cast<int>(ExitCode::bad_configuration);
}

}  // namespace

int main(int argc, char** argv) { return stage::plain_main(argc, argv, "inspect", run); }
