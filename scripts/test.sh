#!/bin/bash
# test: everything that checks the project, in stages, each with its time. Goes on after a failure, so that one run
# tells all; exit 0 only when every stage passed. What each stage printed is kept in build/test/.
set -uo pipefail
cd "$(dirname "$0")/.."

mkdir -p build/test
failed=()
count=0
jobs=$(($(nproc) + 1)) # some tests mostly wait

# stage NAME COMMAND...   runs it, shows what it prints, says how long it took
stage() {
    local name=$1 start=$SECONDS
    shift
    count=$((count + 1))
    echo "== $name"
    if "$@" < /dev/null 2>&1 | tee "build/test/$name.log"; then
        echo "== $name: ok, $((SECONDS - start)) s"
    else
        echo "== $name: FAILED after $((SECONDS - start)) s"
        failed+=("$name")
        return 1
    fi
}

# A leak or an undefined operation ends a program with a code of its own, so that no test can take it for success.
tests_asan() {
    ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1:exitcode=99 \
        UBSAN_OPTIONS=print_stacktrace=1 \
        ctest --test-dir build/asan --output-on-failure --no-tests=error -j "$jobs"
}

# setarch -R: the thread checker's run-time of Debian 12 can't bear the address randomisation of newer kernels.
tests_tsan() {
    TSAN_OPTIONS=exitcode=66:second_deadlock_stack=1 setarch "$(uname -m)" -R \
        ctest --test-dir build/tsan --output-on-failure --no-tests=error -j "$jobs" -L threads
}

stage packages scripts/npm.sh
stage format scripts/format.sh --check
stage build-asan scripts/build.sh asan && stage tests tests_asan
stage build-release scripts/build.sh release ecs-sim ecs-hub && stage demo node tests/site/demo.test.mjs
# The other compiler, and the thread checker: one build, all of it, every warning an error.
stage build-tsan scripts/build.sh tsan && stage threads tests_tsan

if [ ${#failed[@]} -eq 0 ]; then
    echo "test: all $count stages passed in $SECONDS s"
else
    echo "test: FAILED: ${failed[*]} ($count stages run in $SECONDS s; output in build/test/)"
    exit 1
fi
