#!/bin/sh
# Fails if the trip path calls anything outside core/sense and core/guard, a library's memcpy or division included: it
# runs while flash can't be read. Usage: trip_path_calls.sh sense.o guard.o   (of an optimised, unsanitised build)
# guard_init, guard_take_frame, guard_arm, guard_disarm, sense_init and sense_cfg_default belong to the control thread.
for object; do
    objdump -dr --no-show-raw-insn "$object" || exit 2
done | awk '
    /^[0-9a-f]+ <.*>:$/ { name = $2; gsub(/[<>:]/, "", name) }
    /R_[A-Z0-9_]*(PLT|PC|CALL)[A-Z0-9_]*/ && !/\.rodata|\.text|\.LC|\.data/ {
        target = $3; sub(/[-+@].*/, "", target)
        if (name ~ /^(guard_init|guard_take_frame|guard_arm|guard_disarm|sense_init|sense_cfg_default)(\.|$)/) next
        seen[name] = 1
        if (target == "sense_frame_read") { judged = 1; next }
        print name " calls " target; bad = 1
    }
    /^[0-9a-f]+ <guard_on_frame>:$/ { found = 1 }
    END {
        if (!found || !judged) { print "guard_on_frame not found in these objects"; exit 2 }
        exit bad
    }'
