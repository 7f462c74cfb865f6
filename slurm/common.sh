# shellcheck shell=bash
# Sourced by submit, sweep, status and job: where things are, what a site adds, and how sbatch options come together.
set -euo pipefail

slurm_dir=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
root=$(dirname "$slurm_dir") # of the sources, or PREFIX/share/bitdarts
bin=$root/build/bin
if [ ! -d "$bin" ] && [ -d "$root/../../bin" ]; then bin=$(readlink -f "$root/../../bin"); fi
pipelines=$root/pipelines program=$(basename "$0")
me=$program
# shellcheck source=../pipelines/launch.sh
. "$pipelines/launch.sh"

note() { echo "$program: $*" >&2; }
wrong() { note "error: $*"; usage >&2; exit 2; }
refuse() { note "error: $*"; exit 2; } # where the usage would not help
die() { note "error: $*"; exit 1; }

# The site file: modules and variables that the executables need, on the login node and on compute nodes alike.
load_site() { # FILE, or nothing when there is none
  if [ -z "$1" ]; then return; fi
  set +eu # module systems are not written for these
  # shellcheck source=/dev/null
  . "$1"
  set -eu
}
default_site() { if [ -f "$slurm_dir/site.sh" ]; then echo "$slurm_dir/site.sh"; fi; }

# Jobs use the executables for days: they are built before, never by the way.
require_executables() {
  if [ -x "$bin/bitdarts-$1" ]; then return; fi
  die "there is no $bin/bitdarts-$1. Build first, on this machine or in a job: ./setup && cmake -S . -B build && cmake --build build --parallel"
}
require_slurm() {
  if ! command -v sbatch >/dev/null; then die "sbatch is not found: is this a login node of a Slurm cluster, or a module missing in the site file?"; fi
}

