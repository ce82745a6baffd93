#!/bin/bash
# Checks chain_rule.pml exhaustively (no hash compaction, no depth cut off), and that each weakened variant is
# caught for the right reason: a model that can't fail proves nothing.
#   deploy/model/check.sh          about a minute of one core
#   deploy/model/check.sh deep     more faults at once; some minutes more
set -euo pipefail
model=$(cd "$(dirname "$0")" && pwd)/chain_rule.pml
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
failures=0

# explore DEFINES COMPILER_FLAGS RUN_FLAGS: leaves what the checker said in `result`.
explore() {
  rm -f pan* result
  # shellcheck disable=SC2086
  spin $1 -a "$model" >spin.out 2>&1 || { cat spin.out; exit 1; }
  # shellcheck disable=SC2086
  gcc -O2 -w -DCOLLAPSE -DMEMLIM=4000 $2 -o pan pan.c
  # shellcheck disable=SC2086
  ./pan -m10000 ${3:-} >result 2>&1 || true
}

states() { sed -n 's/^ *\([0-9.e+]*\) states, stored.*/\1 states/p' result; }

holds() {
  explore "$1" "$2" "${3:-}"
  if grep -q 'errors: 0' result && ! grep -qE 'not completed|too small|reached -DMEMLIM|aborted' result; then
    printf 'holds   %-16s %s %s\n' "$(states)" "$1" "${4:-}"
  else
    printf 'FAILS   %s\n' "$1"
    cat result
    failures=$((failures + 1))
  fi
}

# caught DEFINE TEXT: the variant must be caught, by the property whose assertion holds TEXT.
caught() {
  explore "-D$1 -DCRASHES=0 -DUNKNOWNS=0" -DSAFETY
  if grep -q 'errors: 1' result && grep -F "assertion violated" result | grep -qF "$2"; then
    printf 'caught  %-16s -D%s\n' "$(states)" "$1"
  else
    printf 'NOT CAUGHT  -D%s\n' "$1"
    cat result
    failures=$((failures + 1))
  fi
}

caught NO_CHAIN_CHECK 'incoming.index==truth.decided'
caught SEQUENCE_ONLY 'incoming.index==truth.decided'
caught EFFECT_BEFORE_ACCEPT 'counted&(1<<'
caught NO_REFOLD 'counted&(1<<'
caught STOPS_WHEN_LOST 'performed=='
holds '-DCRASHES=1 -DUNKNOWNS=0 -DLIVENESS' '' -a
holds '-DX_INPUTS=1 -DCRASHES=1 -DUNKNOWNS=1 -DLIVENESS' '' -a
holds '-DCONDITIONAL -DCRASHES=1 -DUNKNOWNS=1 -DLIVENESS' '' -a
holds '-DX_INPUTS=1 -DCRASHES=2 -DUNKNOWNS=1' -DSAFETY
holds '-DCRASHES=1 -DUNKNOWNS=1' -DSAFETY
# Spin counts a d_step as one statement; each of them took part in that last and largest run.
if grep -F "$(basename "$model"):" result | grep -vF -e '-end-'; then
  echo 'FAILS   the lines above were never reached'
  failures=$((failures + 1))
fi
if [[ ${1:-} == deep ]]; then
  holds '-DX_INPUTS=1 -DCRASHES=1 -DUNKNOWNS=2' -DSAFETY
  holds '-DCONDITIONAL -DCRASHES=2 -DUNKNOWNS=2' -DSAFETY
  holds '-DX_INPUTS=1 -DCRASHES=2 -DUNKNOWNS=2' -DSAFETY
fi

if ((failures > 0)); then
  echo "$failures checks failed"
  exit 1
fi
