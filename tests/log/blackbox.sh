#!/bin/sh
# ecs-blackbox on a real diagnostics file, on damaged ones, and on wrong command lines.
#   blackbox.sh PROGRAM DIAGNOSTICS WORKDIR
set -eu
tool=$1
good=$2
dir=$3
rm -rf "$dir"
mkdir -p "$dir"
cd "$dir"

fail() {
    echo "blackbox.sh: $1" >&2
    exit 1
}
# expect STATUS WORDS ARGUMENT...: the exit status, and words on standard error ("" none)
expect() {
    want=$1 words=$2
    shift 2
    status=0
    "$tool" "$@" > out 2> err || status=$?
    [ "$status" = "$want" ] || fail "$* gave status $status, not $want: $(cat err)"
    if [ -n "$words" ]; then
        grep -q -- "$words" err || fail "$* said: $(cat err)"
    else
        [ ! -s err ] || fail "$* said: $(cat err)"
    fi
}

expect 0 "" --help
grep -q "Exit status" out || fail "no help"
expect 0 "" "$good"
grep -q "^1: fault DiodeMissing (16) at 2023-11-14T22:13:45.006Z, 500 samples, one every 10 ms$" out || fail "list: $(cat out)"
expect 0 "" "$good" --csv box.csv --png box.png
[ "$(wc -l < box.csv)" = 501 ] || fail "the table has $(wc -l < box.csv) lines"
# 4 s before the fault and 1 s after; charging at 32 A before, nothing after.
awk -F, 'NR == 2 && ($2 > -3.9 || $2 < -4.1 || $11 < 31 || $21 != "Charging") { exit 1 }
         NR == 501 && ($2 < 0.9 || $2 > 1.1 || $11 > 0.5 || $14 != 0 || $22 != "DiodeMissing") { exit 1 }' box.csv ||
    fail "the table's numbers"
[ "$(head -c 8 box.png | od -An -tx1 | tr -d ' \n')" = 89504e470d0a1a0a ] || fail "no PNG"
expect 0 "" - --csv - < "$good"
cmp -s out box.csv || fail "standard input and output"
expect 0 "" "$good" --box 1
# Two boxes, two pictures.
{
    sed '/^\[end\]/d' "$good"
    sed -n '/^\[blackbox\]/,/^\[end\]/p' "$good" | sed 's/number=1 /number=2 /'
} > two.txt
expect 0 "" two.txt --png two.png
[ -s two-1.png ] && [ -s two-2.png ] && [ ! -e two.png ] || fail "pictures of two boxes: $(ls)"
expect 0 "" two.txt --png one.png --box 2
[ -s one.png ] || fail "picture of one of two boxes"

expect 2 "one FILE"
expect 2 "one FILE" a b
expect 2 "no number" "$good" --box x
expect 2 "unrecognized" "$good" --colour
expect 1 "No such file" nowhere.txt
expect 1 "can't be written" "$good" --png /nowhere/x.png
expect 1 "nowhere" "$good" --csv /nowhere/x.csv
expect 1 "no such box: without --box" "$good" --box 9
: > empty.txt
expect 1 "no file of an ECSACP1" empty.txt
head -c 5000 /dev/zero > zero.txt
expect 1 "no file of an ECSACP1" zero.txt
head -n 1 "$good" | sed 's/diagnostics 1/security log 1/' > security.txt
expect 1 "not a diagnostics file" security.txt
head -c 20000 "$good" > cut.txt
expect 1 "line [0-9]*: " cut.txt
sed '/^\[end\]/d' "$good" > noend.txt
expect 1 "cut off" noend.txt
sed 's/samples=500/samples=5000/' "$good" > many.txt
expect 1 "samples=5000" many.txt
sed 's/period_us=10000/period_us=0/' "$good" > period.txt
expect 1 "period_us=0" period.txt
sed '/^\[blackbox\]/,$ s/^A/!/' "$good" > base64.txt
sed '/^\[blackbox\]/d;/^[A-Za-z0-9+\/]\{128\}$/d;/^[A-Za-z0-9+\/]*=$/d' "$good" > none.txt
expect 0 "" none.txt
expect 1 "no black box: there was no fault" none.txt --csv x.csv
expect 1 "no such box: there was no fault" none.txt --box 1
echo "blackbox.sh: all as expected"
