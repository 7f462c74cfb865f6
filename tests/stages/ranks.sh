#!/usr/bin/env bash
# ranks.sh BIN: 1, 2 and 4 ranks give the same bits in every product, with both orders of the search's gradient, both relaxations
# and both costs, and whatever else the gradients of a layer depend on.
# shellcheck source=common.sh
. "$(dirname "$0")/common.sh" "$1"
export BITDARTS_MODEL_KV_HEADS=1 BITDARTS_PRETRAIN_BATCH=8 BITDARTS_SEARCH_STEPS=5
one_kind=(--search.order=first --search.relaxation=softmax --search.cost=bops --search.weight_scale=tensor)
other_kind=(--search.order=second --search.relaxation=gumbel --search.cost=size --search.budget=4.5bits
  --search.weight_scale=channel --search.tie=shared-input --search.quantize_head=true --search.quantizer_level=inner)

make tokenize --out tokens
for count in 1 2 4; do
  mkdir "$count" "$count/other" && cp tokens/tokens.h5 "$count"
  expect 0 "" ranks $count pretrain --quiet --out $count
  expect 0 "" ranks $count search --quiet --out $count "${one_kind[@]}"
  expect 0 "" ranks $count search --quiet --out $count/other --in $count "${other_kind[@]}"
  expect 0 "" ranks $count finetune --quiet --out $count --finetune.from=searched
  expect 0 "" ranks $count evaluate --quiet --out $count
  expect 0 ", $count rank" inspect $count/other/searched.h5 # it was this many, and not one each
  for file in pretrained searched other/searched finetuned evaluation; do same 1/$file.h5 $count/$file.h5; done
done

# A difference would have been seen.
make pretrain --out else --in tokens --run.seed=2
expect 1 "/model/" inspect --diff 1/pretrained.h5 else/pretrained.h5
expect 1 "/search" inspect --diff 1/searched.h5 1/other/searched.h5
echo "ranks: all is well"
