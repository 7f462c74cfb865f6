#pragma once
/// What computes one element stands once, in headers that the compilers of hosts and of devices both take.
/// Such functions call nothing of the standard library, and are always inlined: a copy compiled for one
/// instruction set could otherwise be the one that the linker keeps for everyone.
#if defined(__CUDACC__) || defined(__HIPCC__)
#define BITDARTS_ELEMENT __host__ __device__ __forceinline__
#else
#define BITDARTS_ELEMENT inline __attribute__((always_inline))
#endif
