#pragma once
#include "model/attention.hpp"
#include "model/torch.hpp"

namespace bitdarts::model {

// The network's functions besides matrix products, as autograd functions over kernels that read and write
// once. All take contiguous tensors or make them so; Error if sizes do not fit together.

/// Root-mean-square norm (Zhang & Sennrich 2019): x / sqrt(mean(x^2) + eps) * weight over the last dimension.
/// x [rows, width].
at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& weight, double eps);

/// Causal softmax attention of queries and keys that are turned by the rotary position embedding (Su et al.
/// 2021) in the half-split layout of the public Llama checkpoints. q [batch time, heads size], k, v [batch
/// time, kv_heads size] -> [batch time, heads size]; cosine, sine [time, size] contiguous.
at::Tensor rotary_attention(const AttentionShape& shape, const at::Tensor& q, const at::Tensor& k,
                            const at::Tensor& v, const at::Tensor& cosine, const at::Tensor& sine);

/// gate sigmoid(gate) up (SwiGLU, Shazeer 2020), element by element.
at::Tensor swiglu(const at::Tensor& gate, const at::Tensor& up);

/// `weight` times the mean negative log-likelihood [nats per token] of `targets` [n] under the logits
/// hidden head^T: hidden [n, dim], head [vocab, dim]. The logits are made for some rows at a time, and so are
/// their gradients, in the forward pass: on the host there are never more than 2^21 of them, or 64 rows.
/// Error for a target that is not in the vocabulary.
at::Tensor linear_cross_entropy(const at::Tensor& hidden, const at::Tensor& head, const at::Tensor& targets,
                                double weight = 1);

/// The same in plain tensor operations: what the tests hold the kernels to, and what runs on other devices.
namespace reference {
at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& weight, double eps);
/// x [batch, time, heads, size] -> [batch, heads, time, size].
at::Tensor apply_rotary(const at::Tensor& x, const at::Tensor& cosine, const at::Tensor& sine);
at::Tensor rotary_attention(const AttentionShape& shape, const at::Tensor& q, const at::Tensor& k,
                            const at::Tensor& v, const at::Tensor& cosine, const at::Tensor& sine);
at::Tensor swiglu(const at::Tensor& gate, const at::Tensor& up);
at::Tensor linear_cross_entropy(const at::Tensor& hidden, const at::Tensor& head, const at::Tensor& targets,
                                double weight = 1);
}  // namespace reference

}  // namespace bitdarts::model
