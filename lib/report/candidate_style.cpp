#include "report/candidate_style.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <set>
#include <tuple>

#include "core/error.hpp"
#include "report/format.hpp"

namespace bitdarts::report {
namespace {

using quant::Method;
using Colour = std::array<double, 3>;

// ColorBrewer's YlGnBu at 2, 4, 8, 16 and 32 bits: lightness falls from each to the next.
constexpr std::array<Colour, 5> stops{
    {{255, 250, 205}, {178, 226, 182}, {65, 182, 196}, {34, 94, 168}, {8, 25, 80}}};

Colour colour_of(int bits) {
  const double at = std::clamp(std::log2(static_cast<double>(std::max(bits, 2))) - 1, 0.0, 4.0);
  const auto below = std::min<std::size_t>(static_cast<std::size_t>(at), stops.size() - 2);
  const double share = at - static_cast<double>(below);
  Colour colour;
  for (std::size_t k = 0; k < 3; ++k) colour[k] = (1 - share) * stops[below][k] + share * stops[below + 1][k];
  return colour;
}

// Relative luminance of WCAG 2.
double luminance(const Colour& colour) {
  const auto linear = [](double value) {
    const double c = value / 255;
    return c <= 0.04045 ? c / 12.92 : std::pow((c + 0.055) / 1.055, 2.4);
  };
  return 0.2126 * linear(colour[0]) + 0.7152 * linear(colour[1]) + 0.0722 * linear(colour[2]);
}

bool is_dark(int bits) {
  return luminance(colour_of(bits)) < 0.179;
}  // where black and white contrast equally

// How a method is drawn: what hatches its cells, if anything, and its shape around a point, `r` its radius.
struct Drawing {
  Method method;
  const char* hatching;  ///< null: plain
  std::string (*ink)(const std::string& colour);
  std::string (*shape)(double x, double y, double r);
  double letter_down, letter_size;  ///< of the letter in the shape, in radii and in sizes
};

std::string point(double x, double y) { return svg_number(x) + "," + svg_number(y) + " "; }

const std::array<Drawing, 4> drawings{{
    {Method::lsq_plus, nullptr, nullptr,
     [](double x, double y, double r) {
       return "<circle cx=\"" + svg_number(x) + "\" cy=\"" + svg_number(y) + "\" r=\"" + svg_number(r) + "\"";
     },
     0, 0.62},
    {Method::pact, "pact",
     [](const std::string& colour) {
       return "<path d=\"M-1,1 L1,-1 M0,5 L5,0 M4,6 L6,4\" stroke=\"" + colour +
              "\" stroke-width=\"1\" stroke-opacity=\"0.55\"/>";
     },
     [](double x, double y, double r) {
       return "<polygon points=\"" + point(x, y - 1.15 * r) + point(x + 1.2 * r, y + r) +
              point(x - 1.2 * r, y + r) + "\"";
     },
     0.35, 0.52},
    {Method::uniform, "uniform",
     [](const std::string& colour) {
       return "<circle cx=\"2.5\" cy=\"2.5\" r=\"1\" fill=\"" + colour + "\" fill-opacity=\"0.6\"/>";
     },
     [](double x, double y, double r) {
       return "<rect x=\"" + svg_number(x - 0.92 * r) + "\" y=\"" + svg_number(y - 0.92 * r) + "\" width=\"" +
              svg_number(1.84 * r) + "\" height=\"" + svg_number(1.84 * r) + "\"";
     },
     0, 0.62},
    {Method::identity, nullptr, nullptr,
     [](double x, double y, double r) {
       return "<polygon points=\"" + point(x, y - 1.2 * r) + point(x + 1.2 * r, y) + point(x, y + 1.2 * r) +
              point(x - 1.2 * r, y) + "\"";
     },
     0, 0.62},
}};

const Drawing& drawing_of(Method method) {
  for (const auto& drawing : drawings)
    if (drawing.method == method) return drawing;
  throw Error("pictures do not know how to draw the method " + quant::to_string(method));
}

const char* hatching_name(Method method) { return drawing_of(method).hatching; }

constexpr int sample_bits = 0;  // a hatching on white, for the legend

std::string pattern_id(Method method, int bits, const std::string& prefix) {
  return prefix + "-" + hatching_name(method) + "-" + std::to_string(bits);
}

std::string pattern(Method method, int bits, const std::string& prefix) {
  const std::string ink = bits == sample_bits ? "#000000" : ink_on(bits),
                    ground = bits == sample_bits ? "#ffffff" : fill_of(bits);
  return "<pattern id=\"" + pattern_id(method, bits, prefix) +
         "\" width=\"5\" height=\"5\" patternUnits=\"userSpaceOnUse\"><rect width=\"5\" height=\"5\" "
         "fill=\"" +
         ground + "\"/>" + drawing_of(method).ink(ink) + "</pattern>\n";
}

// A legend item: where it ends is where the next begins.
struct Legend {
  std::string drawn;
  double x = 0;
  void text(const std::string& words) {
    drawn += "<text x=\"" + svg_number(x) + "\" y=\"16\" class=\"small\">" + words + "</text>\n";
    x += 7.0 * static_cast<double>(display_width(words)) + 18;
  }
};

}  // namespace

std::string svg_number(double value) {
  std::string text = fixed(value, 1);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text;
}

std::string fill_of(int bits) {
  const Colour colour = colour_of(bits);
  char text[8];
  std::snprintf(text, sizeof text, "#%02x%02x%02x", static_cast<unsigned>(std::lround(colour[0])) & 255u,
                static_cast<unsigned>(std::lround(colour[1])) & 255u,
                static_cast<unsigned>(std::lround(colour[2])) & 255u);
  return text;
}

std::string ink_on(int bits) { return is_dark(bits) ? "#ffffff" : "#000000"; }

std::string letter_of(Method method) { return std::string(1, quant::traits(method).letter); }

std::string hatching_definitions(const std::vector<quant::Candidate>& candidates, const std::string& prefix) {
  std::set<std::pair<Method, int>> hatched;
  for (const auto& candidate : candidates) {
    if (hatching_name(candidate.method) == nullptr) continue;
    hatched.emplace(candidate.method, candidate.bits);
    hatched.emplace(candidate.method, sample_bits);
  }
  std::string text = "<defs>\n";
  for (const auto& [method, bits] : hatched) text += pattern(method, bits, prefix);
  return text + "</defs>\n";
}

std::string fill_of(const quant::Candidate& candidate, const std::string& prefix) {
  if (hatching_name(candidate.method) == nullptr) return fill_of(candidate.bits);
  return "url(#" + pattern_id(candidate.method, candidate.bits, prefix) + ")";
}

std::string glyph(Method method, double x, double y, double size) {
  const Drawing& drawing = drawing_of(method);
  const double r = size / 2, font = drawing.letter_size * size, text_y = y + drawing.letter_down * r;
  return drawing.shape(x, y, r) + " fill=\"#ffffff\" stroke=\"#101418\" stroke-width=\"1\"/><text x=\"" +
         svg_number(x) + "\" y=\"" + svg_number(text_y + 0.36 * font) + "\" font-size=\"" + svg_number(font) +
         "\" class=\"letter\" fill=\"#101418\">" + letter_of(method) + "</text>";
}

std::vector<quant::Candidate> stacking_order(std::vector<quant::Candidate> candidates) {
  std::stable_sort(candidates.begin(), candidates.end(), [](const auto& a, const auto& b) {
    return std::tuple(a.bits, a.method) < std::tuple(b.bits, b.method);
  });
  return candidates;
}

std::string candidate_legend(const std::vector<quant::Candidate>& candidates, const std::string& prefix) {
  std::set<int> widths;
  std::set<Method> methods;
  for (const auto& candidate : candidates) {
    widths.insert(candidate.bits);
    methods.insert(candidate.method);
  }
  Legend legend;
  for (const int bits : widths) {
    legend.drawn += "<rect x=\"" + svg_number(legend.x) +
                    "\" y=\"1\" width=\"30\" height=\"20\" rx=\"3\" fill=\"" + fill_of(bits) +
                    "\" class=\"cell\"/><text x=\"" + svg_number(legend.x + 15) +
                    "\" y=\"16.5\" class=\"bits\" font-size=\"14\" fill=\"" + ink_on(bits) + "\">" +
                    std::to_string(bits) + "</text>\n";
    legend.x += 36;
  }
  legend.x -= 1;
  legend.text("bits");
  for (const Method method : methods) {
    const std::string fill =
        hatching_name(method) == nullptr ? "#ffffff" : fill_of({method, sample_bits}, prefix);
    legend.drawn += "<rect x=\"" + svg_number(legend.x) +
                    "\" y=\"1\" width=\"34\" height=\"20\" rx=\"3\" class=\"cell\" fill=\"" + fill + "\"/>";
    legend.drawn += glyph(method, legend.x + 17, 11, 14);
    legend.x += 41;
    legend.text(quant::to_string(method) +
                (quant::has_codes(quant::traits(method)) ? "" : ": not quantized"));
  }
  return legend.drawn;
}

}  // namespace bitdarts::report
