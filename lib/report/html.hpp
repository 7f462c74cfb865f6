#pragma once
#include <string>
#include <vector>

namespace bitdarts::report {

/// Text as it may stand in HTML and SVG, between tags and in quoted attributes. What is not UTF-8, and
/// control characters, become U+FFFD.
std::string escaped(const std::string& text);

/// A table of plain text; the first column left, the others right. Classes are given to whole rows.
struct HtmlTable {
  struct Row {
    std::vector<std::string> cells;
    std::string css_class;
  };
  std::vector<std::string> header;
  std::vector<Row> rows;
};
std::string to_html(const HtmlTable& table);

/// A section of the page with a heading that can be linked to.
std::string section(const std::string& id, const std::string& title, const std::string& body);
/// A picture with a title above it and words under it, each optional; empty without a picture.
std::string figure(const std::string& picture, const std::string& title, const std::string& caption = {});
/// Something that is folded until it is clicked; `body` is HTML.
std::string folded(const std::string& summary, const std::string& body);

/// The whole page: inline style, no script, nothing from elsewhere.
std::string page(const std::string& title, const std::string& body);

/// The style sheet (style.cpp): light and dark by the reader's preference, light on paper.
std::string style_sheet();

}  // namespace bitdarts::report
