#include "report/products.hpp"

#include <algorithm>

#include "core/error.hpp"
#include "report/run_baselines.hpp"

namespace bitdarts::report {
namespace {

namespace fs = std::filesystem;

// The one version of every product that this report reads.
constexpr std::int64_t readable_schema = 1;

}  // namespace

std::optional<Product> load_product(const fs::path& path, const std::string& stage,
                                    std::vector<std::string>& problems) {
  std::error_code ignored;
  if (!fs::exists(path, ignored)) return std::nullopt;
  try {
    std::string hash;
    store::File file = store::open_product(path, stage, readable_schema, &hash);
    store::Provenance provenance = store::read_provenance(file);
    return Product{path, hash, std::move(provenance), std::move(file)};
  } catch (const Error& error) {
    problems.push_back(path.string() + " is left out: " + error.what());
    return std::nullopt;
  }
}

namespace {

std::optional<Product> load_either(const fs::path& out, const fs::path& in, const std::string& name,
                                   const std::string& stage, std::vector<std::string>& problems) {
  std::error_code ignored;
  return load_product(fs::exists(out / name, ignored) ? out / name : in / name, stage, problems);
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
    Baseline baseline{path.filename().string(), load_product(path / "finetuned.h5", "finetune", problems),
                      load_product(path / "evaluation.h5", "evaluate", problems),
                      load_product(path / "searched.h5", "search", problems)};
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
    const std::string file = name.substr(0, name.find('-')) + ".h5";
    problems.push_back(what + " was made from another " + file + " than " + here->path.string() +
                       ": run the pipeline again");
  }
}

const Baseline* baseline_called(const Products& products, const fs::path& folder) {
  for (const Baseline& baseline : products.baselines)
    if (baseline.folder == folder) return &baseline;
  return nullptr;
}

// Of a strategy's search and of what the best scheme was chosen from: these lie in the folders of baselines.
void check_inputs_in_baselines(const std::string& what, const Product& product, Products& products) {
  for (const store::InputRecord& input : product.provenance.inputs) {
    const fs::path folder = fs::path(input.path).parent_path();
    const Baseline* baseline = baseline_called(products, folder.filename());
    if (folder.parent_path().filename() != "baselines" || baseline == nullptr) continue;
    if (input.name == "searched")
      check_input(what, product, input.name, baseline->searched, products.problems);
    if (input.name.starts_with("finetuned-"))
      check_input(what, product, input.name, baseline->finetuned, products.problems);
  }
}

// The search that a finetuning took, when it is that of the pipeline itself.
bool is_own_search(const Product& product) {
  for (const store::InputRecord& input : product.provenance.inputs)
    if (input.name == "searched" &&
        fs::path(input.path).parent_path().parent_path().filename() == "baselines")
      return false;
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
    add("baselines/" + baseline.folder + ": searched", baseline.searched);
    add("baselines/" + baseline.folder + ": finetuned", baseline.finetuned);
    add("baselines/" + baseline.folder + ": evaluation", baseline.evaluation);
  }
  return found;
}

Products load_products(const fs::path& out, const fs::path& in, const config::Config* given) {
  Products products;
  auto& problems = products.problems;
  products.tokens = load_either(out, in, "tokens.h5", "tokenize", problems);
  products.pretrained = load_either(out, in, "pretrained.h5", "pretrain", problems);
  products.searched = load_either(out, in, "searched.h5", "search", problems);
  products.finetuned = load_product(out / "finetuned.h5", "finetune", problems);
  products.evaluation = load_product(out / "evaluation.h5", "evaluate", problems);
  products.baselines = load_baselines(out / "baselines");
  if (given != nullptr) leave_out_earlier_runs(products, *given);
  for (const Baseline& baseline : products.baselines)
    problems.insert(problems.end(), baseline.problems.begin(), baseline.problems.end());
  std::erase_if(products.baselines, is_empty);
  check_chain(products);
  return products;
}

std::optional<config::Config> configuration_of(const Product& product) {
  try {
    return config::from_ini(product.provenance.configuration,
                            product.path.string() + ":/provenance/configuration");
  } catch (const Error&) {  // written by a version with other options
    return std::nullopt;
  }
}

}  // namespace bitdarts::report
