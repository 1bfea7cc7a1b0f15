#!/usr/bin/env python3
"""bench: what a station costs: instructions, memory, stack and code, against bench/baseline.json.

    scripts/bench.py [--update]

Instructions are counted by callgrind in the optimised build on this machine: they say what has changed, not what the
ESP32 takes. Code and stack are this machine's too (a chip of 32 bits needs about half). Stack is the largest frame of
one function of each folder; memory is sizeof. A figure that is more than 5 % above the baseline is said as such;
--update writes what was measured as the new baseline, to be committed with the change that explains it.
"""
import json
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
DIR = os.path.join(ROOT, "build", "bench")
BASELINE = os.path.join(ROOT, "bench", "baseline.json")
REGRESSION_PERCENT = 5
FOLDERS = ["core", "ocpp", "store", "station", "panel", "net", "web", "update", "log"]
# The functional blocks of OCPP 2.0.1: name, files of ocpp/v201, members of struct v201. A file or member that stands in
# none is a row of its own.
BLOCKS = [
    ("A security events", "security_events", "security"),
    ("B provisioning", "provisioning device device_model variables reporting reset network_profiles", "dev prov reset reporting model"),
    ("C authorisation", "authorization auth_cache known_token", "auth cache"),
    ("D local list", "local_list", "list"),
    ("E transactions", "transactions tx_queue tx_record tx_samples durable_state", "durable durable_id restarted tx samples queue"),
    ("F remote control", "remote_control", ""),
    ("G availability", "availability", "avail"),
    ("H reservation", "reservation", "reservations"),
    ("J meter values", "meter_values", "meter"),
    ("K smart charging", "smart_charging composite", "smart"),
    ("L firmware", "firmware", "firmware"),
    ("N monitors, reports", "monitors monitoring monitoring_report", "monitors monitoring monitoring_report"),
    ("N logs, customers", "logs customer_information", "logs customer"),
    ("P data transfer", "data_transfer", ""),
    ("all: dispatch", "v201 requests", "view reconnect_wanted turn"),
]


def run(args, **more):
    done = subprocess.run(args, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          **more)
    if done.returncode:
        sys.stderr.write(done.stdout[-4000:])
        sys.exit("bench: %s failed" % " ".join(args[:3]))
    return done.stdout


def build():
    folders = [f for f in FOLDERS if os.path.exists(os.path.join(ROOT, f, "CMakeLists.txt"))]
    run(["cmake", "-G", "Ninja", "-S", ROOT, "-B", DIR, "-DCMAKE_BUILD_TYPE=RelWithDebInfo",
         "-DCMAKE_C_FLAGS=-fstack-usage"], env={**os.environ, "CC": "gcc"})
    libraries = re.findall(r"^(ecs_(?:%s)): " % "|".join(folders), run(["ninja", "-C", DIR, "-t", "targets"]), re.M)
    run(["ninja", "-C", DIR, "-j", os.environ.get("JOBS", "2"), "ecs-bench", "panel-cost", *sorted(set(libraries))])
    return folders


def instructions(program, functions):
    out = run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
               *["--toggle-collect=" + f for f in functions], *program])
    return int(re.search(r"Collected : (\d+)", out).group(1)), out


def members():
    """Bytes of each member of struct v201, and of the whole."""
    with open(os.path.join(ROOT, "ocpp/v201/v201.h"), encoding="utf-8") as f:
        body = re.search(r"^struct v201 \{\n(.*?)^\};", re.sub(r"/\*.*?\*/", "", f.read(), flags=re.S), re.M | re.S).group(1)
    names = re.findall(r"(\w+)(?:\[[^\]]*\])*;", body)
    source = os.path.join(DIR, "members.c")
    with open(source, "w", encoding="utf-8") as f:
        f.write('#include <stdio.h>\n#include "ocpp/v201/v201.h"\nint main(void)\n{\n')
        for name in names:
            f.write('    printf("%s %%zu\\n", sizeof ((struct v201 *)0)->%s);\n' % (name, name))
        f.write('    printf("= %zu\\n", sizeof(struct v201));\n}\n')
    program = os.path.join(DIR, "bin", "members")
    run(["gcc", "-std=c11", "-D_POSIX_C_SOURCE=200809L", "-I", ROOT, source, "-o", program])
    return {name: int(size) for name, size in (line.split() for line in run([program]).splitlines())}


def code_of(path):
    text, data = run(["size", path]).splitlines()[1].split()[:2]
    return int(text) + int(data)


