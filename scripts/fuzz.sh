#!/bin/bash
# fuzz: runs every libFuzzer target of fuzz/ for its share of a time box.   scripts/fuzz.sh [SECONDS]   (default 60)
# Starts from the seeds in fuzz/corpus/; what it learns stays in build/fuzz-corpus/ for the next time. A finding's input
# is kept in build/fuzz-findings/ and can be replayed: build/fuzz/bin/TARGET FILE.
set -euo pipefail
cd "$(dirname "$0")/.."

box=${1:-60}
if ! [[ $box =~ ^[0-9]+$ ]] || [ "$box" -lt 1 ]; then
    echo "fuzz: SECONDS is a whole number above 0, not '$box'" >&2
    exit 2
fi
mapfile -t targets < <(sed -n 's/^ *ecs_fuzz(\([A-Za-z0-9_]*\).*/\1/p' fuzz/CMakeLists.txt)
if [ ${#targets[@]} -eq 0 ]; then
    echo "fuzz: fuzz/CMakeLists.txt registers no target" >&2
    exit 1
fi
for source in fuzz/*.c; do
    name=$(basename "$source")
    if [ "$name" != replay.c ] && ! grep -qF -- "$name" fuzz/CMakeLists.txt; then
        echo "fuzz: $source is not registered in fuzz/CMakeLists.txt" >&2
        exit 1
    fi
done
scripts/build.sh fuzz "${targets[@]}"

jobs=$(nproc)
rounds=$(((${#targets[@]} + jobs - 1) / jobs))
each=$((box / rounds))
[ "$each" -ge 1 ] || each=1
mkdir -p build/fuzz-findings build/fuzz-logs
echo "fuzz: ${#targets[@]} targets, $each s each, $jobs at a time"

one() {
    local name=$1 log=build/fuzz-logs/$1.log corpus=build/fuzz-corpus/$1 seeds=()
    mkdir -p "$corpus"
    [ -d "fuzz/corpus/$name" ] && seeds=("fuzz/corpus/$name")
    if "build/fuzz/bin/$name" -max_total_time="$each" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
        -artifact_prefix="build/fuzz-findings/$name-" "$corpus" "${seeds[@]}" > "$log" 2>&1 < /dev/null; then
        printf 'fuzz: %-20s ok, %s runs\n' "$name" "$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")"
    else
        printf 'fuzz: %-20s FOUND something:\n' "$name"
        grep -E -A15 'ERROR|runtime error|SUMMARY|Test unit written' "$log" | head -n 60
        touch "build/fuzz-logs/$name.failed"
    fi
}
export -f one
export each
rm -f build/fuzz-logs/*.failed
printf '%s\n' "${targets[@]}" | xargs -P "$jobs" -I{} bash -c 'one {}'

failed=(build/fuzz-logs/*.failed)
if [ -e "${failed[0]}" ]; then
    echo "fuzz: ${#failed[@]} of ${#targets[@]} targets found something; inputs in build/fuzz-findings/"
    exit 1
fi
echo "fuzz: ${#targets[@]} targets, nothing found"
