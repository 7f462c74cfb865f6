#!/usr/bin/env bash
# table.sh BIN: whatever is in the table of stages (bitdarts-status --stages) is a program, says what it is for, and has a place in the
# drivers, in the state of a pipeline and in the scripts of the cluster. A new row needs no change here.
# shellcheck source=common.sh
. "$(dirname "$0")/common.sh" "$1"

mkdir -p share/bitdarts bin
cp -r "$tests/../slurm" "$tests/../pipelines" share/bitdarts/
rm -f share/bitdarts/slurm/site.sh
ln -s "$bin"/bitdarts-* bin/
printf '[report]\nbaselines = uniform:lsq+:w4a8\n' | cat run.ini - > two.ini # two evaluations: what they share is there too
stages=$("$bin/bitdarts-status" --stages)
[ "$(wc -l <<< "$stages")" -ge 7 ] || fail "few stages: $stages"
"$bin/bitdarts-status" --list --config two.ini > list || [ $? = 4 ]
while IFS=$'\t' read -r name program product kind; do
  [ -x "$bin/$program" ] || fail "no program $program"
  expect 0 "^$program: [a-z]" "$bin/$program" --help
  expect 0 "^$program [0-9]" "$bin/$program" --version
  cut -f 2 list | grep -qx "$name" || fail "a pipeline has no $name"
  cut -f 1 <<< "$stages" | grep -qx "$kind" || fail "$name has the jobs of $kind, which is no stage"
  if [ "$product" != - ]; then expect 3 "" stage "$name" --out empty --data.text=none.txt; fi
  if [ "$kind" = "$name" ]; then
    expect 0 "^#SBATCH --job-name=run.$name$" share/bitdarts/slurm/submit run.ini --dry-run
    [ "$product" = - ] || expect 4 "$name: " "$bin/bitdarts-status" --config run.ini --from "$name" --to "$name"
  else
    expect 2 "no stage is called $name" "$bin/bitdarts-status" --config run.ini --from "$name"
  fi
done <<< "$stages"
# The order of the list is that of the table, but for what stands before those that it spares work.
diff <(awk -F '\t' '$3 != "optional" && !seen[$2]++ { print $2 }' list) <(awk -F '\t' '$1 == $4 { print $1 }' <<< "$stages") || fail "another order"
echo "table: all is well"
