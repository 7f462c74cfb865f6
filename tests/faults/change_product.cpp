// change_product IN OUT [EDIT...]: publishes a copy of a bitdarts file with something changed in it, and a
// content hash that is right, so that what reads it is tested behind that hash. Prints what it changed.
// Without an edit the copy is the same.
//
//   seed=N               one to three changes drawn from N
//   set=DATASET:I:VALUE  element I of a numeric dataset
//   fill=DATASET:VALUE   all of them
//   attribute=OBJECT:NAME:VALUE   a whole-number or real attribute keeps its type
//   drop=DATASET
//   strange=KIND         see strange_structures.cpp; the hash stays that of the file without it
#include <cstring>
#include <iostream>
#include <limits>
#include <random>
#include <stdexcept>

#include "product_content.hpp"
#include "strange_structures.hpp"

using namespace bitdarts;
using store::ElementType;

namespace {

// Changes drawn from a seed.
class Chance {
 public:
  Chance(Content& content, std::uint64_t seed) : content_(content), random_(seed) {}

  void change() {
    const auto dice = below(10);
    if (dice < 6 && !content_.datasets.empty()) return change_dataset();
    if (dice < 9 && !content_.attributes.empty()) return change_attribute();
    change_provenance();
  }

 private:
  std::uint64_t below(std::uint64_t n) { return n == 0 ? 0 : random_() % n; }
  bool coin() { return below(2) == 0; }

  double evil_real() {
    constexpr double values[] = {std::numeric_limits<double>::quiet_NaN(),
                                 std::numeric_limits<double>::infinity(),
                                 -std::numeric_limits<double>::infinity(),
                                 0,
                                 -0.0,
                                 -1,
                                 1e30,
                                 -1e30,
                                 1e-40,
                                 3.4e38,
                                 0.5};
    return values[below(std::size(values))];
  }
  std::int64_t evil_count(std::int64_t now) {
    const std::int64_t values[] = {0,
                                   -1,
                                   1,
                                   2,
                                   now + 1,
                                   now - 1,
                                   now * 2,
                                   now / 2,
                                   1 << 16,
                                   std::int64_t{1} << 31,
                                   std::int64_t{1} << 40,
                                   std::numeric_limits<std::int64_t>::max(),
                                   std::numeric_limits<std::int64_t>::min()};
    return values[below(std::size(values))];
  }
  double evil_element(const Dataset& d) {
    const bool real = d.type == ElementType::float32 || d.type == ElementType::float64;
    return real ? evil_real() : static_cast<double>(evil_count(static_cast<std::int64_t>(below(1000))));
  }
  void tell(const std::string& what) { std::cout << what << "\n"; }

  void change_dataset() {
    const std::size_t index = below(content_.datasets.size());
    Dataset& d = content_.datasets[index];
    if (d.type == ElementType::text && below(8) > 0) {
      tell(d.name + ": text");
      std::string text(reinterpret_cast<const char*>(d.bytes.data()), d.bytes.size());
      text = changed_text(std::move(text));
      d.bytes.assign(reinterpret_cast<const std::byte*>(text.data()),
                     reinterpret_cast<const std::byte*>(text.data()) + text.size());
      return;
    }
    switch (below(10)) {
      case 0:
        tell(d.name + ": dropped");
        content_.datasets.erase(content_.datasets.begin() + static_cast<std::ptrdiff_t>(index));
        return;
      case 1:
        if (d.shape.empty() || d.type == ElementType::text) return;
        tell(d.name + ": resized");
        return resize(d);
      case 2: {
        if (d.type == ElementType::text) return;
        tell(d.name + ": other dimensions");
        auto shape = d.shape;
        if (shape.size() > 1 && coin())
          std::swap(shape[0], shape[1]);
        else if (coin())
          shape.insert(shape.begin(), 1);
        else
          shape = {d.elements()};
        return reshape(d, shape);
      }
      case 3: {
        constexpr ElementType types[] = {ElementType::float32, ElementType::float64, ElementType::uint8,
                                         ElementType::uint16,  ElementType::int32,   ElementType::uint32,
                                         ElementType::int64,   ElementType::uint64};
        if (d.type == ElementType::text) return;
        tell(d.name + ": other type");
        return convert(d, types[below(std::size(types))]);
      }
      case 4:
        tell(d.name + ": all elements");
        return set_elements(d, 0, d.elements(), evil_element(d));
      case 5:
        tell(d.name + ": bytes");
        for (std::uint64_t i = below(d.bytes.size() + 1), n = 0; i < d.bytes.size() && n < 64; ++i, ++n)
          d.bytes[i] = static_cast<std::byte>(below(256));
        return;
      case 6:
        return splice(d);
      case 7:
        tell(d.name + ": renamed");
        d.name += coin() ? "x" : "/x";
        return;
      default: {
        const auto at = below(d.elements());
        tell(d.name + ": element " + std::to_string(at));
        return set_elements(d, at, 1, evil_element(d));
      }
    }
  }

