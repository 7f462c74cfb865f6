# shellcheck shell=bash
# Sourced after common.sh by tests that interrupt a stage: `interrupt`, and what it needs in the work folder.

# A rank leaves its process number, so that a signal can reach it and not the launcher; what rank 0 says goes into the pipe `lines`.
cat > ranked << 'WRAPPER'
#!/bin/sh
rank=${OMPI_COMM_WORLD_RANK:-${PMIX_RANK:?not under mpirun}}
echo $$ > "pid.$rank"
if [ "$rank" = 0 ]; then exec "$@" 2> lines; fi
exec "$@"
WRAPPER
chmod +x ranked
mkfifo lines

# Does process $1 handle SIGUSR2, the last of the signals that a stage watches?
watches() {
  local caught
  caught=$(sed -n 's/^SigCgt:[[:space:]]*//p' "/proc/$1/status" 2> /dev/null) || return 1
  [ -n "$caught" ] && (((16#$caught >> 11) & 1))
}

# interrupt SIGNAL RANK/RANKS STAGE OPTION...: one rank gets the signal, all stop together with exit code 75. The pipe is full from
# the start: rank 0 waits with its first line, at the latest after the first step, until the signal is delivered. So the run ends
# after one step, or after two when the rank had looked for signals just before; `step` says which.
interrupt() {
  local signal=$1 victim=pid.${2%/*} count=${2#*/} name=$3 number job code=0
  shift 3
  rm -f pid.*
  exec 3<> lines
  dd if=/dev/zero of=lines bs=4096 count=1024 oflag=nonblock 2> /dev/null || true
  "$tests/mpirun" "$count" ./ranked "$bin/bitdarts-$name" --config run.ini "$@" 3>&- &
  job=$!
  until [ -s "$victim" ] && watches "$(cat "$victim")"; do
    kill -0 "$job" 2> /dev/null || fail "$name ended before it could be interrupted"
    sleep 0.02
  done
  number=$(cat "$victim")
  kill -s "$signal" "$number"
  # Who waits for an end may ask again until it is there: nothing more may come of it.
  while kill -s "$signal" "$number" 2> /dev/null; do sleep 0.01; done 3>&- &
  exec 4< lines 3>&-
  tr -d '\0' <&4 > said
  exec 4<&-
  wait "$job" || code=$?
  wait
  [ "$code" = 75 ] || fail "exit $code instead of 75: $name after SIG$signal"
  [ "$(grep -c 'interrupted after' said)" = 1 ] || fail "not one message of the interruption: $name"
  step=$(sed -n 's/.*interrupted after step \([0-9]*\) of.*/\1/p' said)
}
