#!/usr/bin/env bash
# schemes.sh BIN: schemes of strategies beside the searched one, and the best of them, by pipelines/run as it is installed.
# shellcheck source=common.sh
. "$(dirname "$0")/common.sh" "$1"
sed -i 's|^text = .*|text = text.txt\n[report]\nbaselines = random:2 uniform:lsq+:w3a4 uniform:lsq+:w8a8\n[data]|' run.ini
export BITDARTS_MODEL_LAYERS=1

mkdir -p installed/bin installed/share/bitdarts/pipelines
cp "$tests/../pipelines/run" installed/bin/bitdarts-run
cp "$tests/../pipelines/launch.sh" installed/share/bitdarts/pipelines/
for program in "$bin"/bitdarts-*; do ln -s "$program" installed/bin/; done
pipeline() { installed/bin/bitdarts-run run.ini --out run --np 1 "$@"; }
attribute() { h5dump -y -a "$2" "$1" | grep -A1 'DATA {' | tail -1 | tr -d ' "'; } # FILE NAME
baselines=run/baselines

# Alone, a strategy's scheme needs its search, and says how to make it.
make tokenize
make pretrain
expect 3 "run bitdarts-search --out run/baselines/random_2 --in run --search.strategy=random:2 first" \
  stage finetune --out $baselines/random_2 --in run --finetune.scheme=random:2
expect 3 "run bitdarts-finetune --out run/baselines/searched --in run --finetune.scheme=searched first" stage finetune --finetune.scheme=best

# All of it. What is over the budget (w4a8) does not count, however good.
expect 0 "^finetune: best of 3 schemes within w4a8: " pipeline -- --finetune.scheme=best
grep -q "^  uniform:lsq+:w8a8: .*, over the budget$" said || fail "does not say what is over the budget"
chosen=$(sed -n 's/^finetune: best of 3 schemes within w4a8: \([^,]*\), validation loss .*/\1/p' said)
losses() { sed -n "s/^  \($1\): validation loss \([0-9.]*\), cost [0-9.]*%\$/\2/p" said | sort -n; }
[ -n "$chosen" ] || fail "does not say which is the best"
[ "$(losses "$chosen")" = "$(losses '[^ ]*' | head -n 1)" ] || fail "$chosen has not the lowest loss"
declare -A folder=([searched]=searched [random:2]=random_2 [uniform:lsq+:w3a4]=uniform_lsqplus_w3a4)
best=$baselines/${folder[$chosen]}
[ "$(attribute $baselines/random_2/finetuned.h5 /finetune/strategy)" = random:2 ] || fail "the strategy of random:2"
[ "$(attribute $baselines/random_2/finetuned.h5 /finetune/budget)" = w4a8 ] || fail "the budget of random:2"
[ "$(attribute $baselines/uniform_lsqplus_w3a4/finetuned.h5 /finetune/strategy)" = hand ] || fail "a scheme by hand has no strategy"

# What they are chosen by is the loss after finetuning, however seldom it is measured on the way.
make finetune --out seldom --in run --finetune.scheme=uniform:lsq+:w3a4 --finetune.validation_every=0
[ "$(attribute seldom/finetuned.h5 /finetune/final_loss)" = "$(attribute $baselines/uniform_lsqplus_w3a4/finetuned.h5 /finetune/final_loss)" ] ||
  fail "without validations on the way the last one is missing"

# The same model: nothing but its name differs.
[ "$(attribute run/finetuned.h5 /finetune/scheme) $(attribute run/finetuned.h5 /finetune/chosen)" = "best $chosen" ] || fail "the names of the best"
expect 1 "/finetune" inspect --diff run/finetuned.h5 "$best/finetuned.h5"
[ "$(grep -vc '/finetune' said)" = 0 ] || fail "the best is another model than $chosen"
for number in nll kl_divergence top1_agreement bops_ratio model_bytes; do
  [ "$(attribute run/evaluation.h5 /evaluation/$number)" = "$(attribute "$best/evaluation.h5" /evaluation/$number)" ] || fail "$number of the best"
done
expect 0 "report: up to date" pipeline -- --finetune.scheme=best
[ "$(grep -c 'was made from another' said)" = 0 ] || fail "the report takes these for the products of several runs"

# It follows what it is chosen from.
judged() { # STATE OPTION...: of the chain's own finetuning
  local state=$1
  shift
  "$bin/bitdarts-status" --list --config run.ini --from finetune --to finetune --finetune.scheme=best "$@" > said || true
  [ "$(awk -F '\t' '$1 == "finetune" { print $3 }' said)" = "$state" ] || fail "not $state: $*"
}
judged up_to_date
judged to_be_made --report.baselines=random:2
judged to_be_made --search.budget=w4a6
judged to_be_made --finetune.steps=4
expect 0 "finetune: best of 3 schemes" pipeline --to finetune -- --finetune.scheme=best --finetune.steps=4

# None within the budget.
sed -i 's/^budget = w4a8/budget = w3a4/' run.ini
mkdir dear
for file in tokens pretrained; do cp run/$file.h5 dear/; done
for scheme in searched uniform_lsqplus_w8a8; do
  make finetune --out dear/baselines/$scheme --in dear --finetune.scheme=uniform:lsq+:w8a8
done
expect 3 "none of the finetuned schemes is within w3a4" stage finetune --out dear --finetune.scheme=best --report.baselines=uniform:lsq+:w8a8
[ "$(grep -c "uniform:lsq+:w8a8: .*over the budget" said)" = 1 ] || fail "does not say what they cost"
echo "schemes: all is well"
