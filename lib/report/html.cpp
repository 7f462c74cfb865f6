#include "report/html.hpp"

#include <cstdint>

namespace bitdarts::report {
namespace {

const std::string replacement = "\xEF\xBF\xBD";  // U+FFFD

// Length of the valid UTF-8 sequence at `at`; 0 when there is none.
std::size_t sequence_length(const std::string& text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const unsigned first = byte(at);
  const std::size_t length = first < 0x80                    ? 1
                             : first >= 0xC2 && first < 0xE0 ? 2
                             : first >= 0xE0 && first < 0xF0 ? 3
                             : first >= 0xF0 && first < 0xF5 ? 4
                                                             : 0;
  for (std::size_t i = 1; i < length; ++i)
    if ((byte(at + i) & 0xC0) != 0x80) return 0;
  const unsigned second = byte(at + 1);
  // Overlong forms, surrogates, and what lies beyond Unicode.
  if ((first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F) ||
      (first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F))
    return 0;
  return length;
}

std::string cell(const std::string& tag, const std::string& text) {
  return "<" + tag + ">" + escaped(text) + "</" + tag + ">";
}

}  // namespace

std::string escaped(const std::string& text) {
  std::string result;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = sequence_length(text, at);
    const char c = text[at];
    if (length == 0 || (static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t') || c == 0x7F)
      result += replacement;
    else if (c == '&')
      result += "&amp;";
    else if (c == '<')
      result += "&lt;";
    else if (c == '>')
      result += "&gt;";
    else if (c == '"')
      result += "&quot;";
    else if (c == '\'')
      result += "&#39;";
    else
      result += text.substr(at, length);
    at += length == 0 ? 1 : length;
  }
  return result;
}

std::string to_html(const HtmlTable& table) {
  std::string html = "<div class=\"scroll\"><table>\n<thead><tr>";
  for (const std::string& title : table.header) html += cell("th", title);
  html += "</tr></thead>\n<tbody>\n";
  for (const HtmlTable::Row& row : table.rows) {
    html += row.css_class.empty() ? "<tr>" : "<tr class=\"" + escaped(row.css_class) + "\">";
    for (const std::string& text : row.cells) html += cell("td", text);
    html += "</tr>\n";
  }
  return html + "</tbody></table></div>\n";
}

std::string section(const std::string& id, const std::string& title, const std::string& body) {
  return "<section id=\"" + id + "\">\n<h2>" + escaped(title) + "</h2>\n" + body + "</section>\n";
}

std::string figure(const std::string& picture, const std::string& title, const std::string& caption) {
  if (picture.empty()) return {};
  const std::string heading = title.empty() ? "" : "<h3>" + escaped(title) + "</h3>\n";
  return "<figure>\n" + heading + picture +
         (caption.empty() ? "" : "<figcaption>" + escaped(caption) + "</figcaption>\n") + "</figure>\n";
}

std::string folded(const std::string& summary, const std::string& body) {
  return "<details><summary>" + escaped(summary) + "</summary>\n" + body + "</details>\n";
}

std::string page(const std::string& title, const std::string& body) {
  return "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
         "<meta name=\"color-scheme\" content=\"light dark\">\n<title>" +
         escaped(title) + "</title>\n<style>\n" + style_sheet() + "</style>\n</head>\n<body>\n<main>\n" +
         body + "</main>\n</body>\n</html>\n";
}

}  // namespace bitdarts::report
