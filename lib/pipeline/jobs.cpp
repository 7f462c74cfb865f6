#include "pipeline/jobs.hpp"

#include <algorithm>
#include <filesystem>

#include "pipeline/status.hpp"
#include "report/run_report.hpp"

namespace bitdarts::pipeline {
namespace {

namespace fs = std::filesystem;

// Those of the steps before `last` that have yet to make what it takes.
std::vector<std::string> not_yet_made(const std::vector<Step>& steps, const std::vector<StageStatus>& stages,
                                      std::size_t last) {
  const std::vector<fs::path>& takes = stages[last].takes;
  std::vector<std::string> names;
  for (std::size_t i = 0; i < last; ++i)
    if (!stages[i].up_to_date && std::find(takes.begin(), takes.end(), stages[i].product) != takes.end())
      names.push_back(steps[i].name);
  return names;
}

Job report_job(const config::Config& config, const std::vector<Job>& before) {
  const fs::path out = config.run.out, in = config.run.in.empty() ? out : fs::path(config.run.in);
  const std::string page = (out / "report" / "report.html").string();
  Job job{.name = "report", .stage = "report", .up_to_date = false, .text = {}, .needs = {}, .arguments = {}};
  for (const Job& other : before)
    if (!other.up_to_date) job.needs.push_back(other.name);
  job.up_to_date = job.needs.empty() && !config.run.force &&
                   report::is_up_to_date(out / "report", report::load_products(out, in, &config));
  job.text = (job.up_to_date ? "up to date (" : "to be made (") + page + ")";
  return job;
}

}  // namespace

std::vector<Job> pipeline_jobs(const config::Config& config, const std::string& from, const std::string& to) {
  check_schemes(config, from, to);
  const std::vector<Step> steps = pipeline_steps(config, from, to);
  const std::vector<StageStatus> stages = pipeline_status(steps);
  std::vector<Job> jobs;
  for (std::size_t i = 0; i < steps.size(); ++i)
    jobs.push_back({.name = steps[i].name,
                    .stage = steps[i].stage,
                    .up_to_date = stages[i].up_to_date,
                    .text = stages[i].text,
                    .needs = not_yet_made(steps, stages, i),
                    .arguments = steps[i].arguments});
  if (to == "report") jobs.push_back(report_job(config, jobs));
  return jobs;
}

}  // namespace bitdarts::pipeline
