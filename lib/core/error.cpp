#include "core/error.hpp"

namespace bitdarts {
namespace {

std::string compose(const std::string& what, const std::string& where, const std::string& remedy) {
  std::string message = what;
  if (!where.empty()) message += "\n  where: " + where;
  if (!remedy.empty()) message += "\n  try:   " + remedy;
  return message;
}

}  // namespace

Error::Error(const std::string& what, const std::string& where, const std::string& remedy, ExitCode code)
    : std::runtime_error(compose(what, where, remedy)), code_(code) {}

}  // namespace bitdarts
