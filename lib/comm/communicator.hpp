#pragma once
#include <mpi.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace bitdarts::comm {

/// Throws Error with file:line, the MPI function and MPI's own message when `code` is not MPI_SUCCESS.
void check_mpi(int code, const char* call, const char* file, int line);
#define BITDARTS_MPI(call) ::bitdarts::comm::check_mpi((call), #call, __FILE__, __LINE__)

/// MPI_Init on construction, MPI_Finalize on destruction. One per process, in main.
class MpiSession {
 public:
  MpiSession(int& argc, char**& argv);
  ~MpiSession();
  MpiSession(const MpiSession&) = delete;
  MpiSession& operator=(const MpiSession&) = delete;
};

/// An MPI communicator that bitdarts owns (a duplicate, freed on destruction) with checked, typed calls.
/// Counts are 64-bit: calls above 2^31-1 elements are cut into chunks.
class Communicator {
 public:
  explicit Communicator(MPI_Comm original = MPI_COMM_WORLD);
  ~Communicator();
  Communicator(const Communicator&) = delete;
  Communicator& operator=(const Communicator&) = delete;

  int rank() const { return rank_; }
  int size() const { return size_; }
  bool root() const { return rank_ == 0; }
  MPI_Comm handle() const { return comm_; }

  void barrier() const;
  void broadcast(std::span<std::byte> data, int root = 0) const;
  template <class T>
  void broadcast_values(std::span<T> data, int root = 0) const {
    broadcast(std::as_writable_bytes(data), root);
  }
  std::string broadcast_text(const std::string& text, int root = 0) const;
  /// Every element becomes its maximum over the ranks (exact, so order does not matter).
  void max_in_place(std::span<double> data) const;
  std::int64_t max(std::int64_t value) const;
  std::int64_t sum(std::int64_t value) const;
  /// Bytes of every rank on the root, in rank order (empty on the others). Sizes may differ.
  std::vector<std::vector<std::byte>> gather(std::span<const std::byte> mine, int root = 0) const;
  /// The same on every rank.
  std::vector<std::vector<std::byte>> all_gather(std::span<const std::byte> mine) const;

  /// Agree on success: each rank passes its error text ("" when all is well) and exit code; if any rank
  /// failed, every rank throws the same Error, with the text of the lowest failing rank (its number named).
  void agree(const std::string& error, int exit_code) const;

 private:
  MPI_Comm comm_ = MPI_COMM_NULL;
  int rank_ = 0, size_ = 1;
};

/// Run `work` on every rank and make its failure everybody's: a throw on any rank becomes the same throw on
/// all.
template <class Work>
void together(const Communicator& world, Work&& work);

}  // namespace bitdarts::comm

#include "comm/together.hpp"
