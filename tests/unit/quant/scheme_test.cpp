// Candidates, schemes, costs and budgets as people write them.
#include "quant/scheme.hpp"

#include "catch.hpp"
#include "core/error.hpp"
#include "inputs.hpp"

using namespace quant_test;

namespace {

const std::vector<LayerShape> layers{{"model.layers.0.self_attn.q_proj", 8, 8},
                                     {"model.layers.0.mlp.up_proj", 24, 8},
                                     {"model.layers.1.self_attn.q_proj", 8, 8},
                                     {"lm_head", 100, 8}};

template <class Act>
std::string message_of(const Act& act) {
  try {
    act();
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "no ConfigError";
}
bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("every candidate reads back as it prints") {
  for (const auto& candidate : all_candidates()) CHECK(parse_candidate(to_string(candidate)) == candidate);
  CHECK(to_string({Method::lsq_plus, 4}) == "lsq+:4");
  CHECK(to_string(Candidate{}) == "fp32");
  CHECK(largest_code({Method::lsq_plus, 8}) == 127);
  CHECK(smallest_code({Method::lsq_plus, 8}) == -128);
  CHECK(smallest_code({Method::pact, 8}) == -127);
  CHECK(smallest_code({Method::uniform, 2}) == -1);
  CHECK_THROWS(largest_code({}));
}

TEST_CASE("a wrong candidate is refused with what is wrong") {
  for (const auto& [text, reason] :
       std::vector<std::pair<std::string, std::string>>{{"", "no width"},
                                                        {"lsq+", "no width"},
                                                        {"lsq:4", "write lsq+"},
                                                        {"dorefa:4", "unknown method 'dorefa'"},
                                                        {"pact:1", "outside 2 to 16"},
                                                        {"pact:17", "outside 2 to 16"},
                                                        {"pact:-4", "outside 2 to 16"},
                                                        {"pact:x", "whole number"},
                                                        {"pact:4.5", "whole number"},
                                                        {"pact:", "whole number"},
                                                        {"lsq+:32", "write fp32"},
                                                        {"fp32:4", "no width"}}) {
    CAPTURE(text);
    CHECK(contains(message_of([&] { parse_candidate(text); }), reason));
  }
  CHECK(contains(message_of([] { parse_candidates({"lsq+:4", "pact:4", "lsq+:4"}); }), "twice"));
  CHECK(contains(message_of([] { parse_candidates({}); }), "empty"));
  CHECK(parse_candidates(default_names).size() == 10);
}

TEST_CASE("a scheme reads back from its table") {
  Scheme scheme;
  for (const auto& layer : layers)
    scheme.entries.push_back({layer.name, {Method::lsq_plus, 4}, {Method::pact, 16}});
  scheme.entries[1].weight = {};
  const std::string table = to_table(scheme);
  CHECK(table.starts_with("# layer"));
  CHECK(contains(table, "\nmodel.layers.0.mlp.up_proj       fp32    pact:16\n"));
  CHECK(parse_table(table, layers, "here") == scheme);
  std::string windows;
  for (const char letter : table) windows += letter == '\n' ? std::string("\r\n") : std::string(1, letter);
  CHECK(parse_table(windows, layers, "here") == scheme);
}

TEST_CASE("in a table patterns stand for many layers and the first match wins") {
  const Scheme scheme = parse_table(
      "# comment\n\n  lm_head   fp32 uniform:8   # the head\n*.layers.?.self_attn.*  lsq+:3\tpact:5\r\n* "
      "pact:4 pact:4\n",
      layers, "hand.txt");
  CHECK(scheme.entries[0] == SchemeEntry{layers[0].name, {Method::lsq_plus, 3}, {Method::pact, 5}});
  CHECK(scheme.entries[1] == SchemeEntry{layers[1].name, {Method::pact, 4}, {Method::pact, 4}});
  CHECK(scheme.entries[2].weight == Candidate{Method::lsq_plus, 3});
  CHECK(scheme.entries[3] == SchemeEntry{"lm_head", {}, {Method::uniform, 8}});
}

TEST_CASE("a wrong table is refused with its line") {
  const std::string rest = "\n* fp32 fp32\n";
  const auto refusal = [](const std::string& text) {
    return message_of([&] { parse_table(text, layers, "hand.txt"); });
  };
  const std::string unknown = refusal("\nmodel.layers.0.self_attn.k_proj fp32 fp32" + rest);
  CHECK(contains(unknown, "hand.txt:2"));
  CHECK(contains(unknown, "model.layers.0.self_attn.q_proj"));
  CHECK(contains(refusal("lm_head fp32" + rest), "hand.txt:1"));
  CHECK(contains(refusal("lm_head fp32" + rest), "three columns"));
  CHECK(contains(refusal("lm_head fp32 fp32 fp32" + rest), "three columns"));
  CHECK(contains(refusal("lm_head fp32 lsq+:99" + rest), "hand.txt:1"));
  CHECK(contains(refusal("decoder.* fp32 fp32" + rest), "no layer matches"));
  CHECK(contains(refusal("lm_head fp32 fp32\nmodel.* fp32 fp32\nlm_head pact:4 pact:4\n"),
                 "line 1 has decided"));
  CHECK(contains(refusal("model.* fp32 fp32\n"), "lm_head"));
  CHECK(contains(refusal(""), "says nothing about layer"));
}

TEST_CASE("the shorthand gives every layer the same candidates") {
  CHECK(is_uniform_shorthand("uniform:lsq+:w4a8"));
  CHECK_FALSE(is_uniform_shorthand("schemes/mine.txt"));
  const Scheme scheme = parse_uniform("uniform:lsq+:w4a8", layers);
  CHECK(scheme.entries.size() == layers.size());
  for (const auto& entry : scheme.entries) {
    CHECK(entry.weight == Candidate{Method::lsq_plus, 4});
    CHECK(entry.input == Candidate{Method::lsq_plus, 8});
  }
  CHECK(parse_uniform("uniform:pact:w3a32", layers).entries[0].input == Candidate{});
  CHECK(parse_uniform("uniform:uniform:w2a16", layers).entries[0].weight == Candidate{Method::uniform, 2});
  for (const auto* const text :
       {"uniform:", "uniform:lsq+", "uniform:lsq+:", "uniform:lsq+:w4", "uniform:lsq+:4a8",
        "uniform:lsq+:w1a8", "uniform:best:w4a8", "uniform:best:w32a32", "uniform:lsq+:w4a8x",
        "uniform:lsq+:wa", "uniform:lsq+:w4a64", "lsq+:w4a8"})
    CHECK_THROWS_AS(parse_uniform(text, layers), ConfigError);
}

TEST_CASE("a pattern matches as a shell's would, whatever the number of its stars") {
  const auto chosen = [](const std::string& pattern) {  // by the first line; the rest falls to the second
    std::string names;
    const auto scheme = parse_table(pattern + " lsq+:4 lsq+:4\n* fp32 fp32", layers, "t");
    for (const auto& entry : scheme.entries) names += entry.weight == Candidate{} ? '-' : 'x';
    return names;
  };
  CHECK(chosen("*.0.*") == "xx--");
  CHECK(chosen("*q_proj") == "x-x-");
  CHECK(chosen("model.layers.?.self_attn.q_proj") == "x-x-");
  CHECK(chosen("*l*m*_*head*") == "---x");
  CHECK(chosen("**lm_head**") == "---x");
  CHECK(chosen("?*1*q_pro?") == "--x-");
  // Tried one after another these would take longer than the sun has.
  std::string many;
  for (int i = 0; i < 2000; ++i) many += "*o";
  CHECK(contains(message_of([&] { parse_table(many + "x fp32 fp32", layers, "t"); }), "no layer matches"));
}

TEST_CASE("a stored table is read without its layers, line by line") {
  const Scheme scheme = parse_uniform("uniform:lsq+:w4a8", layers);
  CHECK(parse_rows(to_table(scheme), "table") == scheme);
  CHECK(parse_rows("# nothing\n\n", "table").entries.empty());
  const std::string two_columns = message_of([] { parse_rows("a lsq+:4 fp32\nb lsq+:4\n", "table"); });
  CHECK(contains(two_columns, "table:2"));
  CHECK(contains(message_of([] { parse_rows("a lsq+:1 fp32\n", "table"); }), "outside 2 to 16"));
}
