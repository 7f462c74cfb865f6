#include "config/candidate_sets.hpp"

#include <algorithm>
#include <optional>
#include <sstream>

#include "config/syntax.hpp"

namespace bitdarts::config {
namespace {

// One word: keeps, or takes away, what has one of the widths or the method.
struct Selector {
  bool everything = false, takes_away = false;
  std::string method;                // as candidates write it; empty: by width
  std::vector<std::int64_t> widths;  // [bits]; 32 is fp32

  bool names(const std::string& candidate) const {
    if (everything) return true;
    if (!method.empty()) return candidate.starts_with(method + ":");
    const auto bits = candidate_bits(candidate);
    return bits && std::find(widths.begin(), widths.end(), *bits) != widths.end();
  }
};

std::optional<std::string> method_of(const std::string& text) {
  for (const std::string_view name : method_names)  // "lsq" for "lsq+": a sign is no part of a word
    if (text == name || text == name.substr(0, name.find('+'))) return std::string(name);
  return std::nullopt;
}

std::optional<std::int64_t> width_of(const std::string& text) {
  if (text == "fp32" || text == "32") return 32;
  return candidate_bits("uniform:" + text);
}

std::optional<Selector> widths_of(const std::string& word) {
  Selector selector;
  std::istringstream parts(word);
  for (std::string part; std::getline(parts, part, '-');) {
    const auto width = width_of(part);
    if (!width) return std::nullopt;
    selector.widths.push_back(*width);
  }
  if (selector.widths.empty() || word.ends_with('-')) return std::nullopt;
  return selector;
}

std::optional<Selector> read_selector(const std::string& word) {
  if (word == "all") return Selector{.everything = true, .method = {}, .widths = {}};
  if (word.ends_with("-only")) {
    const auto method = method_of(word.substr(0, word.size() - 5));
    if (!method) return std::nullopt;
    return Selector{.method = *method, .widths = {}};
  }
  if (word.starts_with("no-")) {
    const std::string what = word.substr(3);
    if (const auto method = method_of(what))
      return Selector{.takes_away = true, .method = *method, .widths = {}};
    const auto width = width_of(what);
    if (!width) return std::nullopt;
    return Selector{.takes_away = true, .method = {}, .widths = {*width}};
  }
  if (word == "fp32") return std::nullopt;  // a candidate
  return widths_of(word);
}

std::vector<std::string> words_of(const std::string& text) {
  std::vector<std::string> words;
  std::string word;
  for (const char c : text + " ") {
    if (c != ' ' && c != ',' && c != '\t') {
      word += c;
    } else if (!word.empty()) {
      words.push_back(std::move(word));
      word.clear();
    }
  }
  return words;
}

}  // namespace

bool is_candidate_selection(const std::string& text) {
  const auto words = words_of(text);
  return std::any_of(words.begin(), words.end(),
                     [](const std::string& word) { return read_selector(word).has_value(); });
}

std::string candidate_set_complaint(const std::string& text) {
  const auto words = words_of(text);
  if (words.empty()) return "names no candidate";
  const bool selection = is_candidate_selection(text);
  for (const std::string& word : words) {
    if (selection ? read_selector(word).has_value() : candidate_complaint(word).empty()) continue;
    if (selection && candidate_bits(word)) return "mixes names of sets with candidates (" + word + ")";
    return word +
           " is neither a set of candidates (all; lsq-only pact-only uniform-only; no-16 no-pact no-fp32; "
           "4-8 2-4-8) nor a candidate (METHOD:BITS with lsq+, pact, uniform and 2 to 16 bits, or fp32)";
  }
  return {};
}

std::string selection_complaint(const std::string& text, const std::vector<std::string>& candidates) {
  for (const std::string& word : words_of(text)) {
    const Selector selector = *read_selector(word);
    const auto has = [&](const Selector& one) {
      return std::any_of(candidates.begin(), candidates.end(),
                         [&](const std::string& candidate) { return one.names(candidate); });
    };
    if (!selector.method.empty() && !has(selector)) return word + ": no candidate is of this method";
    for (const std::int64_t width : selector.widths)
      if (!has({.method = {}, .widths = {width}}))
        return word + ": no candidate has " + std::to_string(width) + " bits";
  }
  return {};
}

std::vector<std::string> selected_candidates(const std::string& text,
                                             const std::vector<std::string>& candidates) {
  std::vector<std::string> left = candidates;
  for (const std::string& word : words_of(text)) {
    const Selector selector = *read_selector(word);
    std::erase_if(
        left, [&](const std::string& candidate) { return selector.names(candidate) == selector.takes_away; });
  }
  return left;
}

}  // namespace bitdarts::config
