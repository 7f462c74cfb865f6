#pragma once
#include "quant/bank.hpp"
#include "store/file.hpp"

namespace bitdarts::quant {

/// /quant/<layer>/{weight,input}/: candidates (text, one a line), alpha and probability [n], step, clip,
/// maximum [n, channels] (NaN where a candidate has none), offset [n]. Layers that share an input quantizer
/// each carry a copy.
void save_bank(store::File& file, const Bank& bank);

/// Fills theta (and alpha, where the file has the same candidates) of a bank from a file; each site's
/// candidates must all be among those the file has for that layer. Returns false, with the bank unchanged,
/// when a site or candidate is not in the file.
bool load_bank(const store::File& file, Bank& bank);

/// α, θ as plain arrays for checkpoints: /state/{alpha,theta}.
void save_bank_state(store::File& file, const Bank& bank);
void load_bank_state(const store::File& file, Bank& bank);

/// The ranges and offsets of `from` for every candidate of `to` that `from` has at the same layer and role;
/// others keep their values.
void transfer_ranges(const Bank& from, Bank& to);

/// In `group`: the table as text, and attributes bops_ratio, size_ratio, mean_weight_bits, mean_input_bits.
void save_scheme(store::File& file, const Scheme& scheme, std::span<const LayerShape> layers,
                 const std::string& group = "/scheme");
Scheme load_scheme(const store::File& file, const std::vector<LayerShape>& layers,
                   const std::string& group = "/scheme");

}  // namespace bitdarts::quant
