#!/usr/bin/env bash
# directory.sh BIN: one run at a time writes to a directory, what cannot be written is said before the work, and a stage takes only
# inputs that belong together.
# shellcheck source=common.sh
. "$(dirname "$0")/common.sh" "$1"

make tokenize
for name in pretrain search; do make $name; done

# While one run writes to it, a second is refused and told of the first; reading goes on. A killed run holds nothing.
long="--pretrain.steps=1000000 --pretrain.validation_every=0"
# shellcheck disable=SC2086 # two options
ranks 2 pretrain --out taken --in run $long > first 2>&1 &
first=$!
until [ -s taken/.lock ]; do sleep 0.05; kill -0 $first || fail "the first run has ended: $(cat first)"; done
holder=$(sed -n 's/.*process \([0-9]*\) on.*/\1/p' taken/.lock)
expect 1 "another run is writing to this directory: bitdarts-pretrain, process $holder on " stage pretrain --out taken --in run
expect 1 "where: taken" ranks 2 finetune --out taken --in run
[ "$(grep -c ': error: ' said)" = 1 ] || fail "not one message"
expect 3 "taken" stage report --out taken
kill -0 "$holder" || fail "the first run was disturbed"
kill -KILL "$holder"
wait $first && fail "a run without rank 0 ends well"
[ -e taken/.lock ] || fail "a killed process cleaned up?"
make pretrain --out taken --in run
[ ! -e taken/.lock ] || fail "the lock outlives its run"
same run/pretrained.h5 taken/pretrained.h5

# An up-to-date product can be looked at where nothing can be written; anything else is said before the work, not after.
if can_be_unprivileged; then
  chmod a-w run
  expect 0 "up to date" unprivileged "$bin/bitdarts-pretrain" --config run.ini
  expect 1 "nothing can be written" unprivileged "$bin/bitdarts-pretrain" --config run.ini --pretrain.steps=3
  ! grep -q "training tokens" said || fail "starts to work"
  chmod u+w run
else
  echo "skipped: here root cannot give up its right to write everywhere"
fi

# Inputs that do not belong together.
make pretrain --out other --in run --pretrain.steps=3
make finetune
cp run/pretrained.h5 mine.h5
cp other/pretrained.h5 run/pretrained.h5
for name in finetune evaluate; do
  expect 3 "was made from another pretrained.h5" stage $name --finetune.steps=2
  grep -q "where: run/pretrained.h5" said || fail "does not name the file"
done
make finetune --out by_hand --in run --finetune.scheme=uniform:lsq+:w4a8 # takes no search
cp mine.h5 run/pretrained.h5
make tokenize --out larger --tokenizer.vocab_size=310
cp run/tokens.h5 mine.h5
cp larger/tokens.h5 run/tokens.h5
expect 3 "was made from another tokens.h5" stage search --search.steps=3
cp mine.h5 run/tokens.h5
# Training may go on with another text.
head -n 240 text.txt > half.txt
h5dump -d /tokenizer/model -b LE -o given.model run/tokens.h5 > said
make tokenize --out half --data.text=half.txt --tokenizer.model=given.model
make pretrain --out half --pretrain.initial=run/pretrained.h5
echo "directory: all is well"