  void resize(Dataset& d) {
    auto shape = d.shape;
    auto& n = shape[below(shape.size())];
    const std::uint64_t sizes[] = {0, n > 0 ? n - 1 : 0, n + 1, 2 * n, n / 2, 1};
    n = sizes[below(std::size(sizes))];
    reshape(d, shape);
  }

  void splice(Dataset& d) {
    const Dataset& other = content_.datasets[below(content_.datasets.size())];
    tell(d.name + ": bytes of " + other.name);
    const auto n = std::min(d.bytes.size(), other.bytes.size());
    if (n > 0 && &other != &d) std::memcpy(d.bytes.data(), other.bytes.data(), n);
  }

  std::string changed_text(std::string text) {
    const std::string pieces[] = {
        "",         "99999999999999999999", "-1",     std::string(5000, '*'), "\n", "fp32", "lsq+:99", "nan",
        "\xff\xfe", std::string(1, '\0'),   "lsq+:4 "};
    for (auto n = 1 + below(4); n > 0; --n) {
      const auto at = below(text.size() + 1), length = below(20);
      if (coin())
        text.replace(at, length, pieces[below(std::size(pieces))]);
      else if (at < text.size())
        text[at] = static_cast<char>(below(256));
    }
    return text;
  }

  void change_attribute() {
    const std::size_t index = below(content_.attributes.size());
    Attribute& a = content_.attributes[index];
    tell(a.object + "@" + a.name);
    if (below(8) == 0) {
      content_.attributes.erase(content_.attributes.begin() + static_cast<std::ptrdiff_t>(index));
    } else if (below(8) == 0) {
      if (std::holds_alternative<std::int64_t>(a.value))
        a.value = 1.5;
      else
        a.value = std::int64_t{1};
    } else if (auto* count = std::get_if<std::int64_t>(&a.value)) {
      *count = evil_count(*count % (std::int64_t{1} << 40));
    } else if (auto* real = std::get_if<double>(&a.value)) {
      *real = evil_real();
    } else {
      auto& text = std::get<std::string>(a.value);
      text = changed_text(text);
    }
  }

  void change_provenance() {
    auto& p = content_.provenance;
    tell("/provenance");
    switch (below(5)) {
      case 0:
        p.stage = coin() ? "search" : changed_text(p.stage);
        return;
      case 1:
        p.schema_version = evil_count(p.schema_version);
        return;
      case 2:
        p.key = changed_text(p.key);
        return;
      case 3:
        p.configuration = changed_text(p.configuration);
        return;
      default:
        for (auto& input : p.inputs) input.content_hash = changed_text(input.content_hash);
    }
  }

  Content& content_;
  std::mt19937_64 random_;
};

Dataset& find(Content& content, const std::string& name) {
  for (auto& d : content.datasets)
    if (d.name == name) return d;
  throw std::runtime_error("there is no dataset " + name);
}

std::vector<std::string> parts_of(const std::string& text) {
  std::vector<std::string> parts(1);
  for (const char c : text) {
    if (c == ':')
      parts.emplace_back();
    else
      parts.back() += c;
  }
  return parts;
}

void apply(Content& content, const std::string& edit) {
  const auto equals = edit.find('=');
  const std::string what = edit.substr(0, equals);
  const auto parts = parts_of(edit.substr(equals + 1));
  if (what == "seed") {
    const auto seed = std::stoull(parts[0]);
    Chance chance(content, seed);
    for (std::uint64_t n = 0; n <= seed % 3; ++n) chance.change();
  } else if (what == "set") {
    set_elements(find(content, parts.at(0)), std::stoull(parts.at(1)), 1, std::stod(parts.at(2)));
  } else if (what == "fill") {
    Dataset& d = find(content, parts.at(0));
    set_elements(d, 0, d.elements(), std::stod(parts.at(1)));
  } else if (what == "drop") {
    std::erase_if(content.datasets, [&](const Dataset& d) { return d.name == parts[0]; });
  } else if (what == "attribute") {
    for (auto& a : content.attributes) {
      if (a.object != parts.at(0) || a.name != parts.at(1)) continue;
      if (auto* count = std::get_if<std::int64_t>(&a.value))
        *count = std::stoll(parts.at(2));
      else if (auto* real = std::get_if<double>(&a.value))
        *real = std::stod(parts.at(2));
      else
        a.value = parts.at(2);
    }
  } else if (what != "strange") {
    throw std::runtime_error("unknown edit " + edit);
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc < 3) throw std::runtime_error("usage: change_product IN OUT [EDIT...]");
    Content content = read_content(argv[1]);
    for (int i = 3; i < argc; ++i) apply(content, argv[i]);
    publish_content(argv[2], content);
    for (int i = 3; i < argc; ++i) {
      const std::string edit = argv[i];
      if (edit.starts_with("strange=")) add_strange_structure(argv[2], edit.substr(8));
    }
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "change_product: error: " << error.what() << "\n";
    return 1;
  }
}
