#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "pipeline/progress.hpp"

namespace bitdarts::pipeline {

/// What a cluster's queue knows of the job that makes a product, or made it.
struct JobRecord {
  std::string name;  ///< "search", "finetune-uniform_lsqplus_w4a8", "tasks/w4a8-1a2b3c4d"
  std::string id;
  std::string log;    ///< a file
  std::string state;  ///< as Slurm has it ("RUNNING"); empty when the queue has forgotten the job
  std::int64_t requeues = 0;
  std::string reason;  ///< why it waits
};

/// Lines "name id log [state requeues reason]", tabs between the fields, "-" for an empty one; of several of
/// one name the last counts. InputError when a line has other fields.
std::vector<JobRecord> read_jobs(const std::filesystem::path& path);

/// What the log of a job says of the stage that it runs, or ran last. Of an error only what the last turn
/// said.
struct LogFacts {
  std::int64_t turn = 0;  ///< how often the job has begun
  std::string step;       ///< "120/250"
  std::string loss;
  std::string error;
  bool done = false;  ///< the last turn came to its end
};
LogFacts read_log(const std::string& text);

/// One line each under a header, for people: state, step, loss, requeues, job, log, and why it waits or
/// failed. The log of a running job knows more than the last checkpoint. The job "report" has a line although
/// its page is no stage's product.
std::string job_table(const std::vector<StageProgress>& stages, const std::vector<JobRecord>& jobs);

}  // namespace bitdarts::pipeline
