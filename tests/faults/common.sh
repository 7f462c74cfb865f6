# shellcheck shell=bash
# Sourced by the fault tests as `. common.sh BIN FAULT_POINTS`: what ../stages/common.sh has, and ways to start, find, stop and kill
# the processes of a run.
# shellcheck source=../stages/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/../stages/common.sh" "$1"
preload "$2"
# Every process of a run carries this in its environment, whatever became of its parent.
mark="bitdarts-fault-test-$$-$(date +%s%N)"
leave() {
  while IFS= read -r process; do kill -KILL "$process" 2> /dev/null || true; done < <(processes)
  rm -rf "$work"
}
trap leave EXIT

# processes [NAME=VALUE]: those of the runs under way that also have this in their environment.
processes() {
  local environment
  for environment in /proc/[0-9]*/environ; do
    if grep -qsz "^FAULT_RUN=$mark\$" "$environment" && { [ -z "${1:-}" ] || grep -qsz "^$1\$" "$environment"; }; then
      environment=${environment#/proc/}
      echo "${environment%/environ}"
    fi
  done
}
rank() { processes "OMPI_COMM_WORLD_RANK=$1"; }
all_ranks() { processes "OMPI_COMM_WORLD_RANK=[0-9]*"; }

# start COMMAND...: in the background as `job`; what it says goes to `said`.
faults=()
start() {
  : > said # not what the run before has said
  env FAULT_RUN="$mark" "${faults[@]}" "$@" > said 2>&1 &
  job=$!
}
# start_ranks N STAGE OPTION...: under mpirun.
start_ranks() {
  local count=$1 name=$2
  shift 2
  start "$tests/mpirun" "$count" "$bin/bitdarts-$name" --config run.ini "$@"
}
# set_faults SIGNAL POINTS: what `start` starts gets the signal at these points (fault_points.cpp) of its work under ./faulty; the calls
# that it came by are listed in `calls`.
set_faults() {
  rm -f calls
  faults=("${preload[@]}" FAULT_UNDER=faulty "FAULT_SIGNAL=$(kill -l "$1")" "FAULT_AT=$2" "FAULT_LOG=$work/calls"
    "ASAN_OPTIONS=${ASAN_OPTIONS:-}:verify_asan_link_order=0")
}

alive() { kill -0 "$1" 2> /dev/null; }
state() { sed -n 's/^State:[[:space:]]*\(.\).*/\1/p' "/proc/$1/status" 2> /dev/null || true; }

# until_true WHAT COMMAND...: waits for it as long as the job lives.
until_true() {
  local what=$1
  shift
  until "$@"; do
    alive "$job" || fail "the run ended before $what"
    sleep 0.02
  done
}

# ended: waits for the job; its exit code is `code`. It is to leave no process behind, and not to take more than 30 seconds of a
# machine of one's own. `took` says how long it was, in milliseconds.
# shellcheck disable=SC2034 # for the tests
ended() {
  local began=${EPOCHREALTIME/./}
  code=0
  in_time() { crowding && ((${EPOCHREALTIME/./} - began < 300000 * crowded)); }
  { # bash has something to say of a killed job
    while alive "$job" && in_time; do sleep 0.02; done
    alive "$job" || wait "$job" || code=$?
  } 2> /dev/null
  if alive "$job"; then fail "the run has not ended after 30 seconds: $(processes | xargs ps -o pid,ppid,stat,etimes,args -p)"; fi
  while [ -n "$(processes)" ] && in_time; do sleep 0.02; done
  [ -z "$(processes)" ] || fail "processes are left behind: $(processes | xargs ps -o pid,stat,args -p)"
  took=$(((${EPOCHREALTIME/./} - began) / 1000))
}

# Nothing but the products lies in the directory.
tidy() { [ -z "$(find "$1" -name '*.tmp' -o -name '.checkpoints' -o -name '.lock')" ] || fail "something is left: $(find "$1")"; }
