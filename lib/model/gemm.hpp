#pragma once
#include <cstdint>

namespace bitdarts::model {

enum class Transpose { no, yes };

/// C [m, n] = alpha op(A) op(B) + beta C, row-major, by the BLAS that bitdarts is linked with
/// (BitdartsBlas.cmake). `lda`, `ldb`, `ldc`: elements from one row to the next of A, B and C as they are
/// stored. With beta = 0 what C held is not read.
void gemm(Transpose a_is, Transpose b_is, std::int64_t m, std::int64_t n, std::int64_t k, float alpha,
          const float* a, std::int64_t lda, const float* b, std::int64_t ldb, float beta, float* c,
          std::int64_t ldc);
void gemm(Transpose a_is, Transpose b_is, std::int64_t m, std::int64_t n, std::int64_t k, double alpha,
          const double* a, std::int64_t lda, const double* b, std::int64_t ldb, double beta, double* c,
          std::int64_t ldc);

}  // namespace bitdarts::model
