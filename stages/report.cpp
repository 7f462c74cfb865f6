// bitdarts-report: everything in a results directory -> report/report.html, CSV files, and a table on stdout.
// bitdarts-report SWEEP_DIR: the same of all tasks of a sweep, without MPI.
#include "report/run_report.hpp"
#include "sweep/sweep_report.hpp"

using namespace bitdarts;

int main(int argc, char** argv) {
  const bool sweep = argc > 1 && argv[1][0] != '-';
  if (sweep) return stage::plain_main(argc, argv, "report", sweep::run_sweep_report);
  return stage::stage_main(argc, argv, "report", report::run_report);
}
