# shellcheck shell=bash
# Sourced by the stage tests as `. common.sh BIN`: a work folder that goes away, a text with something to learn in it, a small
# pipeline, and how to call the stages.
set -euo pipefail
bin=$(readlink -f "$1")
tests=$(readlink -f "$(dirname "${BASH_SOURCE[0]}")/..")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export OMP_NUM_THREADS=1
for variable in "${!BITDARTS_@}"; do unset "$variable"; done # the caller's own settings are none of a test's business
export BITDARTS_RUN_STOP_SECONDS=100000 # however loaded the machine: an interrupted run ends its step (stops.sh has the default)

fail() {
  echo "FAILED: $*" >&2
  if [ -s said ]; then sed 's/^/  | /' said >&2; fi
  exit 1
}

# expect CODE PATTERN COMMAND...: it ends with CODE and says PATTERN. What it said, on both streams, is in `said`.
expect() {
  local want=$1 pattern=$2 code=0
  shift 2
  "$@" > said 2>&1 || code=$?
  [ "$code" = "$want" ] || fail "exit $code instead of $want: $*"
  grep -q -e "$pattern" said || fail "does not say \"$pattern\": $*"
}

# stage NAME OPTION...: one process, the options of run.ini, products in ./run unless --out says otherwise.
stage() {
  local name=$1
  shift
  "$bin/bitdarts-$name" --config run.ini "$@"
}

# ranks N NAME OPTION...: the same under mpirun.
ranks() {
  local count=$1 name=$2
  shift 2
  "$tests/mpirun" "$count" "$bin/bitdarts-$name" --config run.ini "$@"
}

# make NAME OPTION...: as `stage`, and it must succeed.
make() { expect 0 "" stage "$@" --quiet; }

# unprivileged COMMAND...: as one whom the file system refuses what permissions forbid. Root stays root, for programs and folders may
# lie where nobody else may enter, and loses the right to pass over permissions.
unprivileged() {
  if [ "$(id -u)" != 0 ]; then "$@"; else setpriv --bounding-set=-dac_override,-dac_read_search --inh-caps=-all "$@"; fi
}
# Is there such a one here? A container may forbid root to give anything up.
can_be_unprivileged() {
  unprivileged true 2> /dev/null || return 1
  mkdir refusing && chmod a-w refusing
  local code=0
  unprivileged touch refusing/file 2> /dev/null || code=$?
  rm -rf refusing
  [ $code != 0 ]
}

# How many processes share a core at the moment, in hundredths, at least 100. Tests wait for states, and a time limit, which is there
# for what hangs, is one of a machine of one's own: on a busy one it is so many times as long.
crowding() { # sets `crowded`
  local load
  read -r load _ < /proc/loadavg
  crowded=$((10#${load/./} / $(nproc)))
  if [ $crowded -lt 100 ]; then crowded=100; fi
}

# preload LIBRARY: sets `preload`, the variables with which `env` starts a program that has LIBRARY loaded before all others. The loader
# splits LD_PRELOAD at blanks, and so it gets a name alone.
preload=()
# shellcheck disable=SC2034 # for the tests
preload() {
  local library
  library=$(readlink -f "$1")
  preload=("LD_LIBRARY_PATH=$(dirname "$library")${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" "LD_PRELOAD=$(basename "$library")")
}

inspect() { "$bin/bitdarts-inspect" "$@"; }
same() { expect 0 "bit-identical" inspect --diff "$1" "$2"; }

# write_text PARAGRAPHS: sentences of a small grammar, the same on every machine.
write_text() {
  awk -v paragraphs="$1" '
    function roll(n) { state = (state * 16807) % 2147483647; return 1 + state % n }
    function noun() { return nouns[roll(8)] }
    function sentence() {
      return "the " adjectives[roll(5)] " " noun() " " verbs[roll(6)] " the " noun() (roll(3) == 1 ? " near the " noun() : "") ". "
    }
    BEGIN {
      state = 2024
      split("fox hen dog owl cat mouse horse goose", nouns)
      split("small old quick grey sleepy", adjectives)
      split("sees hears follows finds likes leaves", verbs)
      for (p = 0; p < paragraphs; ++p) {
        text = ""
        for (s = 3 + roll(4); s > 0; --s) text = text sentence()
        print text "\n"
      }
    }'
}

# write_ini: a pipeline of seconds; the options of a test go on the command line.
write_ini() {
  cat << 'INI'
[data]
text = text.txt
document = paragraph
[tokenizer]
vocab_size = 300
[model]
dim = 16
layers = 1
heads = 2
context = 16
[pretrain]
steps = 4
batch = 4
warmup_steps = 1
validation_every = 2
validation_batches = 1
[quantizer]
calibration_sequences = 4
[search]
steps = 4
batch = 4
weight_candidates = lsq+:3 lsq+:4 pact:8 uniform:6
activation_candidates = lsq+:4 pact:8 uniform:8
budget = w4a8
warmup_steps = 1
log_every = 1
[finetune]
steps = 3
batch = 4
warmup_steps = 1
validation_every = 2
validation_batches = 1
[evaluate]
batch = 8
[run]
shards = 4
out = run
INI
}

write_text 200 > text.txt
write_ini > run.ini
