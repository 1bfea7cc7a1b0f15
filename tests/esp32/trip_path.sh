#!/bin/sh
# Fails if the trip path, compiled for a 32-bit machine, uses floating point or has a name from outside itself: what is
# not in these two objects could lie in flash. Usage: trip_path.sh COMPILER ROOT WORKDIR
set -eu
cc=$1 root=$2 dir=$3
mkdir -p "$dir"
# General registers only: a floating-point operation becomes a call, which is not on the list below.
flags="-m32 -std=c11 -O2 -mgeneral-regs-only -fno-tree-loop-distribute-patterns -fno-stack-protector -fno-pic -I$root"
for name in sense guard; do
    $cc $flags -c "$root/core/$name.c" -o "$dir/$name.o"
done
ld -m elf_i386 -r "$dir/sense.o" "$dir/guard.o" -o "$dir/trip.o"
# The copying of whole structures, in functions of the control thread; on the chip they are in ROM.
allowed="memcpy memset"
status=0
for symbol in $(nm --undefined-only --format=posix "$dir/trip.o" | cut -d' ' -f1); do
    case " $allowed " in
    *" $symbol "*) ;;
    *)
        echo "the trip path needs $symbol"
        status=1
        ;;
    esac
done
nm --defined-only "$dir/trip.o" | grep -q ' T guard_on_frame$' || { echo "guard_on_frame is missing"; status=1; }
# Nothing of it may be written to outside the structures it is given: no variables of its own.
if nm "$dir/trip.o" | grep -q ' [bBdDcC] '; then
    echo "the trip path has variables of its own"
    status=1
fi
exit $status
