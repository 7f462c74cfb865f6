#include "pipeline/job_progress.hpp"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <regex>
#include <sstream>

#include "chain/stages.hpp"
#include "core/error.hpp"
#include "report/format.hpp"

namespace bitdarts::pipeline {
namespace {

namespace fs = std::filesystem;
using State = StageProgress::State;

const std::string page_stage = "report";  // its page is no product

// Of "  outer 5.2143  inner 5.198  12.3k tokens/s  ETA 0:10": values as core's Progress prints them, two
// blanks between them.
std::string loss_in(const std::string& stage, const std::string& values) {
  const chain::Stage* row = chain::find_stage(stage);
  const std::string wanted = row == nullptr ? "loss" : row->shown;
  for (std::size_t at = values.find("  "); at != std::string::npos; at = values.find("  ", at + 2)) {
    const std::string value = values.substr(at + 2, values.find("  ", at + 2) - at - 2);
    const auto blank = value.rfind(' ');
    if (blank == std::string::npos) continue;
    const std::string name = value.substr(0, blank);
    if (name == wanted || name == "loss") return value.substr(blank + 1);
  }
  return {};
}

std::vector<std::string> fields_of(const std::string& line) {
  std::vector<std::string> fields;
  std::istringstream stream(line);
  for (std::string field; std::getline(stream, field, '\t');) fields.push_back(field == "-" ? "" : field);
  return fields;
}

// Progress is at the end of a log, and a log may be long.
std::string end_of(const fs::path& path) {
  constexpr std::streamoff most = 1 << 18;
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) return {};
  const std::streamoff size = file.tellg();
  file.seekg(std::max<std::streamoff>(0, size - most));
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// "slurmstepd-node1: error: *** JOB 12 ON node1 CANCELLED AT ... ***" -> "JOB 12 ON node1 CANCELLED AT ...".
std::string without_frame(const std::string& line) {
  static const std::regex frame(R"(^(slurmstepd[^:]*|slurm): error: (\*\*\* )?|( \*\*\*)$)");
  return std::regex_replace(line, frame, "");
}

std::string with_percent(const std::string& step) {
  const auto slash = step.find('/');
  if (slash == std::string::npos) return step;
  double done = 0, all = 0;
  std::from_chars(step.data(), step.data() + slash, done);
  std::from_chars(step.data() + slash + 1, step.data() + step.size(), all);
  return all > 0 ? step + " (" + report::fixed(100 * done / all, 0) + "%)" : step;
}

std::string lower(std::string text) {
  std::replace(text.begin(), text.end(), '_', ' ');
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

struct Row {
  std::string state, step, loss, why;
};

// The product says what is done, the queue what is under way, the log what became of a job that is neither.
Row row_of(const StageProgress& stage, const JobRecord& job, const LogFacts& log) {
  if (stage.state == State::up_to_date)
    return {.state = "done", .step = "", .loss = report::fixed(stage.loss, 4), .why = ""};
  Row row{.state = lower(name_of(stage.state)),
          .step = stage.step ? std::to_string(*stage.step) + "/" + std::to_string(stage.steps) : "",
          .loss = report::fixed(stage.loss, 4),
          .why = stage.why};
  if (!log.step.empty()) row.step = log.step;
  if (!log.loss.empty()) row.loss = log.loss;
  if (job.state == "RUNNING" || job.state == "COMPLETING" || job.state == "CONFIGURING") {
    row.state = "running";
    row.why.clear();
  } else if (job.state == "PENDING") {
    row.state = job.requeues > 0 || log.turn > 0 ? "queued again" : "queued";
    row.why = job.reason;
  } else if (stage.state != State::failed && !job.id.empty()) {
    row.state = job.state.empty() || job.state == "COMPLETED" ? "ended" : lower(job.state);
    if (!log.error.empty()) row.why = log.error;
  }
  return row;
}

std::vector<std::string> cells_of(const StageProgress& stage, const JobRecord& job) {
  const auto or_dash = [](const std::string& text) { return text.empty() ? std::string("-") : text; };
  const LogFacts log = job.log.empty() ? LogFacts{} : read_log(end_of(job.log));
  StageProgress known = stage;
  if (stage.stage == page_stage && job.state != "RUNNING" && log.done) known.state = State::up_to_date;
  const Row row = row_of(known, job, log);
  const std::int64_t requeues = std::max({std::int64_t{0}, job.requeues, log.turn - 1});
  return {stage.job,
          row.state,
          or_dash(with_percent(row.step)),
          row.loss,
          job.id.empty() ? "-" : std::to_string(requeues),
          or_dash(job.id),
          or_dash(job.log.empty() ? stage.log : job.log),
          row.why};
}

}  // namespace

std::vector<JobRecord> read_jobs(const fs::path& path) {
  std::ifstream file(path);
  if (!file) throw InputError("the list of jobs cannot be read", path.string());
  std::vector<JobRecord> jobs;
  for (std::string line; std::getline(file, line);) {
    const auto fields = fields_of(line);
    if (fields.size() != 3 && fields.size() != 6)
      throw InputError("not a job: " + line, path.string(), "name, id, log, and state, requeues, reason");
    JobRecord job{.name = fields[0], .id = fields[1], .log = fields[2], .state = {}, .reason = {}};
    if (fields.size() == 6) {
      job.state = fields[3];
      std::from_chars(fields[4].data(), fields[4].data() + fields[4].size(), job.requeues);
      job.reason = fields[5] == "None" ? "" : fields[5];
    }
    std::erase_if(jobs, [&](const JobRecord& earlier) { return earlier.name == job.name; });
    jobs.push_back(std::move(job));
  }
  return jobs;
}

LogFacts read_log(const std::string& text) {
  static const std::regex turn(R"(^slurm: .*, turn (\d+):.*)"),
      progress(R"(^([a-z]+): (?:[a-z-]+ )?(\d+/\d+)((?:  .*)?))"),
      interrupted(R"(.*interrupted after step (\d+) of (\d+).*)");
  LogFacts facts;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    std::smatch match;
    if (std::regex_match(line, match, turn)) {
      facts.turn = std::stoll(match[1]);
      facts.error.clear();
      facts.done = false;
    } else if (line.starts_with("slurm: ") && line.ends_with(": done")) {
      facts.done = true;
    } else if (std::regex_match(line, match, progress)) {
      facts.step = match[2];
      if (const std::string loss = loss_in(match[1], match[3]); !loss.empty()) facts.loss = loss;
    } else if (std::regex_match(line, match, interrupted)) {
      facts.step = match[1].str() + "/" + match[2].str();
    } else if (line.find("error: ") != std::string::npos && !line.starts_with("srun: ")) {
      facts.error = without_frame(line);
    }
  }
  return facts;
}

std::string job_table(const std::vector<StageProgress>& stages, const std::vector<JobRecord>& jobs) {
  report::TextTable table{{"", "state", "step", "loss", "requeues", "job", "log", "why"}, {}};
  const auto job_called = [&](const std::string& name) {
    const auto found =
        std::find_if(jobs.begin(), jobs.end(), [&](const auto& job) { return job.name == name; });
    return found == jobs.end() ? JobRecord{} : *found;
  };
  for (const StageProgress& stage : stages) table.rows.push_back(cells_of(stage, job_called(stage.job)));
  if (const JobRecord report = job_called(page_stage); !report.id.empty()) {
    const bool done = std::all_of(stages.begin(), stages.end(),
                                  [](const auto& stage) { return stage.state == State::up_to_date; });
    StageProgress page{
        .where = page_stage, .job = page_stage, .stage = page_stage, .step = {}, .log = {}, .why = {}};
    page.state = done ? State::missing : State::waiting;
    table.rows.push_back(cells_of(page, report));
  }
  return report::left_aligned(table);
}

}  // namespace bitdarts::pipeline
