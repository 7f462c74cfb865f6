#!/usr/bin/env bash
# status.sh BIN: bitdarts-status on a small pipeline with baselines, made by pipelines/run as it is installed. It judges every product as
# its stage would, and when all are up to date the driver starts none.
# shellcheck source=common.sh
. "$(dirname "$0")/common.sh" "$1"
mkdir tables
echo 'model.layers.0.* lsq+:4 pact:8' > tables/mine_1.txt
sed -i 's|^text = .*|text = text.txt\n[report]\nbaselines = uniform:lsq+:w4a8 tables/mine_1.txt\n[data]|' run.ini
uniform=run/baselines/uniform_lsqplus_w4a8 table=run/baselines/tables_mine_1.txt

mkdir -p installed/bin installed/share/bitdarts/pipelines
cp "$tests/../pipelines/run" installed/bin/bitdarts-run
cp "$tests/../pipelines/launch.sh" installed/share/bitdarts/pipelines/
for program in "$bin"/bitdarts-*; do ln -s "$program" installed/bin/; done
pipeline() { installed/bin/bitdarts-run run.ini --out run --np 1 "$@"; }
status() { "$bin/bitdarts-status" --config run.ini "$@"; }

# judged CODE "LINE..." OPTION...: what it says, line by line as patterns from the beginning; files are those of ./run.
judged() {
  local code=$1 lines=$2 want got
  shift 2
  expect "$code" "" status "$@"
  exec 3< said
  while IFS= read -r want; do
    IFS= read -r got <&3 || fail "ends before \"$want\": status $*"
    [[ $got == "$want"* ]] || fail "\"$got\" instead of \"$want\": status $*"
  done <<< "$lines"
  if IFS= read -r got <&3; then fail "also says \"$got\": status $*"; fi
  exec 3<&-
}
fresh() { echo "$1: up to date ($2)"; } # STAGE PRODUCT
first="$(fresh tokenize run/tokens.h5)
$(fresh pretrain run/pretrained.h5)"
chain="$first
$(fresh search run/searched.h5)
$(fresh finetune run/finetuned.h5)
$(fresh evaluate run/evaluation.h5)"
baselines="$(fresh finetune $uniform/finetuned.h5)
$(fresh evaluate $uniform/evaluation.h5)
$(fresh finetune $table/finetuned.h5)
$(fresh evaluate $table/evaluation.h5)"
all="$chain
$baselines"

judged 4 "tokenize: missing (run/tokens.h5)
pretrain: to be made (after tokenize)
search: to be made (after tokenize)
finetune: to be made (after tokenize)
evaluate: to be made (after tokenize)" --report.baselines=
judged 4 "search: to be made (the file does not exist: run/tokens.h5)" --from search --to search

expect 0 "report: wrote" pipeline
judged 0 "$all"
judged 0 "$all" --run.checkpoint_steps=1 --report.baselines='uniform:lsq+:w4a8,tables/mine_1.txt'
judged 0 "$(fresh search run/searched.h5)" --from=search --to=search
[ -z "$(status --from report)" ] || fail "the report alone takes no stage"
[ "$(pipeline -- --quiet --force 2>&1 | grep -c "up to date")" = 0 ] || fail "--force finds something up to date"
judged 0 "$all" # made again with the same content

# The second call starts nothing, and yet says of every stage that it is up to date.
mkdir none
printf '#!/usr/bin/env bash\necho "a stage is started" >&2; exit 9\n' > none/mpirun
chmod +x none/mpirun
PATH=$work/none:$PATH expect 0 "report: up to date" pipeline
[ "$(grep -v "^report:" said | grep "up to date")" = "$all" ] || fail "does not say what is up to date"
PATH=$work/none:$PATH expect 9 "a stage is started" pipeline -- --finetune.steps=2

