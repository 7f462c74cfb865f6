#!/usr/bin/env bash
# stops.sh BIN: work that would take hours or for ever, of every stage, ends with exit code 75 after a signal to one rank, and with a
# checkpoint where steps were done. Nothing here waits for a time: what is not heard runs into the limit of the test.
# shellcheck source=common.sh
. "$(dirname "$0")/common.sh" "$1"
# shellcheck source=interrupt.sh
. "$tests/stages/interrupt.sh"
unset BITDARTS_RUN_STOP_SECONDS

# stopped SIGNAL RANK/RANKS PATTERN STAGE OPTION...: the rank gets the signal once rank 0 has said PATTERN; without one, once it
# watches for signals.
stopped() {
  local signal=$1 which=$2 victim=pid.${2%/*} count=${2#*/} pattern=$3 name=$4 job code=0 line
  shift 4
  rm -f pid.*
  : > said
  "$tests/mpirun" "$count" ./ranked "$bin/bitdarts-$name" --config run.ini "$@" > /dev/null 3>&- &
  job=$!
  exec 3< lines
  if [ -z "$pattern" ]; then
    until [ -s "$victim" ] && watches "$(cat "$victim")"; do
      kill -0 "$job" 2> /dev/null || fail "$name ended before it could be interrupted"
      sleep 0.02
    done
    kill -s "$signal" "$(cat "$victim")"
    pattern="nothing that is said"
  fi
  while IFS= read -r line <&3; do
    printf '%s\n' "$line" >> said
    case $line in *"$pattern"*) kill -s "$signal" "$(cat "$victim")" || true ;; esac
  done
  exec 3<&-
  wait "$job" || code=$?
  [ "$code" = 75 ] || fail "exit $code instead of 75: $name after SIG$signal to $which"
  [ "$(grep -c ': interrupted' said)" = 1 ] || fail "not one message of the interruption: $name"
}

# Letters without a space: nothing repeats, and 8000 pieces take minutes.
awk 'BEGIN { srand(1); for (i = 0; i < 3000000; ++i) printf "%c", 97 + int(26 * rand()); print "" }' > letters.txt
for ranks in 0/1 1/2; do
  stopped TERM $ranks "training a tokenizer" tokenize --data.text=letters.txt --data.document=file \
    --data.search_fraction=1e-9 --data.test_fraction=1e-9 --tokenizer.vocab_size=8000 --out letters
  [ ! -e letters/tokens.h5 ] || fail "an interrupted run left a product"
done

make tokenize
# Validation, within a step and before the first.
stopped INT 1/2 "parameters" pretrain --pretrain.validation_every=1 --pretrain.validation_batches=1000000000
grep -q "interrupted after step 1 of 4; the state is saved" said || fail "the step before the validation is not saved"
stopped TERM 0/1 "resuming after step 1" pretrain --pretrain.validation_every=1 --pretrain.validation_batches=1000000000
grep -q "interrupted after step 1 of 4; nothing has changed" said || fail "a validation that goes on has changed something"
make pretrain
stopped TERM 0/2 "" search --quantizer.calibration_sequences=1000000000
stopped TERM 1/2 "" search --search.strategy=sensitivity --search.sensitivity_sequences=1000000000
stopped TERM 1/2 "" search --search.strategy=fisher --search.fisher_batches=1000000000
make search
stopped TERM 1/2 "" finetune --finetune.validation_batches=1000000000
