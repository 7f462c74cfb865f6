#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "config/scheme_word.hpp"
#include "search/assign.hpp"
#include "search/problem.hpp"

namespace bitdarts::search {

/// What a strategy has found.
struct Findings {
  std::vector<quant::Scheme> schemes;  ///< one for each budget of the problem, in order
  std::vector<SiteValues> values;      ///< what they were assigned by: for each budget, or empty
  std::vector<float> weights;          ///< as the strategy left them
  quant::Bank bank;                    ///< α, p and ranges as the strategy left them
  std::vector<double> expected_costs;  ///< of a mixture, where each budget's scheme was assigned; or empty
  std::int64_t steps = 0;              ///< of its own kind
  /// Records and optimisers that go into the product beside the rest; may be empty.
  std::function<void(store::File&)> save_records;
  std::string summary;  ///< a line for the user; may be empty
};

/// What a strategy works with. The problem's bank is calibrated.
struct Workbench {
  const stage::Context& context;
  stage::Run& run;
  const Problem& problem;
  train::Engine<float>& engine;
};

/// One way to find a scheme for each budget (search.strategy). All of them choose among the same candidates,
/// start from the same calibrated ranges and, where they estimate losses, leave the choice to assign().
/// Collective, with the same result on any number of ranks; what takes long resumes from its checkpoints.
using Strategy = std::function<Findings(const Workbench&)>;

Strategy find_strategy(const config::Strategy& strategy);

/// The schemes that `values` assign for each budget of the problem.
std::vector<quant::Scheme> assign_all(const Problem& problem, const SiteValues& values);
/// What strategies that train nothing leave: the weights and the bank of the problem.
Findings untrained(const Problem& problem);

}  // namespace bitdarts::search
