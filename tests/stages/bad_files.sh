#!/usr/bin/env bash
# bad_files.sh BIN: a bad file for every input of every stage. Exit code 3 (2 where a file is configuration), one message that names
# the file, nothing on stdout, and the results directory as it was.
# shellcheck source=common.sh
. "$(dirname "$0")/common.sh" "$1"

flip_bit() { # FILE OFFSET
  local byte
  byte=$(od -An -tu1 -j "$2" -N 1 "$1")
  # shellcheck disable=SC2059 # the format is the byte
  printf "\\x$(printf %02x $((byte ^ 16)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

# spoil KIND FILE
spoil() {
  case $1 in
    missing) rm "$2" ;;
    empty) : > "$2" ;;
    truncated) truncate -s $(($(stat -c %s "$2") * 2 / 3)) "$2" ;;
    text) echo "this is not what was expected" > "$2" ;;
    flipped) flip_bit "$2" $(($(stat -c %s "$2") / 2)) ;;
    foreign) if [ "${2##*/}" = tokens.h5 ]; then cp good/searched.h5 "$2"; else cp good/tokens.h5 "$2"; fi ;;
    folder) rm "$2" && mkdir "$2" ;;
  esac
}

# A stage that finds its input unsuitable has held the lock meanwhile: the time of the folder tells nothing.
results() { find run \( -type d -printf '%p\n' -o -printf '%p %i %s %T@\n' \) 2> /dev/null | sort || true; }

# refuse CODE NAMED COMMAND...: what is promised above; NAMED is in the message.
refuse() {
  local want=$1 named=$2 code=0 before
  shift 2
  before=$(results)
  "$@" > printed 2> said || code=$?
  [ "$code" = "$want" ] || fail "exit $code instead of $want: $*"
  [ "$(grep -c ': error: ' said)" = 1 ] || fail "not one message: $*"
  grep -qF -- "$named" said || fail "does not name $named: $*"
  [ ! -s printed ] || fail "prints $(head -1 printed): $*"
  [ "$(results)" = "$before" ] || fail "changes the results: $*"
}
fresh() { rm -rf run && cp -r good run; }

for name in tokenize pretrain search finetune evaluate report; do make $name --out good; done
rm -r good/report

# Products, as inputs of the stages.
kinds="missing empty truncated text flipped foreign"
refuse_products() { # STAGE PRODUCT...
  local name=$1 product kind
  shift
  for product in "$@"; do
    for kind in $kinds; do
      fresh
      spoil "$kind" "run/$product.h5"
      refuse 3 "run/$product.h5" stage "$name"
    done
  done
}
refuse_products pretrain tokens
refuse_products search tokens pretrained
refuse_products finetune tokens pretrained searched
kinds="empty text flipped" # evaluate.sh has the others
refuse_products evaluate tokens pretrained finetuned
refuse_products reference tokens pretrained
for kind in missing truncated foreign folder; do
  fresh
  cp good/pretrained.h5 initial.h5 && spoil "$kind" initial.h5
  refuse 3 initial.h5 stage pretrain --pretrain.initial=initial.h5
  rm -rf initial.h5
done
fresh && spoil flipped run/pretrained.h5
refuse 3 run/pretrained.h5 ranks 2 search

# Whole, and of another text or model.
fresh
make tokenize --out larger --tokenizer.vocab_size=310
cp larger/tokens.h5 run
refuse 3 run/tokens.h5 stage search
refuse 3 run/tokens.h5 stage finetune --finetune.scheme=uniform:lsq+:w4a8
fresh
refuse 3 good/pretrained.h5 stage pretrain --model.dim=32 --pretrain.initial=good/pretrained.h5
refuse 3 run/tokens.h5 stage pretrain --model.context=4096
make pretrain --out larger --in good --model.layers=2
cp larger/pretrained.h5 run
refuse 3 run/searched.h5 stage finetune

