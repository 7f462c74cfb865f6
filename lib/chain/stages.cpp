#include "chain/stages.hpp"

#include "core/error.hpp"

namespace bitdarts::chain {

using Times = Stage::Times;

const std::vector<Stage>& stages() {
  static const std::vector<Stage> table{
      {.name = "tokenize",
       .product = "tokens",
       .times = Times::once,
       .inputs = {},
       .sections = {"data", "tokenizer"},
       .purpose = "text to tokens.h5: trains a tokenizer, divides the documents, encodes them",
       .is_work = false},  // it loads SentencePiece, which LibTorch does not stand beside itself
      {.name = "pretrain",
       .product = "pretrained",
       .times = Times::once,
       .inputs = {"tokens"},
       .sections = {"model", "pretrain", "run"},
       .purpose = "tokens.h5 to pretrained.h5: trains the language model at full precision",
       .loss = "/metrics/train/loss",
       .learns = true},
      {.name = "reference",
       .product = "reference",
       .times = Times::spare,
       .inputs = {"tokens", "pretrained"},
       .sections = {"evaluate", "run"},
       .purpose =
           "pretrained.h5 to reference.h5: what evaluations of one model share, the full-precision model",
       .loss = "/reference@nll",
       .spares = "evaluate"},
      {.name = "search",
       .product = "searched",
       .times = Times::per_search,
       .inputs = {"tokens", "pretrained"},
       .sections = {"quantizer", "search", "run"},
       .purpose = "pretrained.h5 to searched.h5: finds a quantization scheme within a budget",
       .loss = "/metrics/search/outer_loss",
       .shown = "outer",
       .learns = true},
      {.name = "finetune",
       .product = "finetuned",
       .times = Times::per_scheme,
       .inputs = {"tokens", "pretrained", "searched"},
       .sections = {"quantizer", "finetune", "run"},
       .purpose = "a scheme and weights to finetuned.h5: trains the quantized model",
       .loss = "/metrics/train/loss",
       .learns = true},
      {.name = "evaluate",
       .product = "evaluation",
       .times = Times::per_scheme,
       .inputs = {"tokens", "pretrained", "finetuned"},
       .sections = {"evaluate", "run"},
       .purpose = "finetuned.h5 to evaluation.h5: measures quality and cost on the test part",
       .loss = "/evaluation@nll"},
      {.name = "report",
       .product = "",
       .times = Times::page,
       .inputs = {},
       .sections = {"report"},
       .purpose = "everything in a results directory to one HTML page, CSV files and a table",
       .is_work = false,
       .parallel = false}};
  return table;
}

const Stage* find_stage(const std::string& name) {
  for (const Stage& stage : stages())
    if (stage.name == name) return &stage;
  return nullptr;
}

const Stage& stage_called(const std::string& name) {
  if (const Stage* stage = find_stage(name)) return *stage;
  throw Error("no stage is called " + name);
}

const Stage& maker_of(const std::string& product_name) {
  const std::string kind = product_name.substr(0, product_name.find('-'));
  for (const Stage& stage : stages())
    if (!stage.product.empty() && stage.product == kind) return stage;
  throw Error("no stage makes a product called " + product_name);
}

std::string program_of(const Stage& stage) { return "bitdarts-" + stage.name; }

std::string file_of(const Stage& stage) {
  if (stage.product.empty()) throw Error("the stage " + stage.name + " makes no product");
  return stage.product + ".h5";
}

std::size_t position_of(const std::string& name) {
  return static_cast<std::size_t>(&stage_called(name) - stages().data());
}

std::vector<std::string> names_of_steps() {
  std::vector<std::string> names;
  for (const Stage& stage : stages())
    if (stage.times != Times::spare) names.push_back(stage.name);
  return names;
}

}  // namespace bitdarts::chain
