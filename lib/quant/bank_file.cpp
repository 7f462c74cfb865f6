#include "quant/bank_file.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <sstream>

#include "core/error.hpp"
#include "quant/cost.hpp"

namespace bitdarts::quant {
namespace {

constexpr double absent = std::numeric_limits<double>::quiet_NaN();

std::string group_of(const std::string& layer, Role role) {
  return "/quant/" + layer + (role == Role::weight ? "/weight" : "/input");
}

struct RangeDataset {
  Range range;
  const char* name;
};
constexpr RangeDataset range_datasets[] = {
    {Range::step, "step"}, {Range::clip, "clip"}, {Range::maximum, "maximum"}};

// The dataset that holds the range of a method, if it has one.
const char* range_dataset(Method method) {
  for (const auto& dataset : range_datasets)
    if (dataset.range == traits(method).range) return dataset.name;
  return nullptr;
}

std::vector<double> ranges_of(const Bank& bank, const Site& site, Range kind) {
  std::vector<double> ranges;
  for (std::size_t j = 0; j < site.candidates.size(); ++j) {
    const bool here = traits(site.candidates[j].method).range == kind;
    for (std::int64_t c = 0; c < site.channels; ++c)
      ranges.push_back(here ? bank.theta[site.range_at(j, c)] : absent);
  }
  return ranges;
}

std::vector<Candidate> candidates_in(const store::File& file, const std::string& group) {
  std::istringstream lines(file.read_text(group + "/candidates"));
  std::vector<std::string> texts;
  for (std::string line; std::getline(lines, line);) {
    if (!line.empty()) texts.push_back(line);
  }
  try {
    return parse_candidates(texts);
  } catch (const ConfigError& e) {  // inside a product it is a bad input, not a bad option
    throw InputError(std::string("the stored candidates cannot be used: ") + e.what(),
                     file.path().string() + ":" + group + "/candidates",
                     "run the stage that made the file again");
  }
}

std::optional<std::size_t> find_candidate(std::span<const Candidate> candidates, const Candidate& wanted) {
  const auto at = std::find(candidates.begin(), candidates.end(), wanted);
  if (at == candidates.end()) return std::nullopt;
  return static_cast<std::size_t>(at - candidates.begin());
}

InputError unusable(const store::File& file, const std::string& dataset) {
  return InputError("a quantizer has a number that it cannot have (ranges are positive, and all are finite)",
                    file.path().string() + ":" + dataset, "run the stage that made the file again");
}

double finite(double value, const store::File& file, const std::string& dataset) {
  if (!std::isfinite(value)) throw unusable(file, dataset);
  return value;
}

bool load_site(const store::File& file, Bank& bank, const Site& site) {
  const std::string group = group_of(site.name, site.role);
  if (!file.has(group)) return false;
  const auto stored = candidates_in(file, group);
  const std::uint64_t n = stored.size(), channels = static_cast<std::uint64_t>(site.channels);
  for (std::size_t j = 0; j < site.candidates.size(); ++j) {
    const auto at = find_candidate(stored, site.candidates[j]);
    if (!at) return false;
    const char* dataset = range_dataset(site.candidates[j].method);
    if (!dataset) continue;
    const std::string name = group + "/" + dataset;
    if (file.info(name).shape != store::Shape{n, channels}) return false;
    const auto ranges = file.read<double>(name);
    for (std::int64_t c = 0; c < site.channels; ++c) {
      const double range = ranges[*at * channels + static_cast<std::uint64_t>(c)];
      if (range < 0) throw unusable(file, name);
      bank.theta[site.range_at(j, c)] = finite(range, file, name);
    }
    bank.theta[site.offset + j] =
        finite(file.read<double>(group + "/offset", {n})[*at], file, group + "/offset");
  }
  if (stored == site.candidates) {
    const auto alpha = file.read<double>(group + "/alpha", {n});
    for (const double a : alpha) finite(a, file, group + "/alpha");
    std::copy(alpha.begin(), alpha.end(), bank.alpha.begin() + static_cast<std::ptrdiff_t>(site.alpha));
  }
  return true;
}

}  // namespace

void save_bank(store::File& file, const Bank& bank) {
  for (const auto& site : bank.sites) {
    const std::uint64_t n = site.candidates.size();
    const store::Shape shape{n, static_cast<std::uint64_t>(site.channels)};
    std::string candidates;
    for (const auto& c : site.candidates) candidates += to_string(c) + "\n";
    for (const std::size_t layer : site.layers) {
      const std::string group = group_of(bank.layers[layer].name, site.role);
      file.write_text(group + "/candidates", candidates);
      file.write<double>(group + "/alpha", std::span(bank.alpha).subspan(site.alpha, n));
      file.write<double>(group + "/probability", bank.probabilities(site));
      for (const auto& dataset : range_datasets)
        file.write<double>(group + "/" + dataset.name, ranges_of(bank, site, dataset.range), shape);
      file.write<double>(group + "/offset", std::span(bank.theta).subspan(site.offset, n));
    }
  }
}

bool load_bank(const store::File& file, Bank& bank) {
  Bank filled = bank;
  for (const auto& site : bank.sites) {
    if (!load_site(file, filled, site)) return false;
  }
  bank = std::move(filled);
  return true;
}

void save_bank_state(store::File& file, const Bank& bank) {
  file.write<double>("/state/alpha", bank.alpha);
  file.write<double>("/state/theta", bank.theta);
}

void load_bank_state(const store::File& file, Bank& bank) {
  bank.alpha = file.read<double>("/state/alpha", {bank.alpha.size()});
  bank.theta = file.read<double>("/state/theta", {bank.theta.size()});
  for (const double a : bank.alpha) finite(a, file, "/state/alpha");
  for (const double t : bank.theta) finite(t, file, "/state/theta");
  for (const auto& site : bank.sites) {
    const auto first = bank.theta.begin() + static_cast<std::ptrdiff_t>(site.range);
    const auto ranges = static_cast<std::ptrdiff_t>(site.candidates.size()) * site.channels;
    if (std::any_of(first, first + ranges, [](double range) { return range < 0; }))
      throw unusable(file, "/state/theta");
  }
}

void transfer_ranges(const Bank& from, Bank& to) {
  for (const auto& site : to.sites) {
    const std::size_t layer = site.layers.front();
    const Site& source =
        from.sites[site.role == Role::weight ? from.weight_site[layer] : from.input_site[layer]];
    if (source.channels != site.channels) continue;
    for (std::size_t j = 0; j < site.candidates.size(); ++j) {
      const auto at = find_candidate(source.candidates, site.candidates[j]);
      if (!at) continue;
      for (std::int64_t c = 0; c < site.channels; ++c)
        to.theta[site.range_at(j, c)] = from.theta[source.range_at(*at, c)];
      to.theta[site.offset + j] = from.theta[source.offset + *at];
    }
  }
}

void save_scheme(store::File& file, const Scheme& scheme, std::span<const LayerShape> layers,
                 const std::string& group) {
  file.write_text(group + "/table", to_table(scheme));
  const SchemeSummary summary = summarise(layers, scheme);
  file.set_attribute(group, "mean_weight_bits", summary.mean_weight_bits);
  file.set_attribute(group, "mean_input_bits", summary.mean_input_bits);
  file.set_attribute(group, "bops_ratio", summary.bops_ratio);
  file.set_attribute(group, "size_ratio", summary.size_ratio);
}

Scheme load_scheme(const store::File& file, const std::vector<LayerShape>& layers, const std::string& group) {
  const std::string table = group + "/table", where = file.path().string() + ":" + table;
  try {
    return parse_table(file.read_text(table), layers, where);
  } catch (const ConfigError& e) {  // a bad table inside a product is a bad input, not a bad option
    throw InputError(std::string("the stored scheme does not fit the model: ") + e.what(), where,
                     "run bitdarts-search again");
  }
}

}  // namespace bitdarts::quant
