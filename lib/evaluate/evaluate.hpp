#pragma once
#include "stage/stage.hpp"

namespace bitdarts::evaluate {

/// The evaluate stage (METHOD section 7): tokens.h5 + pretrained.h5 + finetuned.h5 -> evaluation.h5. Reads
/// the test part and nothing else. What is measured is the model unpacked from the bytes that the product
/// holds; it must predict what the fake-quantized one does, bit for bit. Where a reference.h5 of the same
/// inputs and options lies beside them, the full-precision model's hidden states are taken from there; the
/// product has the same bits and key either way. Short enough to need no checkpoint: interrupted, it starts
/// over.
///
/// Product: /packed/<layer>, /scheme, /evaluation/window_nll [windows] (nats), /evaluation/window_tokens
/// [windows] (tokens scored; only where they are not the same in all); attributes of /evaluation:
///   protocol, scheme, from    text: how the test part was read, which scheme, from which weights it was
///     finetuned
///   strategy, budget, chosen  text, as /finetune has them; absent where it has not
///   tokens, windows, bytes    tokens scored, and the bytes of text that bits per byte are counted over
///   nll, perplexity, bits_per_byte    nats per token; document ends are tokens, but no bytes
///   full_precision_{nll,perplexity,bits_per_byte}  of pretrained.h5
///   kl_divergence, top1_agreement     mean KL(full precision || quantized) in nats per token; share of
///     tokens
///   packed_logits_equal, packed_max_difference, packed_windows_compared  1, 0 and on how many windows
///   mean_weight_bits, ..., weight_compression_ratio  see Accounting
///   mean_input_bits, bops_ratio, bops_ratio_all, size_ratio  see quant::SchemeSummary; bops_ratio_all counts
///     an unquantized output head at 32 x 32, and neither counts attention's products of activations
void run_evaluate(const stage::Context& context, stage::Run& run);

}  // namespace bitdarts::evaluate
