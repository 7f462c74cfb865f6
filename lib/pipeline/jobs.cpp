#include "pipeline/jobs.hpp"

#include <algorithm>
#include <filesystem>

#include "chain/stages.hpp"
#include "pipeline/status.hpp"
#include "report/run_report.hpp"

namespace bitdarts::pipeline {
namespace {

namespace fs = std::filesystem;

// Those of the steps before `last` that have yet to make what `status` takes.
std::vector<std::string> not_yet_made(const std::vector<Step>& steps, const std::vector<StageStatus>& stages,
                                      std::size_t last, const StageStatus& status) {
  const std::vector<fs::path>& takes = status.takes;
  std::vector<std::string> names;
  for (std::size_t i = 0; i < last; ++i)
    if (!stages[i].up_to_date() && std::find(takes.begin(), takes.end(), stages[i].product) != takes.end())
      names.push_back(steps[i].name);
  return names;
}

Job::State state_of(const StageStatus& status) {
  return status.up_to_date() ? Job::State::up_to_date : Job::State::to_be_made;
}

// What several starts of one stage share, before the first of them that has something to do. One alone would
// not gain by it.
struct Spare {
  std::size_t before;
  Job job;
};
std::vector<Spare> spare_jobs(Survey& survey, const std::vector<Step>& steps,
                              const std::vector<StageStatus>& stages, const config::Config& config) {
  std::vector<Spare> spares;
  for (const chain::Stage& spare : chain::stages()) {
    if (spare.times != chain::Stage::Times::spare) continue;
    std::size_t takers = 0, first = steps.size();
    for (std::size_t i = 0; i < steps.size(); ++i) {
      if (steps[i].stage != spare.spares) continue;
      ++takers;
      if (!stages[i].up_to_date()) first = std::min(first, i);
    }
    if (takers < 2 || first == steps.size()) continue;
    const StageStatus status = survey.look(spare.name, config);
    spares.push_back({first,
                      {.name = spare.name,
                       .stage = spare.name,
                       .state = status.up_to_date() ? Job::State::up_to_date : Job::State::optional,
                       .text = in_words(status),
                       .needs = not_yet_made(steps, stages, first, status),
                       .arguments = {}}});
  }
  return spares;
}

Job page_job(const std::string& stage, const config::Config& config, const std::vector<Job>& before) {
  const fs::path out = config.run.out, in = config.run.in.empty() ? out : fs::path(config.run.in);
  const std::string page = (out / "report" / "report.html").string();
  Job job{.name = stage, .stage = stage, .text = {}, .needs = {}, .arguments = {}};
  for (const Job& other : before)
    if (other.state == Job::State::to_be_made) job.needs.push_back(other.name);
  if (job.needs.empty() && !config.run.force &&
      report::is_up_to_date(out / "report", products::load_products(out, in, &config)))
    job.state = Job::State::up_to_date;
  job.text = (job.state == Job::State::up_to_date ? "up to date (" : "to be made (") + page + ")";
  return job;
}

}  // namespace

std::vector<Job> pipeline_jobs(const config::Config& config, const std::string& from, const std::string& to) {
  check_schemes(config, from, to);
  const std::vector<Step> steps = pipeline_steps(config, from, to);
  Survey survey;
  for (const Step& step : steps) survey.look(step.stage, step.config);
  const std::vector<StageStatus> stages = survey.found();
  const std::vector<Spare> spares = spare_jobs(survey, steps, stages, config);
  std::vector<Job> jobs;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    for (const Spare& spare : spares)
      if (spare.before == i) jobs.push_back(spare.job);
    jobs.push_back({.name = steps[i].name,
                    .stage = steps[i].stage,
                    .state = state_of(stages[i]),
                    .text = in_words(stages[i]),
                    .needs = not_yet_made(steps, stages, i, stages[i]),
                    .arguments = steps[i].arguments});
  }
  const chain::Stage& last = chain::stage_called(to);
  if (last.times == chain::Stage::Times::page) jobs.push_back(page_job(last.name, config, jobs));
  return jobs;
}

const char* name_of(Job::State state) {
  constexpr const char* names[] = {"up_to_date", "to_be_made", "optional"};
  return names[static_cast<std::size_t>(state)];
}

}  // namespace bitdarts::pipeline
