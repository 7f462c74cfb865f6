#!/usr/bin/env bash
# kernels.sh BIN: what the last bits depend on beside the key is recorded, said when a run goes on elsewhere, and can be pinned; sizes
# that the memory has no room for are refused before the work, and what does not fit after all is said in a line.
# shellcheck source=common.sh
. "$(dirname "$0")/common.sh" "$1"
# shellcheck source=interrupt.sh
. "$tests/stages/interrupt.sh"
unset OPENBLAS_CORETYPE ATEN_CPU_CAPABILITY
own() { inspect "$1" | sed -n 's/.*with OpenBLAS [^ ]*, kernel \([A-Za-z0-9]*\);.*/\1/p'; }

make tokenize
make pretrain
kernel=$(own run/pretrained.h5)
if [ -z "$kernel" ]; then
  echo "skipped: the BLAS here is not OpenBLAS"
else
  older=Nehalem # every processor of this kind has it
  [ "$kernel" != $older ] || older=Prescott
  if [ "$(uname -m)" != x86_64 ]; then older=$kernel; fi

  # Pinned, it is that kernel whatever the environment says, and another product. Without the option the key is as it was.
  key() { inspect "$1" | sed -n 's/.*key \([0-9a-f]*\).*/\1/p'; }
  make pretrain --out pinned --in run --run.blas_kernel="$older"
  [ "$(own pinned/pretrained.h5)" = "$older" ] || fail "not pinned: $(own pinned/pretrained.h5)"
  OPENBLAS_CORETYPE=$kernel make pretrain --out again --in run --run.blas_kernel="$older"
  [ "$(own again/pretrained.h5)" = "$older" ] || fail "the environment overrules the option"
  same pinned/pretrained.h5 again/pretrained.h5
  [ "$(key pinned/pretrained.h5)" = "$(key again/pretrained.h5)" ] || fail "another key"
  [ "$(key pinned/pretrained.h5)" != "$(key run/pretrained.h5)" ] || fail "not in the key"
  OPENBLAS_CORETYPE=$older make pretrain --out native --in run --run.blas_kernel="$kernel"
  [ "$(own native/pretrained.h5)" = "$kernel" ] || fail "the best one cannot be pinned"
  same run/pretrained.h5 native/pretrained.h5
  OPENBLAS_CORETYPE=$older make pretrain --out other --in run
  [ "$(key other/pretrained.h5)" = "$(key run/pretrained.h5)" ] || fail "what the machine chose is in the key"
  expect 2 "run.blas_kernel = Nonsense" stage pretrain --out none --in run --run.blas_kernel=Nonsense
  ! grep -q "training tokens" said || fail "starts to work"
  expect 2 "run.blas_kernel = Nonsense" ranks 2 pretrain --out none --in run --run.blas_kernel=Nonsense
  [ "$(grep -c ': error: ' said)" = 1 ] || fail "not one message"

  if [ "$kernel" != "$older" ]; then
    # Slower than need be: said, with the remedy, where the user has not asked for it.
    expect 0 "kernel $older, and this processor has a faster one.*OPENBLAS_CORETYPE.*--run.blas_kernel=" \
      env OPENBLAS_CORETYPE="$older" "$bin/bitdarts-pretrain" --config run.ini --out slow --in run
    expect 0 "" stage pretrain --out pinned --in run --run.blas_kernel="$older" --force
    ! grep -q "faster" said || fail "says that what was asked for is slow"
    # A run that goes on under another kernel.
    OPENBLAS_CORETYPE=$older interrupt TERM 0/1 pretrain --out moved --in run
    expect 0 "warning: this run began on another kind of machine.*kernel $older there.*kernel $kernel here" stage pretrain --out moved --in run
    interrupt TERM 0/1 pretrain --out stayed --in run
    expect 0 "resuming" stage pretrain --out stayed --in run
    ! grep -q "another kind" said || fail "warns of the same machine"
    # Ranks that differ.
    # shellcheck disable=SC2016 # the words of another script
    printf '#!/bin/sh\nif [ "$OMPI_COMM_WORLD_RANK" = 1 ]; then export OPENBLAS_CORETYPE=%s; fi\nexec "$@"\n' "$older" > mixed
    chmod +x mixed
    expect 0 "warning: the ranks do not run on the same kind of machine.*$kernel.* on rank 0.*$older.* on rank 1" \
      "$tests/mpirun" 2 ./mixed "$bin/bitdarts-pretrain" --config run.ini --out mixed_up --in run
  fi
fi

# Memory.
for size in --model.dim=16777216 "--model.dim=65536 --model.layers=4096" "--pretrain.batch=1073741824"; do
  # shellcheck disable=SC2086 # two options
  expect 2 "parameters needs at least .* GB.* are left" stage pretrain --out huge --in run $size
  ! grep -q "training tokens" said || fail "starts to work"
  [ "$(grep -c ': error: ' said)" = 1 ] || fail "not one message"
done
expect 2 "a rank, .* for the 2 of this machine" ranks 2 pretrain --out huge --in run --model.dim=16777216
expect 2 "parameters needs at least" stage search --search.batch=1073741824
expect 2 "parameters needs at least" stage finetune --finetune.scheme=uniform:lsq+:w4a8 --finetune.batch=1073741824
[ -z "$(find huge -name '*.h5' 2> /dev/null)" ] || fail "something was made"
echo "kernels: all is well"
