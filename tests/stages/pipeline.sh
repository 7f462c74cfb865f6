#!/usr/bin/env bash
# pipeline.sh BIN: every stage from text to report on a few kilobytes of text with something to learn in it. A second call does
# nothing; a chain goes on from the first link that changed, and stops where a link comes out the same; schemes of all three kinds.
# shellcheck source=common.sh
. "$(dirname "$0")/common.sh" "$1"
export BITDARTS_MODEL_LAYERS=2 BITDARTS_PRETRAIN_STEPS=60 BITDARTS_PRETRAIN_BATCH=8 BITDARTS_PRETRAIN_LEARNING_RATE=0.01

declare -A product=([tokenize]=tokens.h5 [pretrain]=pretrained.h5 [search]=searched.h5 [finetune]=finetuned.h5
  [evaluate]=evaluation.h5 [report]=report/report.html)

# chain "STAGE..." OPTION...: all stages with these options; those named make their product, the others leave theirs alone.
chain() {
  local made=$1 name file before
  shift
  for name in tokenize pretrain search finetune evaluate report; do
    file=run/${product[$name]}
    before=$(stat -c '%i %y %s' "$file" 2> /dev/null || true)
    if [[ " $made " == *" $name "* ]]; then
      expect 0 "$name: wrote $file" stage "$name" "$@"
      [ "$(stat -c '%i %y %s' "$file")" != "$before" ] || fail "$name says that it wrote $file, and did not"
    else
      expect 0 "$name: up to date ($file)" stage "$name" "$@"
      [ "$(stat -c '%i %y %s' "$file")" = "$before" ] || fail "$name touched $file, which was up to date"
    fi
    cp said "said.$name"
  done
}
attribute() { h5dump -y -a "$2" "$1" | grep -A1 'DATA {' | tail -1 | tr -d ' "'; } # FILE NAME
number() { grep -o "$2 [0-9.]*" "$1" | grep -o '[0-9.]*$'; }                       # FILE WORDS: the number after them
less() { awk -v a="$1" -v b="$2" 'BEGIN { exit !(a < b) }'; }

chain "tokenize pretrain search finetune evaluate report"
less "$(number said.pretrain 'training loss')" "$(number said.pretrain 'unigram entropy')" || fail "pretraining learned nothing"
less "$(attribute run/evaluation.h5 /evaluation/full_precision_perplexity)" 100 || fail "the evaluated model learned nothing"
less "$(attribute run/searched.h5 /search/target)" "$(attribute run/searched.h5 /search/scheme_cost)" && fail "the scheme is over budget"
grep -q "^searched " said.report || fail "the report does not compare the searched scheme"
[ -z "$(find run -name '*.tmp' -o -name .checkpoints)" ] || fail "the stages left something behind"
chain ""

# From the middle. What is made again comes out the same, and what depends on it stays.
cp run/searched.h5 searched.before && rm run/searched.h5
chain "search report"
same searched.before run/searched.h5
chain "search finetune evaluate report" --search.alpha_learning_rate=0.2 --search.order=second
chain "finetune evaluate report" --search.alpha_learning_rate=0.2 --search.order=second --finetune.steps=2
chain "search finetune evaluate report"
same searched.before run/searched.h5
expect 0 "evaluate: wrote" stage evaluate --evaluate.stride=8
expect 0 "search: up to date" stage search --run.checkpoint_steps=2 # how often the state is saved changes no result
expect 0 "search: wrote" stage search --force
same searched.before run/searched.h5

# What inspect prints is what finetune reads.
inspect --scheme run/searched.h5 > printed.txt
[ "$(grep -vc '^#' printed.txt)" = 14 ] || fail "the printed scheme has not one line for each of 14 layers"
make finetune --out printed --in run --finetune.scheme=printed.txt
inspect --scheme printed/finetuned.h5 | diff printed.txt - || fail "the printed scheme did not come back"

# A table by hand: the first match decides, and the text of the table belongs to the key.
cat > hand.txt << 'TABLE'
# layer                            weight   input
model.layers.0.self_attn.q_proj    pact:5   lsq+:8     # one layer
*.v_proj                           fp32     fp32
*.layers.1.mlp.*                   uniform:4 uniform:8
*                                  lsq+:4   pact:8
TABLE
by_hand() { stage finetune --out hand --in run --finetune.scheme=hand.txt; }
expect 0 "finetune: wrote hand/finetuned.h5" by_hand
inspect --scheme hand/finetuned.h5 | tr -s ' ' > said
grep -qx "model.layers.0.self_attn.q_proj pact:5 lsq+:8" said || fail "the line of one layer"
[ "$(grep -c 'v_proj fp32 fp32$' said)" = 2 ] || fail "a pattern over the blocks"
[ "$(grep -c 'layers.1.mlp.* uniform:4 uniform:8$' said)" = 3 ] || fail "a pattern over one block"
[ "$(grep -c 'lsq+:4 pact:8$' said)" = 8 ] || fail "the line for the rest"
expect 0 "finetune: up to date" by_hand
sed -i 's/pact:5/pact:6/' hand.txt
expect 0 "finetune: wrote hand/finetuned.h5" by_hand

# A baseline beside the searched scheme, in the report too; and finetuning from the weights of the search.
baseline=run/baselines/uniform_lsqplus_w4a8
make finetune --out $baseline --in run --finetune.scheme=uniform:lsq+:w4a8
[ "$(inspect --scheme $baseline/finetuned.h5 | grep -c 'lsq+:4 *lsq+:8$')" = 14 ] || fail "the shorthand is not for every layer"
make evaluate --out $baseline --in run
expect 0 "left from earlier runs, not shown: uniform_lsqplus_w4a8" stage report
expect 0 "^uniform:lsq+:w4a8 " stage report --report.baselines=uniform:lsq+:w4a8
make finetune --out kept --in run --finetune.from=searched
[ "$(attribute kept/finetuned.h5 /finetune/from)" = searched ] || fail "the file does not say where it started"
trained=$(($(attribute run/searched.h5 /search/steps) * 4 * 16)) # search.batch sequences of model.context tokens
[ "$(attribute kept/finetuned.h5 /finetune/search_tokens)" = $trained ] || fail "not the tokens of the search"
[ "$(attribute run/finetuned.h5 /finetune/search_tokens)" = 0 ] || fail "tokens of a search that it did not start from"
expect 1 "/model" inspect --diff run/finetuned.h5 kept/finetuned.h5
echo "pipeline: all is well"
