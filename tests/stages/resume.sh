#!/usr/bin/env bash
# resume.sh BIN: a training stage that is asked to stop ends with exit code 75 and a checkpoint; the same command, on any number
# of ranks, goes on from there to the bits of a run that was left in peace.
# shellcheck source=common.sh
. "$(dirname "$0")/common.sh" "$1"
# shellcheck source=interrupt.sh
. "$tests/stages/interrupt.sh"
export BITDARTS_PRETRAIN_STEPS=5 BITDARTS_SEARCH_STEPS=5 BITDARTS_FINETUNE_STEPS=5
export BITDARTS_SEARCH_ORDER=second BITDARTS_SEARCH_RELAXATION=gumbel BITDARTS_FINETUNE_FROM=searched

checkpoint() { find "cut/.checkpoints/$1" -name "*-$2.h5"; } # PRODUCT STEP
tidy() { [ -z "$(find cut -name '*.tmp' -o -name '.checkpoints')" ] || fail "something is left: $(find cut)"; }
input() { cp "whole/$1.h5" cut; }

make tokenize --out whole
for name in pretrain search finetune evaluate; do make $name --out whole; done

mkdir cut && input tokens
expect 3 "no checkpoint" stage pretrain --out cut --resume=require
interrupt TERM 1/2 pretrain --out cut
[ -n "$(checkpoint pretrained "$step")" ] || fail "no checkpoint of step $step"
[ ! -e cut/pretrained.h5 ] || fail "an interrupted run left a product"
before=$step
interrupt USR1 0/2 pretrain --out cut --resume=require
grep -q "resuming after step $before " said || fail "does not go on from the checkpoint"
expect 3 "no checkpoint" stage pretrain --out cut --resume=require --pretrain.learning_rate=0.1 # it belongs to another run
expect 0 "resuming after step $step " ranks 4 pretrain --out cut --resume=require
same whole/pretrained.h5 cut/pretrained.h5
tidy

# The newest checkpoint is damaged: the one before it serves.
input pretrained
interrupt USR1 0/2 search --out cut
before=$step
interrupt USR2 3/4 search --out cut
newest=$(checkpoint searched "$step")
truncate -s -500 "$newest"
expect 0 "resuming after step $before " stage search --out cut
grep -q "$newest is passed over" said || fail "says nothing of the damaged checkpoint"
same whole/searched.h5 cut/searched.h5
tidy

# The product of an earlier configuration stays until the new one is whole.
input searched
make finetune --out cut --finetune.learning_rate=0.1
cp cut/finetuned.h5 earlier.h5
interrupt TERM 0/1 finetune --out cut
cmp earlier.h5 cut/finetuned.h5 || fail "an interrupted run touched the last good product"
interrupt TERM 1/4 finetune --out cut
expect 0 "resuming after step $step " ranks 2 finetune --out cut
same whole/finetuned.h5 cut/finetuned.h5
expect 0 "up to date" stage finetune --out cut --resume=require
tidy

# An evaluation starts over, of the full-precision model alone too.
interrupt TERM 1/2 reference --out cut
[ ! -e cut/reference.h5 ] || fail "an interrupted stage left a product"
tidy
interrupt TERM 1/2 evaluate --out cut
[ ! -e cut/evaluation.h5 ] || fail "an interrupted evaluation left a product"
expect 0 "" stage evaluate --out cut
same whole/evaluation.h5 cut/evaluation.h5
tidy
echo "resume: all is well"
