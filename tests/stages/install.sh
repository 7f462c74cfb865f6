#!/usr/bin/env bash
# install.sh BIN BUILD: what `cmake --install` puts into a prefix runs a pipeline of one's own, without sources or build folder.
# shellcheck source=common.sh
. "$(dirname "$0")/common.sh" "$1"
build=$2

cmake --install "$build" --prefix prefix > said
for name in tokenize pretrain search finetune reference evaluate report inspect status sweep run run-sweep; do
  [ -x "prefix/bin/bitdarts-$name" ] || fail "no bin/bitdarts-$name"
done
[ -f prefix/share/bitdarts/pipelines/quickstart.ini ] || fail "the pipelines are not there"
for driver in run sweep; do [ ! -e "prefix/share/bitdarts/pipelines/$driver" ] || fail "$driver is there twice"; done

for script in submit sweep status job; do [ -x "prefix/share/bitdarts/slurm/$script" ] || fail "no slurm/$script"; done
mkdir mine && mv prefix elsewhere # it may be moved
printf '[report]\nbaselines = uniform:lsq+:w4a8\n' | cat run.ini - > mine/tiny.ini
export PATH=$work/elsewhere/bin:$PATH
expect 0 "Report: results/tiny/report/report.html" bitdarts-run mine/tiny.ini
for scheme in searched uniform:lsq+:w4a8; do grep -q "^$scheme " said || fail "$scheme is not compared at the end"; done
for product in tokens pretrained searched finetuned reference evaluation; do
  expect 0 "whole" bitdarts-inspect results/tiny/$product.h5
  grep -q ", 2 ranks of 1 thread" said || fail "$product.h5 was not made by 2 ranks"
done
before=$(find results -name '*.h5' -printf '%p %i %T@\n' | sort)
expect 0 "report: up to date" bitdarts-run mine/tiny.ini --np 1
if grep -q wrote said; then fail "not every stage is up to date"; fi
[ "$(find results -name '*.h5' -printf '%p %i %T@\n' | sort)" = "$before" ] || fail "products were made again"
expect 2 "did you mean search.steps?" bitdarts-run mine/tiny.ini -- --search.setps=3
expect 0 "search: wrote there/searched.h5" bitdarts-run mine/tiny.ini --np 1 --to search --out there -- --search.steps=3
expect 0 "search.steps = 3" bitdarts-inspect there/searched.h5
expect 0 "^exec .*/elsewhere/share/bitdarts/slurm/job .* finetune$" elsewhere/share/bitdarts/slurm/submit mine/tiny.ini --dry-run -- --finetune.steps=4
expect 0 "^# search: up to date" elsewhere/share/bitdarts/slurm/submit mine/tiny.ini --dry-run
echo "install: all is well"
