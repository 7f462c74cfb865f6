# One set of compiler rules for every room.
add_library(bitdarts_options INTERFACE)
target_compile_options(bitdarts_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion
  # The same expression must give the same bits in every translation unit and on every
  # instruction set: no fused multiply-add that the source does not ask for.
  # Nobody here reads errno or traps after a square root; with them, loops that take one do not vectorise.
  -fno-math-errno -fno-trapping-math
  # A shared library calls its own functions directly.
  -fno-semantic-interposition
  -ffp-contract=off
  # GCC 12 sees overlaps in "text" + std::string that are not there (GCC bug 105651).
  $<$<AND:$<CXX_COMPILER_ID:GNU>,$<VERSION_LESS:$<CXX_COMPILER_VERSION>,13>>:-Wno-restrict>)
# Debian's LibTorch is built against the C++11 ABI of the system compiler; nothing to set here.
# The C interface of MPI only; the C++ one that some installations still declare would have to be linked.
# For every file alike, so that all can share one precompiled header.
add_compile_definitions(OMPI_SKIP_MPICXX MPICH_SKIP_MPICXX)
