#include "comm/communicator.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string_view>

#include "core/error.hpp"

namespace bitdarts::comm {
namespace {

// MPI counts are int; pieces of this size keep every call far from that limit.
constexpr std::size_t piece_bytes = std::size_t{1} << 30;

template <class T, class Call>
void in_pieces(std::span<T> data, Call&& call) {
  constexpr std::size_t most = piece_bytes / sizeof(T);
  for (std::size_t at = 0; at < data.size(); at += most) {
    const auto piece = data.subspan(at, std::min(most, data.size() - at));
    call(piece.data(), static_cast<int>(piece.size()));
  }
}

// MPI_MAX leaves open what happens with NaN and with zeros of different sign, and so which bits come out.
void larger_of(void* in, void* inout, int* count, MPI_Datatype*) {
  const double* theirs = static_cast<const double*>(in);
  double* ours = static_cast<double*>(inout);
  for (int i = 0; i < *count; ++i) {
    const double a = theirs[i], b = ours[i];
    if (std::isnan(a) || std::isnan(b)) {
      ours[i] = std::numeric_limits<double>::quiet_NaN();
    } else if (b < a || (a == b && std::signbit(b))) {
      ours[i] = a;
    }
  }
}

[[noreturn]] void throw_with_code(const std::string& text, int exit_code) {
  switch (static_cast<ExitCode>(exit_code)) {
    case ExitCode::bad_configuration:
      throw ConfigError(text);
    case ExitCode::bad_input:
      throw InputError(text);
    case ExitCode::interrupted:
      throw Interrupted(text);
    default:
      throw Error(text);
  }
}

}  // namespace

void check_mpi(int code, const char* call, const char* file, int line) {
  if (code == MPI_SUCCESS) return;
  char text[MPI_MAX_ERROR_STRING] = "unknown error";
  int length = 0;
  MPI_Error_string(code, text, &length);
  int rank = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  const std::string_view expression = call;
  const std::string function(expression.substr(0, expression.find('(')));
  throw Error(function + " failed: " + text,
              std::string(file) + ":" + std::to_string(line) + ", rank " + std::to_string(rank));
}

MpiSession::MpiSession(int& argc, char**& argv) {
  int provided = 0;
  // Compute threads exist beside the one that calls MPI.
  BITDARTS_MPI(MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &provided));
  BITDARTS_MPI(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN));
}

MpiSession::~MpiSession() { MPI_Finalize(); }

Communicator::Communicator(MPI_Comm original) {
  BITDARTS_MPI(MPI_Comm_dup(original, &comm_));
  BITDARTS_MPI(MPI_Comm_set_errhandler(comm_, MPI_ERRORS_RETURN));
  BITDARTS_MPI(MPI_Comm_rank(comm_, &rank_));
  BITDARTS_MPI(MPI_Comm_size(comm_, &size_));
}

Communicator::~Communicator() {
  int finalized = 0;
  MPI_Finalized(&finalized);
  if (!finalized && comm_ != MPI_COMM_NULL) MPI_Comm_free(&comm_);
}

void Communicator::barrier() const { BITDARTS_MPI(MPI_Barrier(comm_)); }

void Communicator::broadcast(std::span<std::byte> data, int root) const {
  in_pieces(data, [&](std::byte* piece, int count) {
    BITDARTS_MPI(MPI_Bcast(piece, count, MPI_BYTE, root, comm_));
  });
}

std::string Communicator::broadcast_text(const std::string& text, int root) const {
  std::uint64_t length = text.size();
  BITDARTS_MPI(MPI_Bcast(&length, 1, MPI_UINT64_T, root, comm_));
  std::string everybodys = rank_ == root ? text : std::string(length, '\0');
  broadcast(std::as_writable_bytes(std::span(everybodys)), root);
  return everybodys;
}

void Communicator::max_in_place(std::span<double> data) const {
  MPI_Op larger = MPI_OP_NULL;
  BITDARTS_MPI(MPI_Op_create(larger_of, 1, &larger));
  in_pieces(data, [&](double* piece, int count) {
    BITDARTS_MPI(MPI_Allreduce(MPI_IN_PLACE, piece, count, MPI_DOUBLE, larger, comm_));
  });
  BITDARTS_MPI(MPI_Op_free(&larger));
}

std::int64_t Communicator::max(std::int64_t value) const {
  BITDARTS_MPI(MPI_Allreduce(MPI_IN_PLACE, &value, 1, MPI_INT64_T, MPI_MAX, comm_));
  return value;
}

std::int64_t Communicator::sum(std::int64_t value) const {
  BITDARTS_MPI(MPI_Allreduce(MPI_IN_PLACE, &value, 1, MPI_INT64_T, MPI_SUM, comm_));
  return value;
}

std::vector<std::vector<std::byte>> Communicator::gather(std::span<const std::byte> mine, int root) const {
  const std::uint64_t my_size = mine.size();
  std::vector<std::uint64_t> sizes(static_cast<std::size_t>(size_));
  BITDARTS_MPI(MPI_Gather(&my_size, 1, MPI_UINT64_T, sizes.data(), 1, MPI_UINT64_T, root, comm_));
  if (rank_ != root) {
    // Rank by rank instead of MPI_Gatherv, whose int displacements end at 2 GiB for all ranks together.
    in_pieces(mine, [&](const std::byte* piece, int count) {
      BITDARTS_MPI(MPI_Send(piece, count, MPI_BYTE, root, 0, comm_));
    });
    return {};
  }
  std::vector<std::vector<std::byte>> all(sizes.size());
  for (int rank = 0; rank < size_; ++rank) {
    auto& theirs = all[static_cast<std::size_t>(rank)];
    if (rank == root) {
      theirs.assign(mine.begin(), mine.end());
      continue;
    }
    theirs.resize(sizes[static_cast<std::size_t>(rank)]);
    in_pieces(std::span(theirs), [&](std::byte* piece, int count) {
      BITDARTS_MPI(MPI_Recv(piece, count, MPI_BYTE, rank, 0, comm_, MPI_STATUS_IGNORE));
    });
  }
  return all;
}

std::vector<std::vector<std::byte>> Communicator::all_gather(std::span<const std::byte> mine) const {
  const std::uint64_t my_size = mine.size();
  std::vector<std::uint64_t> sizes(static_cast<std::size_t>(size_));
  BITDARTS_MPI(MPI_Allgather(&my_size, 1, MPI_UINT64_T, sizes.data(), 1, MPI_UINT64_T, comm_));
  std::vector<std::vector<std::byte>> all(sizes.size());
  for (int rank = 0; rank < size_; ++rank) {
    auto& theirs = all[static_cast<std::size_t>(rank)];
    if (rank == rank_) {
      theirs.assign(mine.begin(), mine.end());
    } else {
      theirs.resize(sizes[static_cast<std::size_t>(rank)]);
    }
    broadcast(theirs, rank);
  }
  return all;
}

void Communicator::agree(const std::string& error, int exit_code) const {
  const bool failed = !error.empty() || exit_code != 0;
  int first_failing = failed ? rank_ : size_;
  BITDARTS_MPI(MPI_Allreduce(MPI_IN_PLACE, &first_failing, 1, MPI_INT, MPI_MIN, comm_));
  if (first_failing == size_) return;
  BITDARTS_MPI(MPI_Bcast(&exit_code, 1, MPI_INT, first_failing, comm_));
  std::string text = broadcast_text(error, first_failing);
  if (size_ > 1) text += "\n  rank:  " + std::to_string(first_failing) + " of " + std::to_string(size_);
  throw_with_code(text, exit_code);
}

}  // namespace bitdarts::comm