# Other options: what does not depend on them stays.
judged 4 "$first
search: stale (run/searched.h5 was made from other options or inputs)
finetune: to be made (after search)
evaluate: to be made (after finetune)
$baselines" --search.alpha_learning_rate=0.2
judged 4 "$chain
finetune: missing (run/baselines/uniform_pact_w8a8/finetuned.h5)
evaluate: to be made (after finetune)" --report.baselines=uniform:pact:w8a8
judged 4 "$chain
finetune: to be made (the scheme file cannot be read: finetune.scheme=none.txt)
evaluate: to be made (after finetune)" --report.baselines=none.txt
judged 4 "evaluate: stale (run/evaluation.h5
evaluate: stale ($uniform/evaluation.h5
evaluate: stale ($table/evaluation.h5" --from evaluate --evaluate.stride=8
judged 4 "tokenize: to be made (run/tokens.h5 is up to date, but --force)
pretrain: to be made (after tokenize)" --to pretrain --force
cp run/evaluation.h5 evaluation.before
make evaluate --evaluate.stride=8
judged 0 "$chain" --evaluate.stride=8 --report.baselines=
judged 4 "evaluate: stale" --from evaluate --report.baselines=
mv evaluation.before run/evaluation.h5

# Other inputs.
echo 'model.layers.0.* lsq+:4 pact:4' > tables/mine_1.txt
judged 4 "$chain
$(fresh finetune $uniform/finetuned.h5)
$(fresh evaluate $uniform/evaluation.h5)
finetune: stale ($table/finetuned.h5
evaluate: to be made (after finetune)"
echo 'model.layers.0.* lsq+:4 pact:8' > tables/mine_1.txt
mv text.txt text.before
judged 4 "tokenize: to be made (no such file, directory or glob match: data.text = text.txt)" --to tokenize
(cat text.before && echo "the fox sees the end.") > text.txt
judged 4 "tokenize: stale (run/tokens.h5" --to tokenize
mv text.before text.txt
make pretrain --out other --in run --pretrain.steps=5
cp run/tokens.h5 other
judged 4 "search: stale (run/searched.h5" --from search --to search --in other

# Missing and damaged files, as products and as inputs.
cp -r run whole
rm run/searched.h5
judged 4 "$first
search: missing (run/searched.h5)
finetune: to be made (after search)
evaluate: to be made (after finetune)
$baselines"
judged 4 "finetune: to be made (the file does not exist: run/searched.h5)" --from finetune --to finetune --report.baselines=
printf 'damage!!' | dd of=run/pretrained.h5 bs=1 seek=$(($(stat -c %s run/pretrained.h5) / 2)) conv=notrunc status=none
judged 4 "$(fresh tokenize run/tokens.h5)
pretrain: damaged (run/pretrained.h5: 
search: to be made (after pretrain)" --to search
judged 4 "search: to be made (" --from search --to search
cp whole/pretrained.h5 run
cp whole/tokens.h5 run/searched.h5
judged 4 "finetune: to be made (the file was made by stage 'tokenize'" --from finetune --to finetune --report.baselines=
rm -r run && mv whole run
judged 0 "$all"

# What a search prints while it runs is in the table of its jobs, as its log has it.
mkdir jobs
for strategy in darts sensitivity; do
  rm -rf jobs/out
  cp -r run jobs/out && rm jobs/out/searched.h5
  stage search --out jobs/out --search.strategy=$strategy > /dev/null 2> jobs/log || fail "no search by $strategy: $(cat jobs/log)"
  rm jobs/out/searched.h5
  printf 'search\t7\tjobs/log\tRUNNING\t0\t-\n' > jobs/list
  expect 4 "^search  *running  *[0-9]*/[0-9]* (100%)  *[0-9][0-9.]*  " status --out jobs/out --jobs jobs/list --report.baselines=
done
expect 2 "out needs a value, and --force is another option" status --out --force
expect 2 "out needs a value, and --force is another option" stage search --out --force
expect 2 "needs a file" status --jobs --table
[ ! -e ./--force ] || fail "a folder is called --force"
expect 0 "exit code: 0 all are up to date, 4" status --help
expect 0 "search.budget" status --help=search
expect 2 "search.steps" status --search.setps=1
expect 2 "no stage is called serach" status --from serach
expect 2 "comes after" status --from search --to pretrain
expect 2 "needs the name of a stage" status --from
echo "status: all is well"
