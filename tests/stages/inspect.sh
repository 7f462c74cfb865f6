#!/usr/bin/env bash
# inspect.sh BIN: bitdarts-inspect on the products of a small chain. What it says of whole, damaged and foreign files, its exit
# codes, and a scheme table that finetune reads.
# shellcheck source=common.sh
. "$(dirname "$0")/common.sh" "$1"

for i in $(seq 1 400); do printf 'Verse %d of a text that repeats itself %d times.\n\n' "$i" $((i * 7919 % 1000)); done > text.txt
cat > run.ini <<'INI'
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
weight_candidates = lsq+:4 pact:8
activation_candidates = lsq+:8 fp32
budget = w8a8
warmup_steps = 1
[finetune]
steps = 2
batch = 4
warmup_steps = 1
validation_batches = 1
[run]
shards = 2
out = run
INI
make tokenize
make pretrain
make search

# A whole file, in words.
expect 0 "a product of bitdarts-tokenize" inspect run/tokens.h5
grep -q "whole" said || fail "does not say that the file is whole"
grep -Eq "train +[0-9,]+ +[0-9,]+ +[0-9,]+" said || fail "does not count the tokens of each part"
expect 0 "decoder of 1 block, width 16" inspect run/pretrained.h5
grep -q "pretrain.steps = 4" said || fail "does not list the options that were set"
expect 0 "budget w8a8" inspect run/searched.h5
grep -q "from pretrained" said || fail "does not name the inputs"

# The scheme: stdout is the table and nothing else, and finetune takes it.
inspect --scheme run/searched.h5 > scheme.txt
[ "$(grep -vc '^#' scheme.txt)" = 7 ] || fail "the table has not one line for each of 7 layers"
make finetune --out other --in run --finetune.scheme=scheme.txt
make finetune --finetune.ranges=calibrated  # a table has no ranges
inspect --scheme other/finetuned.h5 | cmp - scheme.txt || fail "finetune read another scheme than was printed"
expect 3 "no scheme" inspect --scheme run/pretrained.h5
inspect --scheme run/searched.h5 --budget w8a8 | cmp - scheme.txt || fail "the first budget has another table"
expect 3 "w4a4, but for w8a8" inspect --scheme run/searched.h5 --budget w4a4
expect 2 "usage" inspect --scheme run/searched.h5 --budget

# Differences: none with a copy, some between stages, none where only the way to the scheme differed but what it is called.
cp run/searched.h5 copy.h5
expect 0 "bit-identical" inspect --diff run/searched.h5 copy.h5
expect 1 "/search" inspect --diff run/searched.h5 run/pretrained.h5
expect 1 "/finetune@scheme" inspect --diff run/finetuned.h5 other/finetuned.h5
[ "$(grep -vcE '^/finetune@(scheme|strategy|budget):' said)" = 0 ] || { cat said >&2; fail "the printed scheme does not give the searched one's result"; }

# Missing, damaged, foreign.
expect 3 "does not exist" inspect none.h5
expect 3 "does not exist" inspect --diff run/searched.h5 none.h5
printf 'damage' | dd of=copy.h5 bs=1 seek=$(($(stat -c %s copy.h5) / 2)) conv=notrunc status=none
expect 3 "DAMAGED" inspect copy.h5
grep -q "bitdarts-search" said || fail "does not say what the damaged file was"
expect 3 "damaged" inspect --scheme copy.h5
expect 3 "copy.h5 is damaged" inspect --diff run/searched.h5 copy.h5
head -c 3000 run/searched.h5 > cut.h5
expect 3 "DAMAGED" inspect cut.h5
expect 3 "DAMAGED" inspect text.txt

# Wrong usage.
expect 2 "usage" inspect --scheme
expect 2 "usage" inspect --dif run/searched.h5 copy.h5
expect 2 "usage" inspect run/searched.h5 copy.h5
code=0
inspect > said 2>&1 || code=$?
[ "$code" = 2 ] || fail "no arguments: exit $code"
expect 0 "usage" inspect --help
