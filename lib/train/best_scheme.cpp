#include "train/best_scheme.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "chain/places.hpp"
#include "comm/together.hpp"
#include "config/scheme_word.hpp"
#include "core/error.hpp"
#include "model/model_file.hpp"
#include "quant/bank_file.hpp"
#include "quant/budget.hpp"

namespace bitdarts::train {
namespace {

struct Finetuned {
  std::string scheme;
  std::filesystem::path path;
  double loss = 0;
  std::int64_t cost = 0;
  bool affordable = true;
};

struct Choice {
  std::vector<Finetuned> all;
  std::int64_t full_cost = 1;
  const Finetuned* best = nullptr;

  double percent(std::int64_t cost) const {
    return 100 * static_cast<double>(cost) / static_cast<double>(full_cost);
  }
};

void read_all(const config::Config& config, const stage::Run& run, Choice& choice) {
  const auto shape = model::load_shape(store::File::open(run.input_path("pretrained")));
  const auto layers = model::make_layout(shape, config.quantizer.quantize_head).linears;
  const auto budget = quant::parse_budgets(config.search, config.quantizer, layers).front();
  choice.full_cost = quant::full_cost(budget.cost, layers);
  for (const std::string& scheme : config::baselines_of(config)) {
    const auto& path = run.input_path("finetuned-" + config::baseline_folder(scheme));
    const auto file = store::File::open(path);
    Finetuned one{.scheme = scheme, .path = path, .loss = file.required_double("/finetune", "final_loss")};
    one.cost = quant::scheme_cost(budget.cost, layers, quant::load_scheme(file, layers));
    one.affordable = !budget.capacity || one.cost <= *budget.capacity;
    choice.all.push_back(std::move(one));
  }
}

const Finetuned* best_of(const std::vector<Finetuned>& all) {
  const Finetuned* best = nullptr;
  for (const Finetuned& one : all) {
    if (!one.affordable || !std::isfinite(one.loss)) continue;
    if (best == nullptr || one.loss < best->loss || (one.loss == best->loss && one.cost < best->cost))
      best = &one;
  }
  return best;
}

std::string within(const config::SearchOptions& options) {
  return options.budget.empty() ? "" : " within " + options.budget.front();
}

std::string in_words(const Choice& choice) {
  std::string text;
  char line[120];
  for (const Finetuned& one : choice.all) {
    std::snprintf(line, sizeof line, ": validation loss %.4f, cost %.3f%%%s", one.loss,
                  choice.percent(one.cost), one.affordable ? "" : ", over the budget");
    text += "\n  " + one.scheme + line;
  }
  return text;
}

}  // namespace

void publish_best(const stage::Context& context, stage::Run& run) {
  Choice choice;
  comm::together(context.world, [&] {
    read_all(context.config, run, choice);
    choice.best = best_of(choice.all);
    if (choice.best == nullptr)
      throw InputError(
          "none of the finetuned schemes is" + within(context.config.search) + ":" + in_words(choice),
          chain::baselines_in(context.in).string(),
          "name one that is in report.baselines, or raise search.budget");
  });
  run.confirm_inputs();
  const Finetuned& best = *choice.best;
  run.publish([&](store::File& product) {
    store::copy_content(store::File::open(best.path), product);
    product.set_attribute("/finetune", "scheme", std::string("best"));
    product.set_attribute("/finetune", "chosen", best.scheme);
  });
  const auto affordable =
      std::count_if(choice.all.begin(), choice.all.end(), [](const auto& one) { return one.affordable; });
  char line[80];
  std::snprintf(line, sizeof line, ", validation loss %.4f, cost %.3f%%", best.loss,
                choice.percent(best.cost));
  context.console.result("finetune: best of " + std::to_string(affordable) + " schemes" +
                         within(context.config.search) + ": " + best.scheme + line + in_words(choice));
}

}  // namespace bitdarts::train
