#include "pipeline/status.hpp"

#include "chain/stages.hpp"
#include "core/error.hpp"
#include "data/text_source.hpp"

namespace bitdarts::pipeline {
namespace {

namespace fs = std::filesystem;

// As the stage describes itself; may read the text or a scheme file.
stage::Description description_of(const std::string& stage, const config::Config& config, const fs::path& in,
                                  const fs::path& out) {
  if (stage == "tokenize") return stage::describe_tokenize(data::result_key(config, data::find_text(config)));
  return stage::describe(stage, config, in, out);
}

// Known even where the scheme file cannot be read.
std::vector<fs::path> paths_of_inputs(const std::string& stage, const config::Config& config,
                                      const fs::path& in, const fs::path& out) {
  std::vector<fs::path> paths;
  for (const stage::Input& input : stage::inputs_of(stage, config, in, out)) paths.push_back(input.path);
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
                     .product = out / chain::file_of(chain::stage_called(stage)),
                     .takes = paths_of_inputs(stage, config, in, out),
                     .key = {},
                     .config = config};
  try {
    judge(status, config, description_of(stage, config, in, out));
  } catch (const Error& error) {  // the stage itself will say what to do about it
    status.reason = one_line(error.what());
  }
  if (!status.up_to_date()) to_be_made_.emplace(place_of(status.product), stage);
  return found_.emplace_back(std::move(status));
}

void Survey::judge(StageStatus& status, const config::Config& config, const stage::Description& description) {
  using State = StageStatus::State;
  for (const stage::Input& input : description.inputs) {
    const auto maker = to_be_made_.find(place_of(input.path));
    if (maker == to_be_made_.end()) continue;
    status.state = StageStatus::State::waiting;
    status.waits_for = maker->second;
    status.reason = "after " + maker->second;
    return;
  }
  std::vector<store::InputRecord> inputs;
  for (const stage::Input& input : description.inputs) inputs.push_back(record_of(input));
  status.key = stage::key_of(config, description, inputs);
  const stage::Standing standing = stage::standing_of(status.product, description.name, status.key);
  using Kind = stage::Standing::Kind;
  if (standing.kind == Kind::up_to_date)
    known_[{chain::stage_called(description.name).product, place_of(status.product)}] = standing.content_hash;
  status.reason = status.product.string();
  switch (standing.kind) {
    case Kind::up_to_date:
      status.state = config.run.force ? State::forced : State::up_to_date;
      if (config.run.force) status.reason += " is up to date, but --force";
      break;
    case Kind::missing:
      status.state = State::missing;
      break;
    case Kind::damaged:
      status.state = State::damaged;
      status.reason += ": " + one_line(standing.reason);
      break;
    case Kind::stale:
      status.state = State::stale;
      status.reason += " was made from other options or inputs";
      break;
  }
}

// A file that several stages take is read once.
store::InputRecord Survey::record_of(const stage::Input& input) {
  // Of one kind, whatever a stage calls it.
  const std::string kind = chain::maker_of(input.name).product;
  std::string& hash = known_[{kind, place_of(input.path)}];
  if (hash.empty()) hash = stage::verified(input).content_hash;
  return {input.name, input.path.string(), hash};
}

std::string in_words(const StageStatus& status) {
  using State = StageStatus::State;
  const auto word = [&] {
    switch (status.state) {
      case State::up_to_date:
        return "up to date";
      case State::not_needed:
        return "not needed";
      case State::missing:
        return "missing";
      case State::damaged:
        return "damaged";
      case State::stale:
        return "stale";
      case State::forced:
      case State::waiting:
      case State::blocked:
        break;
    }
    return "to be made";
  };
  return std::string(word()) + " (" + status.reason + ")";
}

std::vector<StageStatus> pipeline_status(const std::vector<Step>& steps) {
  Survey survey;
  for (const Step& step : steps) survey.look(step.stage, step.config);
  return survey.found();
}

}  // namespace bitdarts::pipeline
