#pragma once
#include <string>

namespace bitdarts::report {

/// What gnuplot writes to its standard output for a script. Error when gnuplot is not installed, ends with
/// another code than 0 (its own message is in the error), or writes nothing.
std::string run_gnuplot(const std::string& script);

/// A text as a gnuplot string constant: quoted, on one line.
std::string gnuplot_quoted(const std::string& text);

/// gnuplot's SVG as a part of an HTML page: no XML header, no unused definitions, ids that begin with `name`,
/// a title for readers that cannot see, and the colours rgb(1, 0, n) replaced by the page's CSS variables
/// (see chart.cpp).
std::string inline_svg(const std::string& svg, const std::string& name, const std::string& title);

}  // namespace bitdarts::report
