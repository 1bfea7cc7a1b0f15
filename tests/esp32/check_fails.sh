#!/bin/bash
# Breaks the project in one way after the other, in a copy, and expects check.py to say so.
# Usage: check_fails.sh PYTHON ROOT WORKDIR
set -euo pipefail
python=$1 root=$2 dir=$3
failed=0

# expect CHECK PATTERN: the broken copy must fail with a line that matches
expect() {
    local out
    if out=$("$python" "$root/tests/esp32/check.py" "$1" "$dir"); then
        echo "$1: did not notice ($2)"
        failed=1
    elif ! grep -q "$2" <<< "$out"; then
        printf '%s: expected "%s", said:\n%s\n' "$1" "$2" "$out"
        failed=1
    fi
}

fresh() {
    rm -rf "$dir"
    mkdir -p "$dir/tests"
    cp -r "$root"/esp32 "$root"/port "$dir"
    cp -r "$root"/tests/esp32 "$dir/tests"
    for folder in core ocpp store net station update log panel; do
        if [ -d "$root/$folder" ]; then cp -r "$root/$folder" "$dir"; fi
    done
}

fresh
sed -i 's/0x1f0000, 0x1d0000/0x1e0000, 0x1d0000/' "$dir/esp32/partitions.csv"
expect partitions overlaps
fresh
sed -i 's/0x3c0000, 0x40000/0x3c0000, 0x50000/' "$dir/esp32/partitions.csv"
expect partitions 'behind the flash'
fresh
sed -i 's/0x20000,  0x1d0000/0x21000,  0x1cf000/' "$dir/esp32/partitions.csv"
expect partitions 'not on a boundary'
fresh
rm "$dir/esp32/main/outputs.c"
expect sources 'outputs.c does not exist'
fresh
echo 'int x;' > "$dir/core/new.c"
expect sources 'core/new.c is compiled for the chip but not for Linux'
fresh
sed -i 's/set(folders core ocpp/set(folders core/' "$dir/esp32/components/ecs/CMakeLists.txt"
expect sources 'not compiled for the chip'
fresh
mv "$dir/core/sense.c" "$dir/core/senses.c"
expect sources 'linker.lf: sense'
fresh
echo '#include <sys/epoll.h>' >> "$dir/core/guard.c"
expect headers 'sys/epoll.h'
fresh
echo '#include "linux/site.h"' >> "$dir/station/ops.c"
expect headers 'linux/site.h'
fresh
sed -i 's/esp_adc //' "$dir/esp32/main/CMakeLists.txt"
expect requirements 'esp_adc is not in'
fresh
sed -i 's/ esp_lcd / /' "$dir/esp32/main/CMakeLists.txt"
expect requirements 'esp_lcd is not in'
fresh
echo 'int y = CONFIG_ECS_NO_SUCH;' >> "$dir/esp32/main/outputs.c"
expect kconfig 'CONFIG_ECS_NO_SUCH is defined nowhere'
fresh
echo 'CONFIG_SPIRAM_MISSPELT=y' >> "$dir/esp32/sdkconfig.defaults"
expect kconfig 'SPIRAM_MISSPELT'
rm -rf "$dir"
exit $failed
