#include "store/metrics.hpp"

#include "core/error.hpp"

namespace bitdarts::store {
namespace {

const std::string root = "/metrics";

}  // namespace

void Metrics::refuse(const std::string& what, const std::string& series) const {
  if (origin_.empty()) throw Error(what, "metrics " + series);
  throw InputError("the series of the run do not go on: " + what, origin_ + ":" + root + "/" + series,
                   "start the stage with --resume=never");
}

void Metrics::require_free(const std::string& series) const {
  const auto stands_in_the_way = [&](const std::string& other) {
    return other == series || other.starts_with(series + "/") || series.starts_with(other + "/");
  };
  for (const auto& [group, columns] : groups_) {
    for (const auto& [name, values] : columns)
      if (stands_in_the_way(group + "/" + name))
        refuse("there is " + group + "/" + name + " already", series);
  }
  for (const auto& [name, rows] : matrices_)
    if (stands_in_the_way(name)) refuse("there is " + name + " already", series);
}

void Metrics::record(const std::string& group, const std::vector<std::pair<std::string, double>>& values) {
  auto& columns = groups_[group];
  const bool first = columns.empty();
  // Checked before anything is added: a refused record leaves the series as they were.
  std::map<std::string, double> row;
  for (const auto& [name, value] : values) {
    if (name.empty() || name.find('/') != std::string::npos) {
      throw Error("'" + name + "' cannot name a column of metrics", "metrics " + group);
    }
    if (!row.emplace(name, value).second)
      throw Error("the column is given twice", "metrics " + group + ", " + name);
    if (!first && !columns.contains(name)) {
      refuse("earlier records do not have this column", group + ", " + name);
    }
  }
  if (!first && row.size() != columns.size()) {
    refuse("a record has " + std::to_string(row.size()) + " columns, earlier ones have " +
               std::to_string(columns.size()),
           group);
  }
  if (first) {
    for (const auto& [name, value] : row) require_free(group + "/" + name);
  }
  for (const auto& [name, value] : row) columns[name].push_back(value);
}

void Metrics::record_row(const std::string& name, const std::vector<double>& row) {
  if (row.empty()) throw Error("a row without values", "metrics " + name);
  if (!matrices_.contains(name)) require_free(name);
  auto& rows = matrices_[name];
  if (!rows.empty() && rows.front().size() != row.size()) {
    refuse("a row has " + std::to_string(row.size()) + " values, earlier ones have " +
               std::to_string(rows.front().size()),
           name);
  }
  rows.push_back(row);
}

std::vector<double> Metrics::column(const std::string& group, const std::string& column) const {
  const auto columns = groups_.find(group);
  if (columns == groups_.end()) return {};
  const auto values = columns->second.find(column);
  return values == columns->second.end() ? std::vector<double>{} : values->second;
}

std::vector<std::vector<double>> Metrics::matrix(const std::string& name) const {
  const auto rows = matrices_.find(name);
  return rows == matrices_.end() ? std::vector<std::vector<double>>{} : rows->second;
}

std::vector<std::string> Metrics::groups() const {
  std::vector<std::string> names;
  for (const auto& [name, columns] : groups_) names.push_back(name);
  return names;
}

std::vector<std::string> Metrics::columns(const std::string& group) const {
  std::vector<std::string> names;
  if (const auto columns = groups_.find(group); columns != groups_.end()) {
    for (const auto& [name, values] : columns->second) names.push_back(name);
  }
  return names;
}

std::vector<std::string> Metrics::matrices() const {
  std::vector<std::string> names;
  for (const auto& [name, rows] : matrices_) names.push_back(name);
  return names;
}

void Metrics::save(File& file) const {
  for (const auto& [group, columns] : groups_) {
    for (const auto& [name, values] : columns) {
      file.write<double>(root + "/" + group + "/" + name, values);
    }
  }
  for (const auto& [name, rows] : matrices_) {
    std::vector<double> values;
    for (const auto& row : rows) values.insert(values.end(), row.begin(), row.end());
    file.write<double>(root + "/" + name, values, {rows.size(), rows.front().size()});
  }
}

Metrics Metrics::load(const File& file) {
  Metrics metrics;
  metrics.origin_ = file.path().string();
  if (!file.has(root)) return metrics;
  for (const std::string& dataset : file.datasets(root)) {
    const std::string name = dataset.substr(root.size() + 1);
    const Shape shape = file.info(dataset).shape;
    const auto values = file.read<double>(dataset);
    if (shape.size() == 2 && shape[1] > 0) {
      auto& rows = metrics.matrices_[name];
      const auto width = static_cast<std::ptrdiff_t>(shape[1]);
      for (auto at = values.begin(); rows.size() < shape[0]; at += width) rows.emplace_back(at, at + width);
      continue;
    }
    const auto slash = name.rfind('/');
    if (shape.size() != 1 || slash == std::string::npos) {
      throw InputError("this is neither a column nor a matrix of metrics",
                       file.path().string() + ", " + dataset);
    }
    metrics.groups_[name.substr(0, slash)][name.substr(slash + 1)] = values;
  }
  for (const auto& [group, columns] : metrics.groups_) {
    for (const auto& [name, values] : columns) {
      if (values.size() == columns.begin()->second.size()) continue;
      throw InputError("the columns of this group are not equally long",
                       file.path().string() + ", " + root + "/" + group);
    }
  }
  return metrics;
}

}  // namespace bitdarts::store
