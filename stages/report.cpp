// bitdarts-report: everything in a results directory -> report/report.html, CSV files, and a table on stdout.
#include "report/run_report.hpp"

int main(int argc, char** argv) {
  return bitdarts::stage::stage_main(argc, argv, "report", bitdarts::report::run_report);
}
