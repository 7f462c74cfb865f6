#!/usr/bin/env bash
# ranks.sh BIN: 1, 2, 4 and 8 ranks give the same bits in every product, with both orders of the search's gradient, both relaxations,
# both costs and the ten default candidates, and whatever else the gradients of a layer depend on. (resume.sh: also when their number
# changes on the way.)
# shellcheck source=common.sh
. "$(dirname "$0")/common.sh" "$1"
export BITDARTS_RUN_SHARDS=8 BITDARTS_MODEL_KV_HEADS=1 BITDARTS_SEARCH_STEPS=3 BITDARTS_SEARCH_WARMUP_STEPS=0
export BITDARTS_PRETRAIN_BATCH=8 BITDARTS_SEARCH_BATCH=8 BITDARTS_FINETUNE_BATCH=8
ten="lsq+:4 lsq+:8 lsq+:16 pact:4 pact:8 pact:16 uniform:4 uniform:8 uniform:16 fp32"
export BITDARTS_SEARCH_WEIGHT_CANDIDATES=$ten BITDARTS_SEARCH_ACTIVATION_CANDIDATES=$ten
# One kind a line, after the name of its directory.
kinds="first-softmax --search.cost=bops --quantizer.weight_scale=tensor
second-gumbel --search.cost=size --search.budget=6.5bits --quantizer.weight_scale=channel --quantizer.tie=shared-input
first-gumbel --quantizer.quantize_head=true
second-softmax --search.quantizer_level=inner --quantizer.weight_scale=channel"

for count in 1 2 4 8; do
  expect 0 "" ranks $count tokenize --quiet --out $count
  expect 0 "" ranks $count pretrain --quiet --out $count
  while read -r kind options; do
    # shellcheck disable=SC2086 # several options
    expect 0 "" ranks $count search --quiet --in $count --out "$count/$kind" \
      --search.order="${kind%-*}" --search.relaxation="${kind#*-}" $options < /dev/null
    same "1/$kind/searched.h5" "$count/$kind/searched.h5"
  done <<< "$kinds"
  cp $count/first-softmax/searched.h5 $count
  expect 0 "" ranks $count finetune --quiet --out $count --finetune.from=searched
  expect 0 "" ranks $count reference --quiet --out $count
  expect 0 "" ranks $count evaluate --quiet --out $count
  expect 0 ", $count rank" inspect $count/second-gumbel/searched.h5 # it was this many, and not one each
  for file in tokens pretrained finetuned reference evaluation; do same 1/$file.h5 $count/$file.h5; done
done

# A difference would have been seen.
make pretrain --out else --in 1 --run.seed=2
expect 1 "/model/" inspect --diff 1/pretrained.h5 else/pretrained.h5
for kind in second-gumbel first-gumbel second-softmax; do
  expect 1 "/search" inspect --diff 1/first-softmax/searched.h5 1/$kind/searched.h5
done
echo "ranks: all is well"
