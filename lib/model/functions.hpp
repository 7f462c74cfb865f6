#pragma once
#include "model/torch.hpp"

namespace bitdarts::model {

/// Root-mean-square norm (Zhang & Sennrich 2019): x / sqrt(mean(x^2) + eps) * weight over the last dimension.
/// x [rows, width].
at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& weight, double eps);

/// Rotary position embedding (Su et al. 2021) in the half-split layout of the public Llama checkpoints. x
/// [batch, time, heads, size]
/// -> [batch, heads, time, size]; cosine, sine [time, size] contiguous.
at::Tensor apply_rotary(const at::Tensor& x, const at::Tensor& cosine, const at::Tensor& sine);

/// Mean negative log-likelihood [nats per token] of `targets` [n] under `logits` [n, vocab].
at::Tensor cross_entropy(const at::Tensor& logits, const at::Tensor& targets);

/// The same two in plain tensor operations: what the tests hold the kernels to, and what runs on other
/// devices.
namespace reference {
at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& weight, double eps);
at::Tensor apply_rotary(const at::Tensor& x, const at::Tensor& cosine, const at::Tensor& sine);
}  // namespace reference

}  // namespace bitdarts::model
