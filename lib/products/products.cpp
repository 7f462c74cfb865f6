#include "products/products.hpp"

#include <algorithm>

#include "chain/places.hpp"
#include "chain/stages.hpp"
#include "core/error.hpp"
#include "products/run_baselines.hpp"

namespace bitdarts::products {
namespace {

namespace fs = std::filesystem;

}  // namespace

std::optional<Product> load_product(const fs::path& path, const std::string& stage,
                                    std::vector<std::string>& problems) {
  std::error_code ignored;
  if (!fs::exists(path, ignored)) return std::nullopt;
  try {
    std::string hash;
    store::File file = store::open_product(path, stage, chain::stage_called(stage).schema_version, &hash);
    store::Provenance provenance = store::read_provenance(file);
    return Product{path, hash, std::move(provenance), std::move(file)};
  } catch (const Error& error) {
    problems.push_back(path.string() + " is left out: " + error.what());
    return std::nullopt;
  }
}

namespace {

std::optional<Product> load_from(const fs::path& folder, const std::string& product,
                                 std::vector<std::string>& problems) {
  const chain::Stage& maker = chain::maker_of(product);
  return load_product(folder / chain::file_of(maker), maker.name, problems);
}

std::optional<Product> load_either(const fs::path& out, const fs::path& in, const std::string& product,
                                   std::vector<std::string>& problems) {
  std::error_code ignored;
  const bool here = fs::exists(out / chain::file_of(chain::maker_of(product)), ignored);
  return load_from(here ? out : in, product, problems);
}

bool is_empty(const Baseline& baseline) {
  return !baseline.finetuned && !baseline.evaluation && !baseline.searched;
}

std::vector<Baseline> load_baselines(const fs::path& folder) {
  std::vector<fs::path> folders;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(folder, none))
    if (entry.is_directory()) folders.push_back(entry.path());
  std::sort(folders.begin(), folders.end());
  std::vector<Baseline> baselines;
  for (const fs::path& path : folders) {
    std::vector<std::string> problems;
    Baseline baseline{path.filename().string(), load_from(path, "finetuned", problems),
                      load_from(path, "evaluation", problems), load_from(path, "searched", problems)};
    baseline.problems = std::move(problems);
    if (!is_empty(baseline) || !baseline.problems.empty()) baselines.push_back(std::move(baseline));
  }
  return baselines;
}

// A chain that was continued after one of its links changed mixes two runs: the reader must know.
void check_input(const std::string& what, const Product& product, const std::string& name,
                 const std::optional<Product>& here, std::vector<std::string>& problems) {
  if (!here) return;
  for (const store::InputRecord& input : product.provenance.inputs) {
    if (input.name != name || input.content_hash == here->content_hash) continue;
    const std::string file = chain::file_of(chain::maker_of(name));
    problems.push_back(what + " was made from another " + file + " than " + here->path.string() +
                       ": run the pipeline again");
  }
}

const Baseline* baseline_called(const Products& products, const std::string& folder) {
  for (const Baseline& baseline : products.baselines)
    if (baseline.folder == folder) return &baseline;
  return nullptr;
}

// Of a strategy's search and of what the best scheme was chosen from: these lie in the folders of baselines.
void check_inputs_in_baselines(const std::string& what, const Product& product, Products& products) {
  for (const store::InputRecord& input : product.provenance.inputs) {
    const auto folder = chain::baseline_with(input.path);
    const Baseline* baseline = folder ? baseline_called(products, *folder) : nullptr;
    if (baseline == nullptr) continue;
    if (input.name == "searched")
      check_input(what, product, input.name, baseline->searched, products.problems);
    if (input.name.starts_with("finetuned-"))
      check_input(what, product, input.name, baseline->finetuned, products.problems);
  }
}

// The search that a finetuning took, when it is that of the pipeline itself.
bool is_own_search(const Product& product) {
  for (const store::InputRecord& input : product.provenance.inputs)
    if (input.name == "searched" && chain::baseline_with(input.path)) return false;
  return true;
}

void check_chain(Products& products) {
  auto& problems = products.problems;
  const auto check = [&](const std::string& what, const std::optional<Product>& product,
                         const std::optional<Product>& finetuned) {
    if (!product) return;
    check_input(what, *product, "tokens", products.tokens, problems);
    check_input(what, *product, "pretrained", products.pretrained, problems);
    if (is_own_search(*product)) check_input(what, *product, "searched", products.searched, problems);
    check_inputs_in_baselines(what, *product, products);
    check_input(what, *product, "finetuned", finetuned, problems);
  };
  for (const auto* product :
       {&products.pretrained, &products.searched, &products.finetuned, &products.evaluation})
    if (*product) check((*product)->path.string(), *product, products.finetuned);
  for (const Baseline& baseline : products.baselines)
    for (const auto* product : {&baseline.searched, &baseline.finetuned, &baseline.evaluation})
      if (*product) check((*product)->path.string(), *product, baseline.finetuned);
}

}  // namespace

bool Products::empty() const { return all().empty(); }

std::vector<std::pair<std::string, const Product*>> Products::all() const {
  std::vector<std::pair<std::string, const Product*>> found;
  const auto add = [&](const std::string& name, const std::optional<Product>& product) {
    if (product) found.emplace_back(name, &*product);
  };
  add("tokens", tokens);
  add("pretrained", pretrained);
  add("searched", searched);
  add("finetuned", finetuned);
  add("evaluation", evaluation);
  for (const Baseline& baseline : baselines) {
    const std::string label = chain::baseline_label(baseline.folder);
    add(label + ": searched", baseline.searched);
    add(label + ": finetuned", baseline.finetuned);
    add(label + ": evaluation", baseline.evaluation);
  }
  return found;
}

Products load_products(const fs::path& out, const fs::path& in, const config::Config* given) {
  Products products;
  auto& problems = products.problems;
  products.tokens = load_either(out, in, "tokens", problems);
  products.pretrained = load_either(out, in, "pretrained", problems);
  products.searched = load_either(out, in, "searched", problems);
  products.finetuned = load_from(out, "finetuned", problems);
  products.evaluation = load_from(out, "evaluation", problems);
  products.baselines = load_baselines(chain::baselines_in(out));
  if (given != nullptr) leave_out_earlier_runs(products, *given);
  for (const Baseline& baseline : products.baselines)
    problems.insert(problems.end(), baseline.problems.begin(), baseline.problems.end());
  std::erase_if(products.baselines, is_empty);
  check_chain(products);
  return products;
}

std::optional<config::Config> configuration_of(const Product& product) {
  try {
    return config::from_product(product.provenance.configuration,
                                product.path.string() + ":/provenance/configuration");
  } catch (const Error&) {  // written by a version with other options
    return std::nullopt;
  }
}

}  // namespace bitdarts::products
