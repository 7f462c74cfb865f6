#!/usr/bin/env bash
# strategies.sh BIN: every strategy of the search, with every option that shapes the choice, gives a whole product whose schemes are
# within their budgets; one for each budget, as a search for that budget alone would give it where nothing is trained; the same bits
# on any number of ranks, and after an interruption.
# shellcheck source=common.sh
. "$(dirname "$0")/common.sh" "$1"
# shellcheck source=interrupt.sh
. "$tests/stages/interrupt.sh"
export BITDARTS_SEARCH_SENSITIVITY_SEQUENCES=4 BITDARTS_SEARCH_FISHER_BATCHES=2
strategies="darts sensitivity fisher uniform random:2"

attribute() { h5dump -y -a "$2" "$1" | grep -A1 'DATA {' | tail -1 | tr -d ' "'; }       # FILE NAME
scheme() { h5dump -g "/schemes/$2" "$1" | tail -n +3 || fail "no scheme $2 in $1"; } # FILE BUDGET

# whole FILE STRATEGY BUDGET...: the product of the strategy, with a scheme within each budget.
whole() {
  local file=$1 strategy=$2 i=0 facts
  shift 2
  expect 0 "" inspect "$file"
  [ "$(attribute "$file" /search/strategy)" = "$strategy" ] || fail "$file is not of $strategy"
  [ "$(h5dump -y -a /search/budgets "$file" | grep -c "\"$*\"")" = 1 ] || fail "$file is not of the budgets $*"
  [ "$(attribute "$file" /search/budget_count)" = $# ] || fail "the number of budgets in $file"
  for budget; do
    [ "$(attribute "$file" /schemes/$i/budget)" = "$budget" ] || fail "budget $i of $file is not $budget"
    facts="$(attribute "$file" /schemes/$i/capacity) $(attribute "$file" /search/full_cost)"
    facts+=" $(attribute "$file" /schemes/$i/scheme_cost) $(attribute "$file" /schemes/$i/discrete_loss)"
    awk '{ exit !(NF == 4 && $1 > 0 && $3 > 0 && $3 * $2 <= $1 * (1 + 1e-5) && $4 > 0 && $4 < 100) }' <<< "$facts" ||
      fail "the scheme for $budget in $file: $facts (capacity, full cost, ratio, loss)"
    i=$((i + 1))
  done
  ! h5dump -g "/schemes/$i" "$file" > said 2>&1 || fail "more schemes than budgets in $file"
}

make tokenize
make pretrain
for strategy in $strategies; do
  search() { # NAME BUDGETS OPTION...
    local name=$1 budgets=$2
    shift 2
    make search --in run --out "$strategy/$name" --search.strategy="$strategy" "--search.budget=$budgets" "$@"
    # shellcheck disable=SC2086 # several budgets
    whole "$strategy/$name/searched.h5" "$strategy" $budgets
  }
  search plain "w4a4 w4a8"
  search tied w4a8 --quantizer.tie=shared-input
  search channel w4a8 --quantizer.weight_scale=channel
  search size 4.5bits --search.cost=size
  search head w4a8 --quantizer.quantize_head=true
  case $strategy in
    darts) ;;
    *) # Another budget in the list changes nothing.
      search alone w4a8
      [ "$(scheme "$strategy/alone/searched.h5" 0)" = "$(scheme "$strategy/plain/searched.h5" 1)" ] ||
        fail "the scheme of $strategy depends on the other budgets"
      ;;
  esac
done
# A budget of the size counts what is stored: the packed layers of the evaluation are within it, scales by channel and all.
while read -r name budget; do
  options="--search.cost=size --quantizer.weight_scale=channel --search.budget=$budget"
  # shellcheck disable=SC2086 # several options
  make search --in run --out "$name" $options
  whole "$name/searched.h5" darts "$budget"
  cp run/tokens.h5 run/pretrained.h5 "$name"
  # shellcheck disable=SC2086 # several options
  make finetune --out "$name" $options
  # shellcheck disable=SC2086 # several options
  make evaluate --out "$name" $options
  awk '{ exit !(NF == 2 && 8 * $1 <= $2) }' <<< "$(attribute "$name/evaluation.h5" /evaluation/quantized_weight_bytes) $(
    attribute "$name/searched.h5" /search/capacity)" || fail "more is stored than the budget $budget allows"
done <<< "bits 6.5bits
bytes 0.0022MB"
expect 2 "scales and offsets included" stage search --in run --out none --search.cost=size --quantizer.weight_scale=channel --search.budget=4bits
make search --in run --out random:3 --search.strategy=random:3 "--search.budget=w4a4 w4a8"
[ "$(scheme random:3/searched.h5 1)" != "$(scheme random:2/plain/searched.h5 1)" ] || fail "random:3 is random:2"

# The same bits on any number of ranks; darts with frozen weights, which no other test of ranks has.
for strategy in darts sensitivity fisher; do
  for count in 1 2 4; do
    expect 0 "" ranks $count search --quiet --in run --out $count/$strategy --search.strategy=$strategy --search.weights=frozen \
      "--search.budget=w4a8 w4a4" --quantizer.tie=shared-input --quantizer.weight_scale=channel
    same 1/$strategy/searched.h5 $count/$strategy/searched.h5
  done
done
expect 1 "/search" inspect --diff 1/sensitivity/searched.h5 1/fisher/searched.h5 # a difference would have been seen

# An interrupted pass over the layers goes on where it was, on another number of ranks.
interrupt USR1 1/2 search --in run --out cut --search.strategy=sensitivity "--search.budget=w4a4 w4a8"
[ ! -e cut/searched.h5 ] || fail "an interrupted run left a product"
expect 0 "resuming after step $step " ranks 4 search --in run --out cut --search.strategy=sensitivity "--search.budget=w4a4 w4a8"
same sensitivity/plain/searched.h5 cut/searched.h5

expect 2 "search.strategy = greedy: is no strategy: write one of darts, sensitivity, fisher, uniform, random:N" stage search --in run --out none --search.strategy=greedy
expect 2 "search.strategy = random:: is no strategy" stage search --in run --out none --search.strategy=random:
[ ! -e none/searched.h5 ] || fail "a product of no strategy"
echo "strategies: all is well"
