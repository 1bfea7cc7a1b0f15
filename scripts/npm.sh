#!/bin/bash
# npm: installs exactly what tests/peer/package-lock.json pins, into tests/peer/node_modules. Quick when it is there.
set -euo pipefail
cd "$(dirname "$0")/../tests/peer"

if cmp -s package-lock.json node_modules/.installed-lock; then
    exit 0
fi
if ! command -v npm > /dev/null; then
    echo "npm: not installed; run: scripts/deps.sh" >&2
    exit 1
fi
echo "npm: fetching the test peers (tests/peer/package.json)"
if ! npm ci --no-audit --no-fund --ignore-scripts --loglevel=error < /dev/null; then
    echo "npm: could not fetch the packages. Is the network there? A proxy or mirror goes into your own npm" \
        "configuration (npm config set ...), not into this project." >&2
    exit 1
fi
cp package-lock.json node_modules/.installed-lock
