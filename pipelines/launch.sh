# shellcheck shell=bash
# Sourced by run, sweep and status: where the programs are, and how a stage is started, stopped and judged. `me` is the name
# that messages begin with.
: "${me:?}"

# Installed, the scripts are bin/bitdarts-... beside the executables; else they build them.
find_programs() { # FOLDER-OF-THE-SCRIPT: sets bin and pipelines
  here=$1
  if [ -x "$here/bitdarts-search" ]; then
    bin=$here pipelines=$here/../share/bitdarts/pipelines
  else
    bin=$here/../build/bin pipelines=$here
  fi
}

find_ini() { # NAME: sets ini
  ini=$1
  if [ ! -f "$ini" ]; then ini=$pipelines/$1.ini; fi
  if [ ! -f "$ini" ]; then wrong "neither $1 nor $ini is a file"; fi
}

# The first build is seen, later ones speak only when they fail.
build() {
  if [ "$bin" = "$here" ]; then return; fi
  local root=$here/.. generator=() folder=$here/../build
  if [ ! -d "$folder" ]; then folder=$root; fi
  if [ ! -w "$folder" ]; then
    if [ -x "$bin/bitdarts-report" ]; then
      echo "$me: $folder cannot be written to: the programs in it are used as they are, whatever the sources are now" >&2
      return
    fi
    echo "$me: error: there are no programs in $bin, and $folder cannot be written to" >&2
    echo "  try:   build a copy that can be, or install one: cmake --install build --prefix DIR, and then DIR/bin/bitdarts-run" >&2
    exit 1
  fi
  "$root/setup"
  if [ ! -e "$root/build/build.ninja" ] && [ ! -e "$root/build/Makefile" ]; then
    if [ ! -e "$root/build/CMakeCache.txt" ] && command -v ninja >/dev/null; then generator=(-G Ninja); fi
    cmake -S "$root" -B "$root/build" "${generator[@]}" -DCMAKE_BUILD_TYPE=Release >&2
  fi
  local compile=(cmake --build "$root/build" --target bitdarts_stages --parallel "$(nproc)")
  if [ ! -x "$bin/bitdarts-report" ]; then "${compile[@]}" >&2; return; fi
  if "${compile[@]}" >"$root/build/build.log" 2>&1; then return; fi
  tail -n 50 "$root/build/build.log" >&2
  echo "$me: error: the build failed; all of its output is in build/build.log" >&2
  exit 1
}

set_up_launcher() { # RANKS
  # One thread a rank; run.threads overrules. Ranks may be more than cores, and then must not spin.
  export OMP_NUM_THREADS=1 OMPI_MCA_mpi_yield_when_idle=1
  if [ "$(id -u)" = 0 ]; then export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1; fi
  # A container may forbid reading another process' memory, and OpenMPI then falls back with a page of warnings.
  export OMPI_MCA_btl_vader_single_copy_mechanism=none
  # Else mpirun looks for X servers (hwloc's plugin gl), and waits for a name server where /etc/hosts has no localhost.
  export HWLOC_COMPONENTS=${HWLOC_COMPONENTS:--gl}
  launcher=(mpirun --quiet --bind-to none --oversubscribe -np "$1")
  trap stop INT TERM HUP USR1 USR2
}

# A wish to stop reaches every rank as SIGUSR1, and the stage ends with a checkpoint and exit code 75; mpirun itself
# would kill the ranks a moment after Ctrl-C or SIGTERM. A second wish is left to mpirun.
child="" stopping=no forced=no signalled=no
stop() {
  signalled=yes
  if [ "$stopping" = yes ] && [ -n "$child" ]; then
    forced=yes
    kill -s TERM "$child" 2>/dev/null || true
  fi
  if [ "$stopping" = no ] && [ -n "$child" ]; then ask "$child" & fi
  stopping=yes
}
# mpirun passes nothing on while it starts its ranks, and a rank that was asked already is not disturbed.
ask() { while kill -s USR1 "$1" 2>/dev/null; do sleep 1; done; }

launch() { # PROGRAM OPTION...: sets code
  setsid "${launcher[@]}" "$@" &
  child=$!
  if [ "$stopping" = yes ]; then ask "$child" & fi  # since just now
  while true; do  # a signal ends `wait` early
    signalled=no code=0
    wait "$child" || code=$?
    if [ "$signalled" = no ]; then break; fi
  done
  child=""
}

# mpirun may say nothing, or a page, when a rank dies: the last line says what became of the run. What is wrong in a stage,
# the stage has said itself. Gives the exit code of the run.
verdict() {  # STAGE CODE
  local stage=$1 code=$2 again="the same command goes on from what was saved" signal
  if [ "$forced" = yes ] && [[ " 2 3 75 " != *" $code "* ]]; then
    echo "$me: $stage was ended at the second request; $again" >&2
    return 75
  fi
  if [ "$code" = 75 ]; then
    echo "$me: $stage was interrupted (exit code 75); $again" >&2
  elif [ "$code" -le 128 ]; then
    echo "$me: error: $stage ended with exit code $code; what was made so far is kept" >&2
  else
    signal=$(kill -l "$code" 2>/dev/null || echo "$((code - 128))")
    if [ "$stopping" = yes ] && [[ " HUP INT KILL USR1 TERM " = *" $signal "* ]]; then
      echo "$me: $stage was ended when it was asked to stop (SIG$signal); $again" >&2
      return 75
    fi
    echo "$me: error: a process of $stage was killed (SIG$signal, exit code $code of mpirun), and with it the others; $again" >&2
    return 1
  fi
  return "$code"
}

# The option of the resolved configuration, without the quotes of the INI file.
configuration=""
value_of() { # SECTION KEY
  local value
  value=$(sed -n "/^\[$1\]/,/^\[/s/^$2 = //p" <<<"$configuration")
  if [[ $value == \"*\" ]]; then value=$(sed 's/\\\(.\)/\1/g' <<<"${value:1:-1}"); fi
  echo "$value"
}

# The text of a pipeline that comes with a script to make it, beside its INI file.
prepare_text() { # TEXT OPTION...
  local text=$1 prepare; shift
  prepare=$(dirname "$ini")/$(basename "$ini" .ini).prepare
  if [ -x "$prepare" ] && [ -z "${BITDARTS_DATA_TEXT:-}" ] && [[ " $* " != *" --data.text"* ]]; then
    "$prepare" "$text"
  fi
}

# What a stage says when it fails, for those who come later: FOLDER/failed has the stage, the exit code and the last message.
note_failure() { # FOLDER STAGE CODE LOG BYTES-OF-THE-LOG-BEFORE
  local message
  message=$(tail -c "+$(($5 + 1))" "$4" 2>/dev/null | grep -a 'error:' | grep -av '^srun:' | tail -n 1 | tr '\t' ' ' || true)
  if [ -z "$message" ]; then message=$(tail -n 1 "$4" 2>/dev/null | tr '\t' ' ' || true); fi
  printf 'stage\t%s\nexit_code\t%s\nmessage\t%s\n' "$2" "$3" "$message" >"$1/failed.tmp"
  mv "$1/failed.tmp" "$1/failed"
}
