#include "model/gemm.hpp"

#include <limits>
#include <string>

#include "core/error.hpp"

// The Fortran interface, which every BLAS has; Debian's cblas.h comes with some of them only.
extern "C" {
void sgemm_(const char* transa, const char* transb, const int* m, const int* n, const int* k,
            const float* alpha, const float* a, const int* lda, const float* b, const int* ldb,
            const float* beta, float* c, const int* ldc);
void dgemm_(const char* transa, const char* transb, const int* m, const int* n, const int* k,
            const double* alpha, const double* a, const int* lda, const double* b, const int* ldb,
            const double* beta, double* c, const int* ldc);
}

namespace bitdarts::model {
namespace {

int blas_size(std::int64_t n) {
  if (n > std::numeric_limits<int>::max())
    throw Error("a matrix of " + std::to_string(n) + " rows or columns is too large for BLAS");
  return static_cast<int>(n);
}

// BLAS counts columns first: what it takes for C transposed is C by rows, and (A B)^T = B^T A^T.
template <class Real, class Routine>
void call(Routine routine, Transpose a_is, Transpose b_is, std::int64_t m, std::int64_t n, std::int64_t k,
          Real alpha, const Real* a, std::int64_t lda, const Real* b, std::int64_t ldb, Real beta, Real* c,
          std::int64_t ldc) {
  const char first = b_is == Transpose::yes ? 'T' : 'N', second = a_is == Transpose::yes ? 'T' : 'N';
  const int rows = blas_size(n), columns = blas_size(m), inner = blas_size(k), first_stride = blas_size(ldb),
            second_stride = blas_size(lda), stride = blas_size(ldc);
  routine(&first, &second, &rows, &columns, &inner, &alpha, b, &first_stride, a, &second_stride, &beta, c,
          &stride);
}

}  // namespace

void gemm(Transpose a_is, Transpose b_is, std::int64_t m, std::int64_t n, std::int64_t k, float alpha,
          const float* a, std::int64_t lda, const float* b, std::int64_t ldb, float beta, float* c,
          std::int64_t ldc) {
  call(sgemm_, a_is, b_is, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

void gemm(Transpose a_is, Transpose b_is, std::int64_t m, std::int64_t n, std::int64_t k, double alpha,
          const double* a, std::int64_t lda, const double* b, std::int64_t ldb, double beta, double* c,
          std::int64_t ldc) {
  call(dgemm_, a_is, b_is, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

}  // namespace bitdarts::model
