#!/bin/bash
# deps: installs the Debian packages of deps.txt that are missing. Quick and silent when all are there.
#   scripts/deps.sh          install what is missing (root, or sudo without a password), else say what to type
#   scripts/deps.sh --list   print what is missing, change nothing
set -euo pipefail
cd "$(dirname "$0")/.."

packages=()
instead=()
while read -r package command _; do
    packages+=("$package")
    instead+=("$command")
done < <(sed 's/#.*//; /^[[:space:]]*$/d' deps.txt)

if ! command -v dpkg-query > /dev/null; then
    echo "deps: this is not a Debian system. Install the equivalents of deps.txt by hand, then run make with DEPS=no." >&2
    exit 1
fi

installed=$(dpkg-query -W -f '${binary:Package} ${db:Status-Abbrev}\n' "${packages[@]}" 2> /dev/null |
    sed -n 's/^\([^ :]*\)[^ ]* ii *$/\1/p') || true
missing=()
for i in "${!packages[@]}"; do
    grep -qxF -- "${packages[$i]}" <<< "$installed" && continue
    # A program that came another way (a newer Node.js with its own npm, say) is as good as the package.
    if [ -n "${instead[$i]}" ] && command -v "${instead[$i]}" > /dev/null; then
        continue
    fi
    missing+=("${packages[$i]}")
done

if [ "${1:-}" = --list ]; then
    [ ${#missing[@]} -eq 0 ] || printf '%s\n' "${missing[@]}"
    exit 0
fi
if [ ${#missing[@]} -gt 0 ]; then
    run=()
    if [ "$(id -u)" != 0 ]; then
        if command -v sudo > /dev/null && sudo -n true 2> /dev/null; then
            run=(sudo -n)
        else
            echo "deps: Debian packages are missing and you are not root. Type this once, then make again:" >&2
            echo "    sudo apt-get install --no-install-recommends ${missing[*]}" >&2
            exit 1
        fi
    fi
    echo "deps: installing what is missing: ${missing[*]}"
    export DEBIAN_FRONTEND=noninteractive
    log=$(mktemp)
    trap 'rm -f "$log"' EXIT
    install() {
        "${run[@]}" apt-get -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 install -y -q --no-install-recommends \
            "${missing[@]}" < /dev/null > "$log" 2>&1
    }
    # The package lists may be absent or too old for the mirror: fetch them only when the first try fails.
    if ! install; then
        "${run[@]}" apt-get -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 update -q < /dev/null >> "$log" 2>&1 || true
        if ! install; then
            tail -n 20 "$log" >&2
            echo "deps: apt-get could not install them (its last lines are above). Is the network there, and is this" \
                "Debian 12 with the main archive in its sources?" >&2
            exit 1
        fi
    fi
    echo "deps: done"
fi

major=$(node -p 'process.versions.node.split(".")[0]')
if [ "$major" -lt 18 ]; then
    echo "deps: Node.js $(node --version) is too old, 18 or newer is needed (Debian 12 has it: apt-get install nodejs)." >&2
    exit 1
fi
