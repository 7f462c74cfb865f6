#include "quant/candidate.hpp"

#include <algorithm>
#include <charconv>

#include "config/syntax.hpp"
#include "core/error.hpp"
#include "quant/methods/table.hpp"

namespace bitdarts::quant {
namespace {

constexpr int smallest_width = 2, largest_width = 16;
const char* const remedy = "write method:bits with method lsq+, pact or uniform and bits 2 to 16, or fp32";

// Options are checked where no quantizer is known; both must know the same methods.
static_assert([] {
  std::size_t known = 0;
  for (const auto& row : Methods::rows) {
    if (!has_codes(row)) continue;
    if (known == config::method_names.size() || config::method_names[known] != row.name) return false;
    ++known;
  }
  return known == config::method_names.size();
}());

Method parse_method(const std::string& name, const std::string& text, const std::string& where) {
  for (const auto& row : Methods::rows)
    if (has_codes(row) && name == row.name) return row.method;
  if (name == "fp32")
    throw ConfigError("the candidate fp32 has no width: '" + text + "'", where, "write fp32");
  if (name == "lsq")
    throw ConfigError("unknown method 'lsq' in candidate '" + text + "'", where, "write lsq+");
  throw ConfigError("unknown method '" + name + "' in candidate '" + text + "'", where, remedy);
}

void require_codes(const Candidate& candidate) {
  if (!has_codes(candidate)) throw Error("the candidate fp32 has no codes");
}

}  // namespace

Candidate parse_candidate(const std::string& text, const std::string& where) {
  if (text == "fp32") return {};
  const auto colon = text.find(':');
  if (colon == std::string::npos) throw ConfigError("candidate '" + text + "' has no width", where, remedy);
  const Method method = parse_method(text.substr(0, colon), text, where);
  const char* const begin = text.data() + colon + 1;
  const char* const end = text.data() + text.size();
  int bits = 0;
  const auto [stop, failure] = std::from_chars(begin, end, bits);
  if (failure != std::errc() || stop != end)
    throw ConfigError("the width of candidate '" + text + "' is not a whole number", where, remedy);
  if (bits == 32)
    throw ConfigError("candidate '" + text + "': at 32 bits every method is the identity", where,
                      "write fp32");
  if (bits < smallest_width || bits > largest_width)
    throw ConfigError("candidate '" + text + "' has a width outside 2 to 16 bits", where, remedy);
  return {method, bits};
}

std::vector<Candidate> parse_candidates(const std::vector<std::string>& texts) {
  if (texts.empty()) throw ConfigError("the list of candidates is empty", {}, remedy);
  std::vector<Candidate> candidates;
  for (const auto& text : texts) {
    const Candidate candidate = parse_candidate(text);
    // A candidate named twice would start with twice the probability.
    if (std::find(candidates.begin(), candidates.end(), candidate) != candidates.end())
      throw ConfigError("candidate '" + text + "' is listed twice", {}, "list every candidate once");
    candidates.push_back(candidate);
  }
  return candidates;
}

const MethodTraits& traits(Method method) {
  const auto row = static_cast<std::size_t>(method);
  if (row >= Methods::rows.size()) throw Error("not a quantization method: " + std::to_string(row));
  return Methods::rows[row];
}

std::string to_string(Method method) { return traits(method).name; }

std::string to_string(const Candidate& candidate) {
  const std::string name = to_string(candidate.method);
  return !has_codes(candidate) ? name : name + ":" + std::to_string(candidate.bits);
}

double largest_code(const Candidate& candidate) {
  require_codes(candidate);
  return static_cast<double>((1 << (candidate.bits - 1)) - 1);
}

double smallest_code(const Candidate& candidate) {
  return traits(candidate.method).lowest_code ? -largest_code(candidate) - 1 : -largest_code(candidate);
}

}  // namespace bitdarts::quant
