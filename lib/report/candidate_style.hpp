#pragma once
#include <string>
#include <vector>

#include "quant/candidate.hpp"

namespace bitdarts::report {

// How a candidate looks, everywhere in the page, in SVG. Bits are lightness (few: light, many: dark, one step
// per doubling) and a number; the method is a letter in a shape, and a hatching: neither needs colour vision.

/// "#41b6c4".
std::string fill_of(int bits);
/// Black or white, whichever reads better on fill_of(bits).
std::string ink_on(int bits);

/// "L", "P", "U"; "F" for the identity.
std::string letter_of(quant::Method method);

/// The hatchings of these candidates, to be defined once in a picture; `prefix` keeps the pictures of a page
/// apart.
std::string hatching_definitions(const std::vector<quant::Candidate>& candidates, const std::string& prefix);
/// An SVG fill: fill_of(bits), under a hatching where the method has one.
std::string fill_of(const quant::Candidate& candidate, const std::string& prefix);

/// The method's shape with its letter, centred at (x, y), `size` high.
std::string glyph(quant::Method method, double x, double y, double size);

/// All candidates in the order in which pictures stack them: by bits, then by method.
std::vector<quant::Candidate> stacking_order(std::vector<quant::Candidate> candidates);

/// SVG numbers: at most one decimal.
std::string svg_number(double value);

/// A row of samples with names ("4 bits", "lsq+") for the bits and the methods of these candidates.
std::string candidate_legend(const std::vector<quant::Candidate>& candidates, const std::string& prefix);

}  // namespace bitdarts::report
