#!/bin/bash
# format: one format for all. Without an argument rewrites C files in place; --check changes nothing, names what is off
# (C by clang-format, syntax of shell and JavaScript, registry addresses in the lock file) and exits 1.
set -euo pipefail
cd "$(dirname "$0")/.."

mapfile -t c_files < <(git ls-files '*.c' '*.h')
if [ "${1:-}" != --check ]; then
    clang-format -i "${c_files[@]}"
    exit 0
fi

bad=0
off=$(printf '%s\0' "${c_files[@]}" |
    xargs -0 -n 8 -P "$(nproc)" clang-format --dry-run --ferror-limit=1 2>&1 |
    sed -n 's/^\([^:]*\):[0-9]*:[0-9]*: \(warning\|error\):.*/\1/p' | sort -u) || true
if [ -n "$off" ]; then
    sed 's/^/format: /; s/$/ (make format puts it right)/' <<< "$off"
    bad=1
fi
while read -r f; do
    bash -n "$f" || bad=1
done < <(git ls-files '*.sh' .ci/run)
while read -r f; do
    node --check "$f" || bad=1
done < <(git ls-files '*.mjs' 'hub/*.js')
if grep -n '"resolved"' tests/peer/package-lock.json; then
    echo "format: tests/peer/package-lock.json names a registry; npm install --omit-lockfile-registry-resolved"
    bad=1
fi
[ $bad = 0 ] && echo "format: ${#c_files[@]} C files are in form"
exit $bad