# sbatch options: a later one replaces an earlier one of the same name.
declare -A option_value=()
option_order=()
reset_options() { option_value=() option_order=(); }
drop_options() { local name; for name in "$@"; do unset "option_value[$name]"; done; }
add_options() { # --name=value or --name ...
  local word name
  for word in "$@"; do
    name=${word%%=*} name=${name#--}
    if [ -z "${option_value[$name]+there}" ]; then
      mapfile -t option_order < <(printf '%s\n' "${option_order[@]}" | grep -vx -e "$name" -e '' || true)
      option_order+=("$name")
    fi
    option_value[$name]=${word#--"$name"}
  done
}
option() { local value=${option_value[$1]-}; echo "${value#=}"; } # the value of one, or nothing

# What the scripts decide themselves, for the chain and slurm/status rely on it.
reserved=(array chdir dependency error export-file job-name kill-on-invalid-dep no-requeue open-mode output parsable
  requeue test-only wrap)
refuse_reserved() {
  local word name
  for word in "$@"; do
    name=${word%%=*} name=${name#--}
    if [[ " ${reserved[*]} " == *" $name "* ]]; then refuse "--$name is set by $program itself"; fi
  done
}

# options_of KIND: the resources of a stage's job, or of `shared` and `task`. The command line comes before the line of the stage in
# [slurm], and that before slurm.options. The report is made by one process.
command_line_options=()
options_of() {
  local kind=$1 words=()
  reset_options
  add_options --nodes=1 --ntasks-per-node=1 "--cpus-per-task=$(value_of run threads)" --requeue --signal=B:USR1@120
  read -ra words <<<"$(value_of slurm options) $(value_of slurm "$kind")"
  words+=("${command_line_options[@]}")
  refuse_reserved "${words[@]}"
  add_options "${words[@]}"
  if [ "$kind" = report ]; then
    drop_options ntasks-per-node gres gpus gpus-per-node gpus-per-task exclusive
    add_options --nodes=1 --ntasks=1
  fi
  if [ -n "$(option ntasks)" ] && [[ " ${words[*]} " != *" --ntasks-per-node="* ]]; then drop_options ntasks-per-node; fi
  check_ranks "$kind"
  check_time "$kind"
}
check_ranks() { # KIND
  local ranks shards threads
  ranks=$(option ntasks) shards=$(value_of run shards) threads=$(value_of run threads)
  if [ -z "$ranks" ] && [[ $(option nodes) =~ ^[0-9]+$ ]]; then ranks=$(($(option nodes) * $(option ntasks-per-node))); fi
  if [[ $ranks =~ ^[0-9]+$ ]] && { [ "$ranks" = 0 ] || [ $((shards % ranks)) != 0 ]; }; then
    refuse "$1: $ranks ranks do not divide run.shards = $shards"
  fi
  if [ "$(option cpus-per-task)" != "$threads" ]; then
    note "$1: a rank gets $(option cpus-per-task) cores and uses run.threads = $threads of them"
  fi
}

# The job queues itself again at --signal before its end: with little time before that, it would do nothing else.
check_time() { # KIND
  local limit ahead=60 given # of Slurm, where --signal has no @
  limit=$(seconds_of "$(option time)")
  given=$(option signal)
  if [[ $given == *@* ]]; then ahead=${given##*@}; fi
  if [ -z "$limit" ] || [ -z "$given" ] || [[ ! $ahead =~ ^[0-9]+$ ]] || [ "$limit" -gt $((2 * 10#$ahead)) ]; then return; fi
  refuse "$1: --time=$(option time) leaves no time for work before --signal=$given: it must be more than twice $ahead s"
}
seconds_of() { # TIME as sbatch takes it: minutes, minutes:seconds, h:m:s, d-h, d-h:m, d-h:m:s; nothing for no limit or another word
  local days=0 rest=$1 a b c
  if [[ ! $1 =~ ^([0-9]+-)?[0-9]+(:[0-9]+){0,2}$ ]] || [[ ! $1 =~ [1-9] ]]; then return; fi
  if [[ $1 == *-* ]]; then days=${1%%-*} rest=${1#*-}; fi
  IFS=: read -r a b c <<<"$rest"
  if [[ $1 != *-* && -z $c ]]; then c=${b:-0} b=$a a=0; fi
  echo $((10#$days * 86400 + 10#$a * 3600 + 10#${b:-0} * 60 + 10#${c:-0}))
}

# print_script ABOUT NAME LOG COMMAND...: a batch script with the options that options_of has found.
print_script() {
  local about=$1 name=$2 log=$3 option
  shift 3
  echo "#!/usr/bin/env bash"
  echo "# $about"
  directive job-name "=$name"
  directive chdir "=$PWD"
  directive output "=$log"
  directive open-mode =append
  directive kill-on-invalid-dep =yes
  for option in "${option_order[@]}"; do
    if [ -n "${option_value[$option]+there}" ]; then directive "$option" "${option_value[$option]}"; fi
  done
  echo "exec$(printf ' %q' "$@")"
}
directive() { # NAME =VALUE
  local value=$2
  if [[ $value == *[\ \#\;\'\"\\]* ]]; then
    value=${value#=} value=${value//\\/\\\\}
    value="=\"${value//\"/\\\"}\""
  fi
  echo "#SBATCH --$1$value"
}

# In the name of a log, where sbatch puts numbers in place of %j and the like, a percent sign of the folder is two.
log_pattern() { # FOLDER
  local folder
  folder=$(absolute "$1")
  if [[ $folder == *\\* ]]; then refuse "$folder has a backslash, which Slurm takes for a sign of its own in the names of logs: another --out"; fi
  echo "${folder//%/%%}"
}
absolute() { case $1 in /*) echo "$1" ;; *) echo "$PWD/$1" ;; esac; }

# new_submission OUT: makes OUT/slurm/<number>, the files that the jobs of one submission read, and sets `submission`.
new_submission() {
  local number=1
  mkdir -p "$1/slurm" "$1/logs"
  until mkdir "$1/slurm/$number" 2>/dev/null; do
    if [ ! -d "$1/slurm/$number" ]; then die "cannot make $1/slurm/$number"; fi
    number=$((number + 1))
  done
  submission=$1/slurm/$number
}
write_settings() { # OUT SITE
  {
    printf 'bin=%q\n' "$bin"
    printf 'site=%q\n' "$2"
    printf 'out=%q\n' "$1"
    printf 'launch_by=%q\n' "$(value_of slurm launcher)"
    printf 'restarts=%q\n' "$(value_of slurm restarts)"
  } >"$submission/settings"
}

# queued OUT: "name<TAB>id<TAB>state" of its jobs that wait or run. Not to know them is an error: they might be submitted twice.
queued() {
  local queue file
  file=$(absolute "$1")/slurm/jobs.tsv # awk takes a=b for an assignment
  if [ ! -s "$file" ]; then return; fi
  if ! queue=$(squeue -h -r -o $'%i\t%T'); then
    die "squeue does not say which jobs of $1 are queued; nothing is submitted: try again when it answers"
  fi
  awk -F '\t' 'NR == FNR { state[$1] = $2; next } $2 in state { print $1 "\t" $2 "\t" state[$2] }' <(echo "$queue") "$file"
}

# parse_arguments OPTION...: what submit and sweep have in common; `named` are further options of the script with a value.
with_value=(nodes ntasks ntasks-per-node cpus-per-task time partition account qos gpus gpus-per-task gpus-per-node gres mem
  mem-per-cpu constraint reservation)
named=()
# shellcheck disable=SC2034 # for the scripts
parse_arguments() {
  name="" out="" site=$(default_site) dry_run=no overrides=()
  while [ $# -gt 0 ]; do
    case $1 in
      --help | -h) usage; exit 0 ;;
      --dry-run) dry_run=yes; shift ;;
      --) shift; overrides=("$@"); break ;;
      --*)
        local key=${1%%=*}; key=${key#--}
        if [[ $1 != *=* && " out site ${named[*]} ${with_value[*]} " == *" $key "* ]]; then
          if [ $# -lt 2 ] || [[ $2 == -* ]]; then wrong "$1 needs a value${2:+, and $2 is another option}"; fi
          set -- "$1=$2" "${@:3}"
        fi
        if [[ " out site ${named[*]} " == *" $key "* ]]; then declare -g "$key=${1#*=}"; else command_line_options+=("$1"); fi
        shift ;;
      -*) wrong "write the long form of $1" ;;
      *) if [ -n "$name" ]; then wrong "two pipelines: $name and $1"; fi; name=$1; shift ;;
    esac
  done
  if [ -z "$name" ]; then wrong "which pipeline?"; fi
  if [[ $out == -* ]]; then wrong "--out=$out looks like an option: write ./$out"; fi
  if [ -n "$site" ] && [ ! -f "$site" ]; then wrong "there is no site file $site"; fi
}

# begin_submission OUT: from the look at the queue to the last line of jobs.tsv no other submission of OUT goes on, and one that ends
# before it has said all_submitted leaves nothing in the queue.
submission="" submitted=() interrupted=0
begin_submission() {
  local code=0
  mkdir -p "$1/slurm"
  exec 9>>"$1/slurm/lock"
  flock --nonblock --conflict-exit-code 75 9 || code=$?
  if [ "$code" = 75 ]; then die "another slurm/submit or slurm/sweep of $1 is at work: it holds $1/slurm/lock"; fi
  if [ "$code" != 0 ]; then note "$1/slurm/lock cannot be locked on this file system: see to it that nobody else submits $1 now"; fi
  trap take_back EXIT
  # sbatch ends, and its job is known, before a wish to stop is followed.
  trap 'interrupted=129' HUP
  trap 'interrupted=130' INT
  trap 'interrupted=143' TERM
}
stop_if_interrupted() { if [ "$interrupted" != 0 ]; then exit "$interrupted"; fi; }
take_back() {
  if [ ${#submitted[@]} -gt 0 ]; then
    if scancel "${submitted[@]}"; then
      note "the ${#submitted[@]} jobs submitted before it are cancelled"
    else
      note "error: these jobs are submitted, and the rest is not: scancel ${submitted[*]}"
    fi
  elif [ -n "$submission" ]; then
    rm -rf "$submission" # no job reads it
  fi
}
all_submitted() { stop_if_interrupted; trap - EXIT; }

# submit_script FILE [--dependency=...]: sets job_id.
submit_script() {
  local id
  stop_if_interrupted
  # Not even what sbatch leaves behind may hold the lock.
  if ! id=$(trap '' HUP INT TERM; sbatch --parsable "${@:2}" "$1" </dev/null 9>&-); then die "sbatch refused $1"; fi
  job_id=${id%%;*} # a federation adds its cluster's name
  submitted+=("$job_id")
}
say_how_to_watch() { # OUT
  echo "watch:  $(printf '%q %q' "$slurm_dir/status" "$1")    or    squeue -j $(IFS=,; echo "${submitted[*]}")"
  echo "stop:   scancel ${submitted[*]}"
}
