#!/usr/bin/env bash
# config.sh BIN: where options come from and what is refused, as every executable does it.
# shellcheck source=common.sh
. "$(dirname "$0")/common.sh" "$1"

value() { sed -n "/^\[$1\]/,/^\[/s/^$2 = //p" said; } # SECTION KEY, of the last --print-config
prints() {                                            # VALUE COMMAND...: search.steps as it is resolved
  local want=$1
  shift
  expect 0 "^\[search\]" "$@" --print-config
  [ "$(value search steps)" = "$want" ] || fail "search.steps = $(value search steps) instead of $want: $*"
}

# Command line > environment > file > default, and the stages agree.
printf '[search]\nsteps = 521 # in the file\n' > steps.ini
prints 500 "$bin/bitdarts-tokenize"
for name in tokenize report; do prints 521 "$bin/bitdarts-$name" --config steps.ini; done
for name in tokenize search; do prints 522 env BITDARTS_SEARCH_STEPS=522 "$bin/bitdarts-$name" --config steps.ini; done
for name in tokenize pretrain search finetune evaluate report; do
  prints 523 env BITDARTS_SEARCH_STEPS=522 "$bin/bitdarts-$name" --config steps.ini --search.steps=523
  expect 2 "did you mean search.steps?" "$bin/bitdarts-$name" --search.setps=1
done
for name in tokenize report; do expect 0 "\[search\]" "$bin/bitdarts-$name" --help; done

# What is printed is a configuration, and the same one.
expect 0 "" stage report --search.budget=2% --finetune.scheme=my.txt --run.seed=7 --print-config
cp said resolved.ini
expect 0 "" "$bin/bitdarts-report" --config resolved.ini --print-config
diff resolved.ini said || fail "the printed configuration reads back as another"

# refuse PATTERN COMMAND...: exit 2, one message that says PATTERN, nothing made.
refuse() {
  local pattern=$1
  shift
  expect 2 "$pattern" "$@"
  [ "$(grep -c ': error: ' said)" = 1 ] || fail "not one message: $*"
  [ ! -e run ] || fail "a wrong configuration made something: $*"
}
misspelt() { # FILE-CONTENT PATTERN: of tokenize, which needs nothing else to run
  printf '%b' "[data]\ntext = text.txt\n$1" > bad.ini
  refuse "$2" "$bin/bitdarts-tokenize" --config bad.ini --out run
}
refuse "did you mean tokenizer.vocab_size?" stage tokenize --tokenizer.vocab_siz=300
refuse "did you mean BITDARTS_SEARCH_STEPS?" env BITDARTS_SEARCH_STEP=3 "$bin/bitdarts-tokenize" --config run.ini
refuse "BITDARTS_RUN_SHARDS" env BITDARTS_RUN_SHARDS=three "$bin/bitdarts-tokenize" --config run.ini
misspelt '[search]\nsetps = 3\n' "did you mean search.steps?"
misspelt '[search]\nsetps = 3\n' "bad.ini:4"
misspelt '[serach]\nsteps = 3\n' "search"
misspelt 'text = other.txt\n' "bad.ini:3"
misspelt '[run]\nshards = 3\n' "run.shards"
misspelt '[search]\nsteps = many\n' "bad.ini:4"
misspelt '[search]\nweight_candidates = lsq+:4 lsq:8\n' "lsq:8"
misspelt '[search]\nbudget = 4.5bits\n' "search.budget"
misspelt 'steps\n' "bad.ini:3"
refuse none.ini "$bin/bitdarts-tokenize" --config none.ini
mkdir folder.ini && refuse folder.ini "$bin/bitdarts-tokenize" --config folder.ini
refuse "stray" stage tokenize stray

# A file includes another: its own settings come first, whatever the current directory is, and what is printed is resolved.
mkdir -p some/parts
printf '[search]\nsteps = 11\nwarmup_steps = 1\nbatch = 8\n[sweep]\nrun.seed = 1..2\nsearch.steps = 13 | 14\n' > some/parts/base.ini
printf 'include = "parts/base.ini"\n[search]\nsteps = 12\n[sweep]\nrun.seed = 7\n' > some/mine.ini
prints 12 "$bin/bitdarts-report" --config some/mine.ini
[ "$(value search batch)" = 8 ] || fail "the included batch is $(value search batch)"
[ "$(grep -c '^steps = 12$' said)" = 1 ] || fail "search.steps is not printed once"
! grep -q include said || fail "an include is printed"
prints 13 "$bin/bitdarts-report" --config some/mine.ini --search.steps=13
expect 0 "^2 tasks\|, 2 new\|2 tasks" "$bin/bitdarts-sweep" --config some/mine.ini --out swept --data.text=text.txt
[ "$(cut -f 1 swept/manifest.tsv | wc -l)" = 3 ] || fail "the line of [sweep] does not stand in place of the included one"
rm -rf swept
includes() { printf '%b' "$1" > some/bad.ini; refuse "$2" "$bin/bitdarts-tokenize" --config some/bad.ini --out run; }
includes '# first\ninclude = none.ini\n' "some/bad.ini:2"
grep -q "cannot be read: some/none.ini" said || fail "the missing file is not named"
includes 'include = parts\n' "cannot be read: some/parts"
includes 'include = bad.ini\n' "includes itself: some/bad.ini -> some/bad.ini"
printf '\n\ninclude = ../bad.ini\n' > some/parts/back.ini
includes 'include = parts/back.ini\n' "some/parts/back.ini:3"
includes '[search]\ninclude = parts/base.ini\n' "before the first"
includes 'include =\n' "names no file"
printf '[search]\nsetps = 3\n' > some/parts/wrong.ini
includes 'include = parts/wrong.ini\n' "some/parts/wrong.ini:2"

# Options that moved to another section are unknown, and the new place is named.
for key in weight_scale quantize_head tie calibration_sequences clip_decay; do
  refuse "did you mean quantizer.$key?" stage tokenize --search.$key=1
  refuse "did you mean BITDARTS_QUANTIZER_${key^^}?" env "BITDARTS_SEARCH_${key^^}=1" "$bin/bitdarts-tokenize" --config run.ini
  misspelt "[search]\n$key = 1\n" "did you mean quantizer.$key?"
  misspelt "[sweep]\nsearch.$key = 1 | 2\n" "did you mean quantizer.$key?"
done
refuse "search.step" ranks 2 tokenize --search.step=3
refuse "shards" ranks 2 tokenize --run.shards=1
echo "config: all is well"
