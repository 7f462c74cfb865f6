#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "quant/candidate.hpp"

namespace bitdarts::quant {

/// A linear layer as the search sees it. MACs are per token: out_features * in_features.
struct LayerShape {
  std::string name;  ///< public Llama name without ".weight": "model.layers.0.self_attn.q_proj"
  std::int64_t out_features = 0, in_features = 0;
  std::string reads{};  ///< what it reads: layers with equal text can share a quantizer; empty: nobody else
  std::int64_t parameters() const { return out_features * in_features; }
  std::int64_t macs() const { return parameters(); }
};

struct SchemeEntry {
  std::string layer;
  Candidate weight, input;
  bool operator==(const SchemeEntry&) const = default;
};

/// The discrete choice for every quantized layer, in layer order.
struct Scheme {
  std::vector<SchemeEntry> entries;
  bool operator==(const Scheme&) const = default;
};

/// The table people read, write and pass to finetune: a "# layer weight input" comment line, then one line
/// per layer, columns aligned, separated by blanks, '#' comments. Layer names may end in '*' or '?' globs
/// when read (first match wins, every layer must be matched).
std::string to_table(const Scheme& scheme);
/// ConfigError with `where` and line: unknown layer (nearest name suggested), missing layer, bad candidate,
/// wrong column count.
Scheme parse_table(const std::string& text, const std::vector<LayerShape>& layers, const std::string& where);

/// A table as to_table() writes it, without knowing the layers: its lines as they stand. ConfigError as
/// above.
Scheme parse_rows(const std::string& text, const std::string& where);

/// "uniform:lsq+:w4a8" -> every layer lsq+:4 / lsq+:8; widths 2..16 or 32 (= fp32).
bool is_uniform_shorthand(const std::string& text);
Scheme parse_uniform(const std::string& text, const std::vector<LayerShape>& layers);

}  // namespace bitdarts::quant