# Schemes are configuration.
fresh
refuse_scheme() { # NAMED: the table is on stdin
  cat > scheme.txt
  refuse 2 "$1" stage finetune --finetune.scheme=scheme.txt
}
refuse_scheme scheme.txt:1 <<< 'model.layers.0.self_attn.q_porj lsq+:4 lsq+:8'
grep -q "model.layers.0.self_attn.q_proj" said || fail "does not suggest the nearest layer"
refuse_scheme scheme.txt:2 <<< $'# one layer\nmodel.layers.0.self_attn.q_proj lsq+:40 lsq+:8'
refuse_scheme "model.layers.0.self_attn.k_proj" <<< 'model.layers.0.self_attn.q_proj lsq+:4 lsq+:8'
grep -q scheme.txt said || fail "does not name the table"
refuse_scheme scheme.txt:1 <<< '* lsq+:4'
refuse_scheme scheme.txt < /dev/null
rm scheme.txt
refuse 2 scheme.txt stage finetune --finetune.scheme=scheme.txt
refuse 2 good stage finetune --finetune.scheme=good
refuse 2 good/tokens.h5 stage finetune --finetune.scheme=good/tokens.h5
refuse 2 finetune.scheme stage finetune --finetune.scheme=uniform:lsq+:w4

# What tokenize reads.
rm -rf run
printf '{"text": "%s"}\n' one two three > good.jsonl
gzip -k good.jsonl text.txt
refuse_text() { refuse 3 "$1" stage tokenize --data.text="$1"; }
refuse_text none.txt
: > empty.txt && refuse_text empty.txt
mkdir folder && refuse_text folder
head -c 4000 text.txt.gz > cut.txt.gz && refuse_text cut.txt.gz
cp text.txt.gz flipped.txt.gz && flip_bit flipped.txt.gz 4000 && refuse_text flipped.txt.gz
cp text.txt plain.txt.gz && refuse_text plain.txt.gz
: > empty.txt.gz && refuse_text empty.txt.gz
printf '{"text": "fine"}\n{"text": \n' > open.jsonl && refuse_text open.jsonl
printf '{"text": "fine"}\n{"title": "no text"}\n' > other.jsonl && refuse_text other.jsonl
printf '{"text": 7}\n' > number.jsonl && refuse_text number.jsonl
printf 'plain\n' > plain.jsonl && refuse_text plain.jsonl
head -c 45 good.jsonl.gz > cut.jsonl.gz && refuse_text cut.jsonl.gz
refuse 3 open.jsonl ranks 2 tokenize --data.text=open.jsonl
h5dump -d /tokenizer/model -b LE -o given.model good/tokens.h5 > said
for kind in missing empty truncated text folder; do
  cp given.model bad.model && spoil $kind bad.model
  refuse 3 bad.model stage tokenize --tokenizer.model=bad.model
  rm -rf bad.model
done
refuse 3 good/tokens.h5 stage tokenize --tokenizer.model=good/tokens.h5

# Where nothing can be written.
refuse 1 text.txt/run stage tokenize --out text.txt/run

# A report leaves out what is bad and says so; with nothing left there is no report.
fresh && spoil flipped run/searched.h5
expect 0 "warning: run/searched.h5" stage report
rm -rf run && mkdir run && cp good/searched.h5 run/tokens.h5
expect 3 "run/tokens.h5" stage report
[ ! -e run/report ] || fail "a report on nothing"
rm -r run && refuse 3 run stage report

# Wherever a bit flips and wherever a file ends: it is damaged, or what it says is unchanged. Never a crash.
whole_or_refused() { # GOOD FILE
  local code=0
  inspect "$2" > said 2>&1 || code=$?
  if [ "$code" = 0 ]; then same "$1" "$2"; else [ "$code" = 3 ] || fail "exit $code: inspect $2"; fi
}
grep -obUa FHDB good/searched.h5 | cut -d: -f1 > heaps # lists of names, which HDF5 1.10 can crash on
while read -r offset; do
  cp good/searched.h5 fuzzed.h5 && flip_bit fuzzed.h5 "$offset"
  expect 3 "DAMAGED" inspect fuzzed.h5
done < heaps
for file in good/tokens.h5 good/finetuned.h5; do
  size=$(stat -c %s $file)
  for i in $(seq 0 39); do
    cp $file fuzzed.h5 && flip_bit fuzzed.h5 $(((size * i / 40 + i * 7919 % 997) % size))
    whole_or_refused $file fuzzed.h5
    head -c $((size * i / 40)) $file > fuzzed.h5
    expect 3 "fuzzed.h5" inspect fuzzed.h5
  done
  for offset in $(seq 0 2 95); do # the superblock, and what comes first
    cp $file fuzzed.h5 && flip_bit fuzzed.h5 "$offset"
    whole_or_refused $file fuzzed.h5
  done
done
echo "bad files: all is well"
