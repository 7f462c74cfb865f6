#include "sweep/choices.hpp"

#include <algorithm>

#include "report/candidate_style.hpp"
#include "report/layer_grid.hpp"

namespace bitdarts::sweep {

std::string kind_of(const std::string& layer) {
  const auto grid = report::grid_of({layer});
  return grid.columns.front().empty() ? layer : grid.columns.front();
}

int Choices::layers(const std::string& kind) const {
  int sum = 0;
  if (const auto found = weights.find(kind); found != weights.end())
    for (const auto& [candidate, count] : found->second) sum += count;
  return sum;
}

Choices choices_of(const std::vector<const quant::Scheme*>& schemes) {
  Choices choices;
  for (const quant::Scheme* scheme : schemes)
    for (const auto& entry : scheme->entries) {
      const std::string kind = kind_of(entry.layer);
      if (std::find(choices.kinds.begin(), choices.kinds.end(), kind) == choices.kinds.end())
        choices.kinds.push_back(kind);
      ++choices.weights[kind][quant::to_string(entry.weight)];
      ++choices.inputs[kind][quant::to_string(entry.input)];
      for (const auto& candidate : {entry.weight, entry.input})
        if (std::find(choices.candidates.begin(), choices.candidates.end(), candidate) ==
            choices.candidates.end())
          choices.candidates.push_back(candidate);
    }
  choices.candidates = report::stacking_order(std::move(choices.candidates));
  return choices;
}

}  // namespace bitdarts::sweep
