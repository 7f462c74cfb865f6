#!/usr/bin/env bash
# evaluate.sh BIN: bitdarts-evaluate at the end of a small chain. The same file whatever the ranks, every token scored, the
# packed weights in the file, up to date when called again, a bad file for every input.
# shellcheck source=common.sh
. "$(dirname "$0")/common.sh" "$1"

evaluate() { # RANKS OPTION...
  local ranks=$1
  shift
  ranks "$ranks" evaluate "$@"
}
attribute() { # FILE NAME: an attribute of /evaluation
  h5dump -y -a "/evaluation/$2" "$1" | grep -A1 'DATA {' | tail -1 | tr -d ' "'
}
same() { h5diff -c --exclude-path /provenance "$1" "$2" || fail "$1 and $2 differ"; }

for i in $(seq 1 600); do printf 'Verse %d of a text that repeats itself %d times.\n\n' "$i" $((i * 7919 % 1000)); done > text.txt
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
[finetune]
steps = 2
batch = 4
warmup_steps = 1
validation_batches = 1
scheme = scheme.txt
[evaluate]
batch = 5
[run]
shards = 4
out = run
INI
cat > scheme.txt <<'TABLE'
*.q_proj lsq+:3 pact:8
*.k_proj pact:5 uniform:8
*.v_proj fp32 fp32
*.o_proj uniform:7 lsq+:6
*.mlp.* lsq+:4 lsq+:8
TABLE
sed -i 's/^\*/model.layers.0/; s/model.layers.0\.\([qkvo]_\)/model.layers.0.self_attn.\1/' scheme.txt
export OMP_NUM_THREADS=1
make tokenize
make pretrain
make finetune

expect 0 "perplexity" evaluate 1
grep -q "BOPs ratio .*with the output head" said || fail "the bit operations with the output head are not said"
cp run/evaluation.h5 one.h5
for ranks in 2 4; do
  expect 0 "bits per byte" evaluate "$ranks" --force
  same one.h5 run/evaluation.h5
done
expect 0 "up to date" evaluate 2

[ "$(attribute one.h5 protocol)" = "testpart,windowsof16tokens,stride16,everytokenbutthefirstscoredonce" ] || fail "protocol"
[ "$(attribute one.h5 packed_logits_equal)" = 1 ] || fail "the packed model is not the fake-quantized one"
tokens=$(h5ls run/tokens.h5/tokens/test | grep -o '[0-9]*}' | tr -d '}')
[ "$(attribute one.h5 tokens)" = $((tokens - 1)) ] || fail "not every token of the test part was scored"
[ "$(attribute one.h5 windows)" = $(((tokens - 1 + 15) / 16)) ] || fail "number of windows"
for name in strategy budget chosen; do # where the scheme is from: as the finetuned file says it, if it does
  said=$(h5dump -y -a "/finetune/$name" run/finetuned.h5 2>/dev/null | grep -A1 'DATA {' || true)
  [ "$(h5dump -y -a "/evaluation/$name" one.h5 2>/dev/null | grep -A1 'DATA {' || true)" = "$said" ] || fail "$name of the scheme"
done
awk -v a="$(attribute one.h5 bops_ratio)" -v b="$(attribute one.h5 bops_ratio_all)" 'BEGIN { exit !(a < b) }' || fail "the output head adds nothing to the bit operations"
said=$(h5dump -y -d /evaluation/window_tokens one.h5 | sed -n '/DATA {/,/}/p' | tr -cd '0-9 ,' | tr ',' ' ')
counted=0; for scored in $said; do counted=$((counted + scored)); done
[ "$counted" = "$(attribute one.h5 tokens)" ] || fail "the tokens of the windows are not those scored"
h5ls one.h5/packed/model.layers.0.self_attn.q_proj/codes | grep -q '{16, 6}' || fail "3-bit rows of 16 codes take 6 bytes"

# Overlapping windows score the same tokens with more to go by; a shorter text has the bytes of its tokens.
expect 0 "stride 4" evaluate 2 --evaluate.stride=4
[ "$(attribute run/evaluation.h5 tokens)" = $((tokens - 1)) ] || fail "a stride leaves tokens out"
cp run/evaluation.h5 strided.h5
expect 0 "first 100 tokens" evaluate 2 --evaluate.max_tokens=100
[ "$(attribute run/evaluation.h5 tokens)" = 99 ] || fail "max_tokens"
[ "$(attribute run/evaluation.h5 bytes)" -lt "$(attribute one.h5 bytes)" ] || fail "the bytes of a shorter text"
expect 0 "test part, windows" evaluate 1 --evaluate.max_tokens=1000000
[ "$(attribute run/evaluation.h5 bytes)" = "$(attribute one.h5 bytes)" ] || fail "a limit beyond the end changes the bytes"

expect 2 "evaluate.max_tokens" evaluate 2 --evaluate.max_tokens=1
expect 2 "stride" evaluate 2 --evaluate.stride=17
expect 2 "evaluate.stride" evaluate 2 --model.context=32 --evaluate.stride=17 # the model in the file has 16

# A bad file for every input: missing, damaged, of another stage, of another model.
cp -r run good
for input in tokens pretrained finetuned; do
  rm -rf run && cp -r good run && rm "run/$input.h5"
  expect 3 "$input.h5" evaluate 2 --force
  cp "good/$input.h5" run && truncate -s -2000 "run/$input.h5"
  expect 3 "$input.h5" evaluate 2 --force
  cp good/evaluation.h5 "run/$input.h5"
  expect 3 "$input.h5" evaluate 1 --force
  same good/evaluation.h5 run/evaluation.h5 # the last good product stays
done
rm -rf run && cp -r good run
cp -r good other
make pretrain --out other --model.dim=8
cp other/pretrained.h5 run
expect 3 "another pretrained.h5" evaluate 2 --force
rm -rf other && cp -r good other
make tokenize --out other --tokenizer.vocab_size=310
cp good/pretrained.h5 run && cp other/tokens.h5 run
expect 3 "another tokens.h5" evaluate 2 --force
echo "evaluate: all is well"