def blocks(ocpp_bytes):
    """Code and memory of each block of OCPP."""
    files, ram = {}, members()
    framing = 0
    for at, _, names in os.walk(os.path.join(DIR, "ocpp")):
        for n in names:
            if n.endswith(".c.o"):
                if os.path.basename(at) == "v201":
                    files[n[:-len(".c.o")]] = code_of(os.path.join(at, n))
                else:
                    framing += code_of(os.path.join(at, n))
    whole = ram.pop("=")
    code, memory = {}, {}
    for name, of_files, of_members in BLOCKS:
        code[name] = sum(files.pop(f, 0) for f in of_files.split())
        memory[name] = sum(ram.pop(m, 0) for m in of_members.split())
    for name, size in files.items():
        code["(no block) " + name] = size
    for name, size in ram.items():
        memory["(no block) " + name] = size
    code["framing, JSON, schemas"] = framing
    memory["framing, JSON, schemas"] = ocpp_bytes - whole
    return code, memory


def measure(folders):
    program = os.path.join(DIR, "bin", "ecs-bench")
    got = {"instructions": {}, "bytes": {}, "code": {}, "stack": {}}
    frames, out = instructions([program, "charge"], ["guard_on_frame"])
    got["instructions"]["adc_frame"] = frames // int(re.search(r"^frames (\d+)", out, re.M).group(1))
    steps, out = instructions([program, "charge"], ["control_step"])
    got["instructions"]["control_step"] = steps // int(re.search(r"^steps (\d+)", out, re.M).group(1))
    drawn, out = instructions([os.path.join(DIR, "bin", "panel-cost")], ["panel_show", "panel_render"])
    got["instructions"]["full_screen"] = drawn // int(re.search(r"^(\d+) screens", out, re.M).group(1))
    for line in run([program, "sizes"]).splitlines():
        name, size = line.split()
        got["bytes"][name] = int(size)
    got["block_code"], got["block_memory"] = blocks(got["bytes"]["ocpp"])
    where = {}
    for folder in folders:
        code, worst, frame = 0, 0, ""
        for at, _, names in os.walk(os.path.join(DIR, folder)):
            for n in names:
                path = os.path.join(at, n)
                if n.endswith(".o"):
                    code += int(run(["size", path]).splitlines()[1].split()[0])
                elif n.endswith(".su"):
                    with open(path, encoding="utf-8") as f:
                        for line in f:
                            place, size, kind = line.rstrip("\n").split("\t")
                            if kind == "dynamic":
                                sys.exit("bench: %s has a stack frame without bound" % place)
                            if int(size) > worst:
                                worst, frame = int(size), place.split(":")[-1]
        if code:
            got["code"][folder] = code
            got["stack"][folder] = worst
            where[folder] = frame
    return got, where


def main():
    if sys.argv[1:] not in ([], ["--update"]):
        sys.exit(__doc__)
    got, where = measure(build())
    base = {}
    if os.path.exists(BASELINE):
        with open(BASELINE, encoding="utf-8") as f:
            base = json.load(f)
    units = {"instructions": "instructions", "bytes": "bytes of memory", "code": "bytes of code", "stack": "bytes of stack",
             "block_code": "OCPP: code of a block", "block_memory": "OCPP: memory of a block"}
    worse = []
    for group, figures in got.items():
        print("%-26s %12s %12s %8s" % (units[group], "baseline", "now", "change"))
        for name, now in figures.items():
            before = base.get(group, {}).get(name)
            change = "new" if before is None else "%+.1f %%" % (100.0 * (now - before) / before) if before else ""
            mark = ""
            if before and (now - before) * 100 > REGRESSION_PERCENT * before:
                mark = "  REGRESSION"
                worse.append("%s %s" % (name, units[group]))
            note = "  " + where[name] if group == "stack" else ""
            print("  %-24s %12s %12d %8s%s%s" % (name, before if before is not None else "-", now, change, note, mark))
        for name in base.get(group, {}):
            if name not in figures:
                print("  %-24s %12d %12s" % (name, base[group][name], "gone"))
    if "--update" in sys.argv or not base:
        with open(BASELINE, "w", encoding="utf-8") as f:
            json.dump(got, f, indent=2)
            f.write("\n")
        print("bench: written to bench/baseline.json")
    elif worse:
        print("bench: more than %d %% above the baseline: %s" % (REGRESSION_PERCENT, ", ".join(worse)))
    else:
        print("bench: nothing is more than %d %% above the baseline" % REGRESSION_PERCENT)


if __name__ == "__main__":
    main()
