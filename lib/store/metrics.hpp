#pragma once
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "store/file.hpp"

namespace bitdarts::store {

/// Time series of a run: groups ("train", "validation", "search") of equally long columns of doubles,
/// and matrices with one row per record ("alpha/<layer>/weight", [records, candidates]).
/// Stored under /metrics/<group>/<column>. Values that depend on the clock do not belong here.
class Metrics {
 public:
  /// Append one record to a group. All records of a group have the same columns.
  void record(const std::string& group, const std::vector<std::pair<std::string, double>>& values);
  /// Append one row to a matrix.
  void record_row(const std::string& name, const std::vector<double>& row);
  /// The column, or empty.
  std::vector<double> column(const std::string& group, const std::string& column) const;
  /// The rows of a matrix, or empty.
  std::vector<std::vector<double>> matrix(const std::string& name) const;
  std::vector<std::string> groups() const;                           ///< sorted
  std::vector<std::string> columns(const std::string& group) const;  ///< sorted
  std::vector<std::string> matrices() const;                         ///< sorted
  void save(File& file) const;
  static Metrics load(const File& file);

 private:
  std::map<std::string, std::map<std::string, std::vector<double>>> groups_;
  std::map<std::string, std::vector<std::vector<double>>> matrices_;
  std::string origin_;  // the file they were loaded from: a record that does not fit is then its fault
  void require_free(
      const std::string& series) const;  // in a file, it would be a dataset where there is one, or a group
  [[noreturn]] void refuse(const std::string& what, const std::string& series) const;
};

}  // namespace bitdarts::store
