#!/bin/bash
# powercut: cuts the power at every flash operation of the journal, at every file operation of a settings save, and at every
# flash operation of firmware updates, one program after the other.
#   scripts/powercut.sh [DEPTH [SEED]]   depth 1 takes about a minute; deeper means more workloads
# The last line is "powercut: N cuts, M lost, K bricked"; the exit code is 0 only if M and K are 0.
set -uo pipefail
cd "$(dirname "$0")/.."

depth=${1:-1}
seed=${2:-1}
scripts/build.sh release store_powercut update_powercut || exit 1

cuts=0 lost=0 bricked=0 failed=0
for program in store_powercut update_powercut; do
    echo "== $program $depth $seed"
    output=$("build/release/bin/$program" "$depth" "$seed") || failed=1
    echo "$output"
    if [[ ${output##*$'\n'} =~ ^powercut:\ ([0-9]+)\ cuts,\ ([0-9]+)\ lost,\ ([0-9]+)\ bricked$ ]]; then
        cuts=$((cuts + BASH_REMATCH[1]))
        lost=$((lost + BASH_REMATCH[2]))
        bricked=$((bricked + BASH_REMATCH[3]))
    else
        echo "powercut: $program did not come to its end" >&2
        failed=1
    fi
done
echo "powercut: $cuts cuts, $lost lost, $bricked bricked"
[ $failed -eq 0 ] && [ "$lost" -eq 0 ] && [ "$bricked" -eq 0 ]
