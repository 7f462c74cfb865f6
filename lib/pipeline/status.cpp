#include "pipeline/status.hpp"

#include "core/error.hpp"
#include "data/text_source.hpp"
#include "stage/stage.hpp"

namespace bitdarts::pipeline {
namespace {

namespace fs = std::filesystem;

// As the stage describes itself; may read the text or a scheme file.
stage::Description description_of(const std::string& stage, const config::Config& config, const fs::path& in,
                                  const fs::path& out) {
  if (stage == "tokenize") return stage::describe_tokenize(data::result_key(config, data::find_text(config)));
  if (stage == "pretrain") return stage::describe_pretrain(config, in);
  if (stage == "search") return stage::describe_search(in);
  if (stage == "finetune") return stage::describe_finetune(config, in, stage::scheme_text(config.finetune));
  if (stage == "reference") return stage::describe_reference(in);
  return stage::describe_evaluate(in, out);
}

// Known even where the scheme file cannot be read.
std::vector<fs::path> inputs_of(const std::string& stage, const config::Config& config, const fs::path& in,
                                const fs::path& out) {
  if (stage == "tokenize") return {};
  const stage::Description description =
      stage == "finetune" ? stage::describe_finetune(config, in, "") : description_of(stage, config, in, out);
  std::vector<fs::path> paths;
  for (const stage::Input& input : description.inputs) paths.push_back(input.path);
  return paths;
}

// "<what>\n  where: <where>\n  try: ..." -> "<what>: <where>".
std::string one_line(std::string message) {
  const std::string where = "\n  where: ";
  if (const auto at = message.find(where); at != std::string::npos) message.replace(at, where.size(), ": ");
  return message.substr(0, message.find('\n'));
}

// Where a file really lies: products that several tasks of a sweep share are links.
fs::path place_of(const fs::path& path) {
  std::error_code absent;
  const fs::path target = fs::read_symlink(path, absent);
  return (absent ? path : path.parent_path() / target).lexically_normal();
}

}  // namespace

const StageStatus& Survey::look(const std::string& stage, const config::Config& config) {
  const fs::path out = config.run.out, in = config.run.in.empty() ? out : fs::path(config.run.in);
  StageStatus status{.stage = stage,
                     .text = {},
                     .product = out / (stage::product_of(stage) + ".h5"),
                     .takes = inputs_of(stage, config, in, out),
                     .key = {},
                     .config = config};
  try {
    judge(status, config, description_of(stage, config, in, out));
  } catch (const Error& error) {  // the stage itself will say what to do about it
    status.text = "to be made (" + one_line(error.what()) + ")";
  }
  if (!status.up_to_date) to_be_made_.emplace(place_of(status.product), stage);
  return found_.emplace_back(std::move(status));
}

void Survey::judge(StageStatus& status, const config::Config& config, const stage::Description& description) {
  using State = StageStatus::State;
  for (const stage::Input& input : description.inputs) {
    const auto maker = to_be_made_.find(place_of(input.path));
    if (maker == to_be_made_.end()) continue;
    status.state = StageStatus::State::waiting;
    status.text = "to be made (after " + maker->second + ")";
    return;
  }
  std::vector<store::InputRecord> inputs;
  for (const stage::Input& input : description.inputs) inputs.push_back(record_of(input));
  status.key = stage::key_of(config, description, inputs);
  const stage::Standing standing = stage::standing_of(status.product, description.name, status.key);
  using Kind = stage::Standing::Kind;
  if (standing.kind == Kind::up_to_date)
    known_[{stage::product_of(description.name), place_of(status.product)}] = standing.content_hash;
  status.up_to_date = standing.kind == Kind::up_to_date && !config.run.force;
  const std::string path = status.product.string();
  if (status.up_to_date) {
    status.state = State::up_to_date;
    status.text = "up to date (" + path + ")";
  } else if (standing.kind == Kind::up_to_date) {
    status.state = State::stale;
    status.text = "to be made (" + path + " is up to date, but --force)";
  } else if (standing.kind == Kind::missing) {
    status.state = State::missing;
    status.text = "missing (" + path + ")";
  } else if (standing.kind == Kind::damaged) {
    status.state = State::damaged;
    status.text = "damaged (" + path + ": " + one_line(standing.reason) + ")";
  } else {
    status.state = State::stale;
    status.text = "stale (" + path + " was made from other options or inputs)";
  }
}

// A file that several stages take is read once.
store::InputRecord Survey::record_of(const stage::Input& input) {
  // Of one kind, whatever a stage calls it.
  const std::string kind = stage::product_of(stage::stage_of(input.name));
  std::string& hash = known_[{kind, place_of(input.path)}];
  if (hash.empty()) hash = stage::verified(input).content_hash;
  return {input.name, input.path.string(), hash};
}

std::vector<StageStatus> pipeline_status(const std::vector<Step>& steps) {
  Survey survey;
  for (const Step& step : steps) survey.look(step.stage, step.config);
  return std::move(survey).found();
}

}  // namespace bitdarts::pipeline
