#!/bin/bash
# build: one of the project's builds, each in its own folder under build/.
#   scripts/build.sh KIND [TARGET...]
#     release  gcc, optimised: what `make demo` runs            build/release
#     asan     gcc with address and undefined-behaviour checks   build/asan
#     tsan     clang with thread checks                          build/tsan
#     clang    clang, optimised                                  build/clang
#     fuzz     clang with libFuzzer and address checks           build/fuzz
# Prints one line when all went well, the end of the compiler's output when not.
set -euo pipefail
cd "$(dirname "$0")/.."

kind=${1:-}
shift || true
compiler=gcc
options=(-DCMAKE_BUILD_TYPE=RelWithDebInfo)
checked=(-DCMAKE_BUILD_TYPE=Debug "-DCMAKE_C_FLAGS_DEBUG=-O1 -g") # assertions on; unoptimised takes thrice the time
case "$kind" in
release) ;;
asan) options=("${checked[@]}" -DECS_SANITIZE=address) ;;
tsan)
    compiler=clang
    options=("${checked[@]}" -DECS_SANITIZE=thread)
    ;;
clang) compiler=clang ;;
fuzz)
    compiler=clang
    options=("${checked[@]}" -DECS_SANITIZE=address -DECS_FUZZ=ON)
    ;;
*)
    echo "build: release, asan, tsan, clang or fuzz, please" >&2
    exit 2
    ;;
esac
if command -v ccache > /dev/null; then
    options+=(-DCMAKE_C_COMPILER_LAUNCHER=ccache)
fi

dir=build/$kind
log=$dir.log
mkdir -p build
start=$SECONDS
fail() {
    grep -E -A12 'error|FAILED|CMake Error' "$log" | head -n 80 >&2 || tail -n 40 "$log" >&2
    echo "build: $kind failed; all of its output is in $log" >&2
    exit 1
}
CC=$compiler cmake -G Ninja -S . -B "$dir" "${options[@]}" > "$log" 2>&1 < /dev/null || fail
ninja -C "$dir" ${JOBS:+-j "$JOBS"} "$@" >> "$log" 2>&1 < /dev/null || fail
echo "build: $kind is ready in $dir ($((SECONDS - start)) s)"
