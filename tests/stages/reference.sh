#!/usr/bin/env bash
# reference.sh BIN: bitdarts-reference makes the same file whatever the ranks, and an evaluation beside it has the bits of one that runs
# the full-precision model itself. A reference.h5 of anything else, or a damaged one, is said to be so, and not used.
# shellcheck source=common.sh
. "$(dirname "$0")/common.sh" "$1"

used="evaluate: the full-precision model's predictions are those of run/reference.h5"
number() { h5dump -y -m '%.17g' -a "$2" "$1" | grep -A1 'DATA {' | tail -1 | tr -d ' '; } # FILE ATTRIBUTE
facts() { inspect "$1" | grep -o '\(key\|from [a-z]*\) [0-9a-f]\{32\}'; }                 # FILE: key and inputs
flip_bit() { # FILE OFFSET
  local byte
  byte=$(od -An -tu1 -j "$2" -N 1 "$1")
  # shellcheck disable=SC2059 # the format is the byte
  printf "\\x$(printf %02x $((byte ^ 16)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

# With windows that overlap, a short text, batches that divide nothing; an output head of its own, quantized and not.
models="--model.tied_embeddings=true
--model.tied_embeddings=false --quantizer.quantize_head=true --quantizer.weight_scale=channel"
protocols="--evaluate.stride=0
--evaluate.stride=5 --evaluate.batch=3
--evaluate.stride=7 --evaluate.max_tokens=333 --evaluate.batch=1000"
while read -r -a model; do
  rm -rf run
  make tokenize "${model[@]}"
  make pretrain "${model[@]}"
  make finetune --finetune.scheme=uniform:lsq+:w3a4 "${model[@]}"
  make finetune --out beside --in run --finetune.scheme=uniform:pact:w5a8 "${model[@]}"
  while read -r -a protocol; do
    options=("${model[@]}" "${protocol[@]}")
    rm -f run/reference.h5
    make evaluate --force "${options[@]}"
    mv run/evaluation.h5 plain.h5
    make evaluate --out beside --in run --force "${options[@]}"
    mv beside/evaluation.h5 plain.beside.h5
    for count in 1 2 4; do
      expect 0 "^reference: full precision; " ranks $count reference --force "${options[@]}"
      [ $count = 1 ] && cp run/reference.h5 one.h5
      same one.h5 run/reference.h5
    done
    for count in 1 2; do
      expect 0 "$used" ranks $count evaluate --force "${options[@]}"
      same plain.h5 run/evaluation.h5
      [ "$(facts plain.h5)" = "$(facts run/evaluation.h5)" ] || fail "another key, or other inputs, beside a reference.h5"
    done
    expect 0 "$used" stage evaluate --out beside --in run --force "${options[@]}"
    same plain.beside.h5 beside/evaluation.h5
    for name in nll perplexity bits_per_byte; do
      [ "$(number one.h5 /reference/$name)" = "$(number plain.h5 /evaluation/full_precision_$name)" ] || fail "another $name"
    done
  done <<< "$protocols"
done <<< "$models"

# Up to date: by its own inputs and options; and an evaluation is so with and without it.
rm -rf run && make tokenize && make pretrain && make finetune --finetune.scheme=uniform:lsq+:w4a8
expect 0 "reference: wrote run/reference.h5" stage reference
expect 0 "reference: up to date" stage reference --search.steps=100 --finetune.steps=100
expect 0 "whole" inspect run/reference.h5
grep -q "^  reference .*bits_per_byte" said || fail "inspect does not say what is in it: $(cat said)"
tokens=$(h5ls run/tokens.h5/tokens/test | grep -o '[0-9]*}' | tr -d '}')
h5ls run/reference.h5/reference/hidden | grep -q "{$((tokens - 1)), 16}" || fail "not one state for every token scored"
cp run/reference.h5 good.h5
expect 0 "evaluate: wrote" stage evaluate
cp run/evaluation.h5 plain.h5
rm run/reference.h5
expect 0 "evaluate: up to date" stage evaluate
cp good.h5 run/reference.h5
expect 0 "evaluate: up to date" stage evaluate
expect 0 "reference: wrote" stage reference --evaluate.stride=8
expect 0 "reference: wrote" stage reference --pretrain.steps=100 --evaluate.stride=0
same good.h5 run/reference.h5

# What lies there and is not what is needed: one warning that names the file and what to do, and the bits are those of always.
passed_over() { # WHY [OPTION...]
  local why=$1
  shift
  expect 0 "evaluate: warning: run/reference.h5 is not used: it $why" stage evaluate --force "$@"
  [ "$(grep -c warning said)" = 1 ] || fail "not one warning"
  grep -q "bitdarts-reference makes it again" said || fail "does not say what to do"
  ! grep -q "^$used" said || fail "uses what it warns of"
  same plain.h5 run/evaluation.h5
}
make reference --evaluate.batch=3
passed_over "was made from other inputs or with other options"
make tokenize --out other && make pretrain --out other --pretrain.steps=6 && make reference --out other
cp other/reference.h5 run && passed_over "was made from other inputs"
cp run/pretrained.h5 run/reference.h5 && passed_over "was made from other inputs"
: > run/reference.h5 && passed_over "is damaged"
echo "no HDF5" > run/reference.h5 && passed_over "is damaged"
size=$(stat -c %s good.h5)
for i in 1 5 9; do
  head -c $((size * i / 10)) good.h5 > run/reference.h5 && passed_over "is damaged"
  cp good.h5 run/reference.h5 && flip_bit run/reference.h5 $((size * i / 10 + i * 7))
  if inspect run/reference.h5 > said 2>&1; then continue; fi # where a file has gaps nothing is damaged
  passed_over "is damaged"
done
rm run/reference.h5 && mkdir run/reference.h5 && passed_over "is damaged" && rmdir run/reference.h5
ln -s nowhere.h5 run/reference.h5
expect 0 "evaluate: wrote" stage evaluate --force
! grep -q "warning\|$used" said || fail "a link to nothing is something"
expect 0 "reference: wrote" stage reference # in the place of the link
same good.h5 run/reference.h5
[ -z "$(find run -name '*.tmp')" ] || fail "the stage left something behind"
echo "reference: all is well"
