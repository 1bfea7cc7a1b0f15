#!/bin/bash
# demo: a whole site in this terminal: the hub, three stations, and cars that come, charge and leave.
#   make demo                    until Ctrl-C
#   DEMO_SECONDS=40 make demo    ends by itself; exit 0 only if every station charged and no phase passed the site's
#                                limit as measured by the simulated world; writes build/demo/summary.json
# DEMO_SCENARIO=FILE: other doings than scripts/demo.scenario; an empty file (or /dev/null) leaves the cars to you.
# DEMO_PORT (8080) and DEMO_CONTROL (7000): first ports to try. DEMO_LIMIT (32): the site's amperes per phase.
set -euo pipefail
scenario=${DEMO_SCENARIO:-}
if [ -n "$scenario" ] && ! { [ -r "$scenario" ] && [ ! -d "$scenario" ]; }; then
    echo "demo: DEMO_SCENARIO=$scenario is not a file that can be read" >&2
    exit 2
fi
[ -z "$scenario" ] || scenario=$(realpath "$scenario")
cd "$(dirname "$0")/.."

bin=build/release/bin
dir=build/demo
limit=${DEMO_LIMIT:-32}
seconds=${DEMO_SECONDS:-}
if [ -n "$seconds" ] && ! [[ $seconds =~ ^[1-9][0-9]*$ ]]; then
    echo "demo: DEMO_SECONDS is a whole number of seconds, not '$seconds'" >&2
    exit 2
fi
for program in ecs-hub ecs-sim; do
    if [ ! -x $bin/$program ]; then
        echo "demo: $bin/$program is missing; run: make build" >&2
        exit 1
    fi
done

# The first port from $1 on that nobody listens on.
free_port() {
    local port=$1
    while (exec 3<> "/dev/tcp/127.0.0.1/$port") 2> /dev/null; do
        port=$((port + 1))
    done
    echo "$port"
}

rm -rf $dir
mkdir -p $dir
hub_port=$(free_port "${DEMO_PORT:-8080}")
control_port=$(free_port "${DEMO_CONTROL:-7000}")
hub=http://127.0.0.1:$hub_port
hub_pid=
sim_pid=
clock_pid=
finish() {
    trap - EXIT INT TERM
    [ -z "$clock_pid" ] || kill "$clock_pid" 2> /dev/null || true
    [ -z "$sim_pid" ] || kill "$sim_pid" 2> /dev/null || true
    [ -z "$hub_pid" ] || kill "$hub_pid" 2> /dev/null || true
    wait
}
trap finish EXIT

$bin/ecs-hub --listen "127.0.0.1:$hub_port" --db $dir/hub.db --site-limit "$limit" --auto-start \
    > $dir/hub.out 2>&1 < /dev/null &
hub_pid=$!
for _ in $(seq 100); do
    curl -sf -o /dev/null "$hub/api/v1/site" && break
    if ! kill -0 $hub_pid 2> /dev/null; then
        echo "demo: the hub ended at once:" >&2
        tail -n 20 $dir/hub.out >&2
        exit 1
    fi
    sleep 0.1
done
if ! curl -sf -o /dev/null "$hub/api/v1/site"; then
    echo "demo: the hub does not answer at $hub (its output is in $dir/hub.out)" >&2
    exit 1
fi

moves="The scenario goes on plugging cars in and out: ${scenario:-scripts/demo.scenario}"
[ -n "$scenario" ] || moves="$moves
(DEMO_SCENARIO=/dev/null make demo leaves them all to you)"

cat << END
A site with three charging stations, $limit A per phase to share. Cars come, charge and leave.

  the hub's page        $hub/
  play with a station   http://127.0.0.1:$control_port/   (its display, car, card, faults)
  pull car 1's plug     curl -d '' http://127.0.0.1:$control_port/stations/1/unplug
  plug it in again      curl -d '' http://127.0.0.1:$control_port/stations/1/plug
  cut CP2's network     curl -d '' http://127.0.0.1:$control_port/stations/2/network/off   (on: it is back)
  weld CP3's contactor  curl -d '' http://127.0.0.1:$control_port/stations/3/fault/weld/on   (off, then power/off and power/on: whole again)
  all faults gone       curl -d '' http://127.0.0.1:$control_port/stations/0/fault/none
  the true state        curl http://127.0.0.1:$control_port/state
  all the verbs         docs/simulator.md
  to end it             $([ -n "$seconds" ] && echo "wait $seconds s, or " || true)Ctrl-C

$moves

END

sim=($bin/ecs-sim --url "ws://127.0.0.1:$hub_port/ocpp" --id CP1 --stations 3 --control "$control_port"
    --state-dir $dir/stations --frame-log $dir/frames.log --scenario "${scenario:-scripts/demo.scenario}" --keep-running
    --set aux_fitted=1 --set lock_fitted=1
    --site-limit "$limit" --summary $dir/summary.json --table --quiet)
[ -z "$seconds" ] || sim+=(--require-charge)
"${sim[@]}" < /dev/null &
sim_pid=$!
# The cars' scenario has no end. A person's Ctrl-C and this clock end it the same way, which is no failure.
trap 'kill -INT $sim_pid 2> /dev/null || true' INT TERM
if [ -n "$seconds" ]; then
    (sleep "$seconds" && kill -INT $sim_pid) < /dev/null > /dev/null 2>&1 &
    clock_pid=$!
fi
status=0
wait $sim_pid || status=$?
while kill -0 $sim_pid 2> /dev/null; do # a signal ends `wait` before the simulator has ended
    status=0
    wait $sim_pid || status=$?
done
sim_pid=

[ ! -s $dir/summary.json ] || echo "demo: $(tr -d '\n' < $dir/summary.json)  ($dir/summary.json)"
if [ $status != 0 ]; then
    # Which of its promises: the simulator's summary knows.
    figure() { sed -nE "s/.*\"$1\": *([0-9.]+).*/\1/p" $dir/summary.json 2> /dev/null || true; }
    why=
    charged=$(figure charged)
    stations=$(figure stations)
    violations=$(figure violations)
    if [ -n "$seconds" ] && [ -n "$charged" ] && [ "$charged" -lt "$stations" ]; then
        why="only $charged of $stations stations charged in $seconds s"
        # 6 A is the least that a pilot can offer, so the rest has to wait.
        [ "${limit%%.*}" -ge 18 ] || why="$why (three cars need 18 A at least: DEMO_LIMIT is $limit)"
    fi
    if [ -n "$violations" ] && [ "$violations" != 0 ]; then
        why="${why:+$why; }a phase passed the limit of $limit A: $(figure max_phase_a) A"
    fi
    echo "demo: FAILED (exit $status): ${why:-see the line above}. Look in $dir/." >&2
fi
exit $status
