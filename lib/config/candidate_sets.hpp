#pragma once
#include <string>
#include <vector>

namespace bitdarts::config {

// Candidate sets by name, for sweeps: words that select from the candidates that a pipeline has.
//   all          every one
//   lsq-only     those of one method: lsq-only pact-only uniform-only
//   no-16        all but those of a width (no-2 ... no-16), of a method (no-pact) or full precision (no-fp32)
//   4-8          those of 4 and of 8 bits, of every method (no range: 2-4-8 has no 3); fp32 counts as a width
// Several words, with blanks between them, select one after the other: "lsq-only no-16".

/// What is wrong with a value of search.weight_candidates in a sweep, be it words of selection or candidates;
/// empty when nothing is.
std::string candidate_set_complaint(const std::string& text);
/// Is it words of selection rather than candidates?
bool is_candidate_selection(const std::string& text);

/// Does some candidate have what each word of the selection names? Empty, or what nobody has.
std::string selection_complaint(const std::string& text, const std::vector<std::string>& candidates);
/// What is left of `candidates`, in their order.
std::vector<std::string> selected_candidates(const std::string& text,
                                             const std::vector<std::string>& candidates);

}  // namespace bitdarts::config
