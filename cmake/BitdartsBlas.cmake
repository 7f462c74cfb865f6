# LibTorch resolves its BLAS through libblas.so.3, and attention and the loss multiply with it as well. Debian lets the administrator choose that
# file for the whole machine; bitdarts chooses for its own processes only, by listing the
# OpenMP build of OpenBLAS first in the run path of its executables. (The pthread build
# ignores OMP_NUM_THREADS and oversubscribes the ranks; the reference BLAS is 50 times slower.)
set(BITDARTS_BLAS_DIR "" CACHE PATH
    "Directory of the libblas.so.3 that bitdarts executables load (empty: look for OpenBLAS/OpenMP)")
if(NOT BITDARTS_BLAS_DIR)
  find_path(BITDARTS_OPENBLAS_OPENMP_DIR libblas.so.3
    PATHS /usr/lib/${CMAKE_LIBRARY_ARCHITECTURE}/openblas-openmp /usr/lib64/openblas-openmp
    NO_DEFAULT_PATH)
  if(BITDARTS_OPENBLAS_OPENMP_DIR)
    set(BITDARTS_BLAS_DIR ${BITDARTS_OPENBLAS_OPENMP_DIR})
  endif()
endif()

add_library(bitdarts_blas INTERFACE)
if(BITDARTS_BLAS_DIR)
  message(STATUS "BLAS of the bitdarts processes: ${BITDARTS_BLAS_DIR}")
  target_link_options(bitdarts_blas INTERFACE
    -Wl,--no-as-needed ${BITDARTS_BLAS_DIR}/libblas.so.3 -Wl,--as-needed
    -Wl,--disable-new-dtags -Wl,-rpath,${BITDARTS_BLAS_DIR})
else()
  # libblas.so.3 is the one that Debian's LibTorch loads.
  find_library(BITDARTS_BLAS_LIBRARY NAMES libblas.so.3 openblas mkl_rt blis blas)
  if(NOT BITDARTS_BLAS_LIBRARY)
    message(FATAL_ERROR "No BLAS found, which attention and the output's loss multiply with: install "
                        "libopenblas0-openmp, or set BITDARTS_BLAS_DIR to the directory of a libblas.so.3, or "
                        "BITDARTS_BLAS_LIBRARY to any library with sgemm_ and dgemm_.")
  endif()
  target_link_libraries(bitdarts_blas INTERFACE ${BITDARTS_BLAS_LIBRARY})
  message(WARNING "No OpenBLAS (OpenMP build) found: matrix products run on ${BITDARTS_BLAS_LIBRARY}. "
                  "Install libopenblas0-openmp or set BITDARTS_BLAS_DIR.")
endif()
