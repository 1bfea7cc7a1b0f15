#!/usr/bin/env python3
"""mutants: seeds one small mistake at a time in core/ and looks whether the unit tests notice.

    scripts/mutants.py [--sample N] [--seed S] [--file NAME]... [--again] [--jobs 1|2] [--list]

--sample N   N mutants, chosen by --seed, instead of all (about one second each)
--file NAME  only this file of core/ (guard.c, evse.h, ...); may be repeated
--again      only those that survived the last run; what was killed then counts as killed, as long as the file it is
             in and the headers that it includes are what they were (tests may have come, not gone)
--list       shows the mutants, builds nothing

The mistakes: a relational operator (< becomes <= and >=, == becomes !=, ...), && for ||, an operand of them left out, a
condition always or never true, a negation left out, + for -, * for /, << for >>, & for |, a number one off (a twentieth
off if it is 100 or more: a threshold of 13500 mV that is 1 mV off is below what any hardware resolves), true for false,
the next value of the same enum, the next pilot letter, a statement left out. Numbers in the headers are mutated for
core alone: the tests keep the right ones.

A mutant is killed when one of its file's tests fails, crashes, does what the undefined-behaviour sanitizer stops (an
index out of bounds, an overflow), or does not end. It is equivalent when the compiler makes
the same object of it, or when scripts/mutants.equivalent has it with a reason. One that does not compile is not counted.
The last line is `mutants: N seeded, M killed, K equivalent`; the exit code is 1 when fewer than 95 % of those that are
not equivalent were killed.
"""
import argparse
import concurrent.futures
import hashlib
import json
import os
import random
import re
import resource
import shutil
import subprocess
import sys
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.join(ROOT, "build", "mutants")
PLACE = os.path.join(BUILD, "run-%d" % os.getpid())
GOAL_PERCENT = 95
CC = os.environ.get("CC", "gcc")
CFLAGS = ["-std=c11", "-w", "-fno-ident", "-D_POSIX_C_SOURCE=200809L", "-D_DEFAULT_SOURCE"]
# What the sanitizers of `make test` would find on the spot, without their run-time.
QUICK = ["-O1", "-fsanitize=bounds-strict,shift,signed-integer-overflow,integer-divide-by-zero", "-fsanitize-undefined-trap-on-error"]
COMPARED = ["-O2"]

SLOW_S = 0.5  # a test that takes longer is tried only on what does not compile to the same object

# The tests of each file: what it does is to be noticed by these, without help from the others'.
PARTS = ["test_parts"]
TESTS_OF = {
    "sense.c": ["test_sense", "test_guard"],
    "guard.c": ["test_guard"],
    "evse.c": ["test_evse"],
    "pilot.c": ["test_pilot"],
    "supply.c": ["test_supply"],
    "calibrate.c": ["test_calibrate"],
    "metering.c": ["test_metering_steady", "test_metering_exact", "test_metering_rows", "test_metering"],
    "control.c": ["test_control_steps", "test_control_orders", "test_control_faults", "test_control"],
}
RIG = ["frames.c", "rig.c", "desk.c", "waves.c"]


def tests_of(name):
    return TESTS_OF.get(name, PARTS)


# ---- the source, seen as text in which comments and strings are blank ----

def masked(text):
    out = list(text)
    for m in re.finditer(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|^[ \t]*#(?:[^\n]*\\\n)*[^\n]*', text, re.S | re.M):
        for i in range(m.start(), m.end()):
            if out[i] != "\n":
                out[i] = " "
    return "".join(out)


def close_of(t, at):
    """Index of the bracket that closes the one at `at`."""
    depth = 0
    for i in range(at, len(t)):
        if t[i] in "([{":
            depth += 1
        elif t[i] in ")]}":
            depth -= 1
            if depth == 0:
                return i
    return -1


def operand_right(t, at):
    """End of the operand that begins at `at` of a chain of && or ||."""
    depth, i = 0, at
    while i < len(t):
        c = t[i]
        if c in "([{":
            depth += 1
        elif c in ")]}":
            if depth == 0:
                return i
            depth -= 1
        elif depth == 0 and (c in ";,?:" or t[i:i + 2] in ("&&", "||")):
            return i
        i += 1
    return i


def operand_left(t, end):
    """Start of the operand that ends at `end`."""
    depth, i = 0, end - 1
    while i >= 0:
        c = t[i]
        if c in ")]}":
            depth += 1
        elif c in "([{":
            if depth == 0:
                return i + 1
            depth -= 1
        elif depth == 0:
            if c in ";,?:" or t[i - 1:i + 1] in ("&&", "||"):
                return i + 1
            if c == "=" and t[i - 1] not in "=!<>" and t[i + 1] != "=":
                return i + 1
            if t[i - 5:i + 1] == "return":
                return i + 1
        i -= 1
    return 0


def enums(headers):
    """Each constant of an enum to the next of the same enum."""
    follows = {}
    for text in headers:
        for m in re.finditer(r"\benum\s+(\w+)\s*\{([^}]*)\}", masked(text)):
            names = re.findall(r"^\s*([A-Z]\w+)|,\s*([A-Z]\w+)", m.group(2), re.M)
            names = [a or b for a, b in names]
            names = [n for n in names if not re.search(r"_(COUNT|SLOTS|STATES|TYPES|SIGNALS)$", n)]
            for i, n in enumerate(names):
                if len(names) > 1:
                    follows[n] = names[(i + 1) % len(names)]
    return follows


def numbers_near(literal):
    """What a number is mutated to."""
    m = re.fullmatch(r"(0[xX][0-9a-fA-F]+|\d+)([uUlL]*)", literal)
    if m:
        hexed = m.group(1)[:2] in ("0x", "0X")
        n = int(m.group(1), 16 if hexed else 10)
        step = 1 if n < 100 or hexed else max(1, n // 20)
        return [("0x%X" % v if hexed else str(v)) + m.group(2) for v in (n + step, n - step) if v >= 0]
    m = re.fullmatch(r"(\d*\.\d*(?:[eE][-+]?\d+)?)([fFlL]?)", literal)
    if m:
        v = float(m.group(1))
        return ["%r%s" % (v * 1.05, m.group(2)), "%r%s" % (v * 0.95, m.group(2))] if v else ["1.0" + m.group(2)]
    return []


RELATIONS = {"<": ["<=", ">="], "<=": ["<", ">"], ">": [">=", "<="], ">=": [">", "<"], "==": ["!="], "!=": ["=="]}
OTHERS = {
    "&&": ["||"], "||": ["&&"], "+=": ["-="], "-=": ["+="], "*=": ["/="], "/=": ["*="], "|=": ["&="], "&=": ["|="],
    "^=": ["|="], "<<=": [">>="], ">>=": ["<<="], "<<": [">>"], ">>": ["<<"], "++": ["--"], "--": ["++"],
    "*": ["/"], "/": ["*"], "%": ["*"], "+": ["-"], "-": ["+"], "&": ["|"], "|": ["&"], "^": ["&"],
}
TOKEN = re.compile(
    r"(?P<char>'(?:\\.|[^'\\])')|(?P<num>\.\d+[fF]?|\b\d+\.\d*(?:[eE][-+]?\d+)?[fFlL]?|\b0[xX][0-9a-fA-F]+[uUlL]*|"
    r"\b\d+[uUlL]*\b)|(?P<word>[A-Za-z_]\w*)|(?P<op>->|<<=|>>=|<<|>>|<=|>=|==|!=|&&|\|\||\+\+|--|[-+*/%&|^]=|"
    r"[-+*/%<>&|^!~])")
TYPES = (r"(?:const|static|struct|enum|union|u?int\w*_t|bool|char|size_t|double|float|unsigned|int|void|extern|typedef|"
         r"_Static_assert)\b")


class Mutant:
    def __init__(self, name, text, start, end, new):
        self.name, self.start, self.end, self.new = name, start, end, new
        self.line = text.count("\n", 0, start) + 1
        a = text.rfind("\n", 0, start) + 1
        b = text.find("\n", end)
        b = len(text) if b < 0 else b
        flat = lambda s: re.sub(r"\s+", " ", s).strip()
        self.before = flat(text[a:b])
        self.after = flat(text[a:start] + new + text[end:b])
        self.id = ""

    def apply(self, text):
        return text[:self.start] + self.new + text[self.end:]

    def shown(self):
        return "core/%s:%d: %s  →  %s" % (self.name, self.line, self.before, self.after)


def of_header(name, text):
    t, out = masked(text), []
    for m in re.finditer(r"\b([A-Z][A-Z0-9_]+)\s*=\s*(\d+)\b(?=\s*[,}\n])", t):
        if re.search(r"\[[^\]]*\b%s\b" % m.group(1), "".join(ALL_TEXT.values())):
            continue  # the size of an array: that is the layout the tests are built with
        for n in numbers_near(m.group(2)):
            out.append(Mutant(name, text, m.start(2), m.end(2), n))
    return out


def of_source(name, text, follows):
    t, out = masked(text), []
    add = lambda s, e, new: out.append(Mutant(name, text, s, e, new))

    def declaration(at):
        a = max(t.rfind(";", 0, at), t.rfind("{", 0, at), t.rfind("}", 0, at)) + 1
        return re.match(r"\s*" + TYPES, t[a:at]) is not None

    for m in TOKEN.finditer(t):
        s, e, tok = m.start(), m.end(), m.group()
        before = t[:s].rstrip()[-1:]
        if m.group("num"):
            if before == "[" and declaration(s) and "=" not in t[t.rfind("\n", 0, s):s]:
                continue  # size of an array
            if before == "." or re.search(r"\w$", t[:s]):
                continue
            for n in numbers_near(tok):
                add(s, e, n)
        elif m.group("char"):
            swap = {"'A'": "'B'", "'B'": "'C'", "'C'": "'D'", "'D'": "'C'", "'E'": "'F'", "'F'": "'E'", "'?'": "'A'"}
            if tok in swap:
                add(s, e, swap[tok])
        elif m.group("word"):
            if tok in ("true", "false"):
                add(s, e, "false" if tok == "true" else "true")
            elif tok in follows and not re.match(r"\s*=[^=]", t[e:]):
                add(s, e, follows[tok])
            elif tok in ("if", "while"):
                a = t.find("(", e)
                b = close_of(t, a)
                if b > 0 and t[e:a].strip() == "":
                    add(a + 1, b, "0")
                    if tok == "if":
                        add(a + 1, b, "1")
        elif tok in RELATIONS:
            for n in RELATIONS[tok]:
                add(s, e, n)
        elif tok == "!":
            add(s, e, "")
        elif tok == "~":
            add(s, e, "")
        elif tok in OTHERS:
            operand = re.search(r"[\w)\]]$", t[:s].rstrip()) and not re.search(r"\breturn$", t[:s].rstrip())
            if tok in "+-*&" and not operand:
                if tok == "-":
                    add(s, e, "")
                continue
            if tok == "*" and re.search(TYPES + r"[\w\s]*$", t[max(0, s - 40):s]) and not re.search(
                    r"[-+/=<>&|]", t[max(t.rfind("(", 0, s), t.rfind(",", 0, s), t.rfind(";", 0, s)):s]):
                continue  # a pointer
            if tok == "*" and t[:s].rstrip().endswith(")") and re.search(r"\(\s*(u?int\w+|double|float|long)\s*\)$",
                                                                         t[:s].rstrip()):
                continue
            for n in OTHERS[tok]:
                add(s, e, n)
            if tok in ("&&", "||"):
                neutral = "1" if tok == "&&" else "0"
                r = operand_right(t, e)
                add(e, r, " " + neutral + " ")
                left = operand_left(t, s)
                if t[left - 2:left] not in ("&&", "||"):
                    add(left, s, " " + neutral + " ")

    # statements left out
    for m in re.finditer(r"(?:(?<=[;{})])|(?<=\belse)|(?<=:))\s*\n\s*(?=[A-Za-z_*+(-])", t):
        s = m.end()
        if t.count("{", 0, s) == t.count("}", 0, s):
            continue  # not inside a function
        if re.match(TYPES + r"|(?:return|case|default|if|for|while|switch|else|do)\b", t[s:]):
            continue
        depth, i = 0, s
        while i < len(t) and not (t[i] == ";" and depth == 0):
            if t[i] in "([":
                depth += 1
            elif t[i] in ")]":
                depth -= 1
            elif t[i] in "{}":
                break
            i += 1
        if i < len(t) and t[i] == ";":
            add(s, i, "")
    return out


ALL_TEXT = {}


def seed(names):
    core = os.path.join(ROOT, "core")
    for n in sorted(os.listdir(core)):
        if n.endswith((".c", ".h")):
            with open(os.path.join(core, n), encoding="utf-8") as f:
                ALL_TEXT[n] = f.read()
    follows = enums([v for k, v in ALL_TEXT.items() if k.endswith(".h")])
    found = []
    for n, text in ALL_TEXT.items():
        if names and n not in names:
            continue
        some = of_header(n, text) if n.endswith(".h") else of_source(n, text, follows)
        seen, counts = set(), {}
        for m in sorted(some, key=lambda m: (m.start, m.end, m.new)):
            whole = (m.start, m.end, m.new)
            if whole in seen or m.apply(text) == text:
                continue
            seen.add(whole)
            key = (m.before, m.after)
            counts[key] = counts.get(key, 0) + 1
            m.id = "%s: %s  →  %s%s" % (n, m.before, m.after, " #%d" % counts[key] if counts[key] > 1 else "")
            found.append(m)
    unknown = set(names) - set(ALL_TEXT)
    if unknown:
        sys.exit("mutants: core/ has no %s" % ", ".join(sorted(unknown)))
    return found


# ---- build and run ----

def run(args, **more):
    return subprocess.run(args, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **more)


def compile_to(source, obj, how=QUICK, include=()):
    inc = [x for d in include for x in ("-I", d)] + ["-I", ROOT]
    return run([CC, *CFLAGS, *how, *inc, "-c", source, "-o", obj])


def must(done, what):
    if done.returncode:
        sys.stderr.write(done.stdout.decode(errors="replace"))
        sys.exit("mutants: %s does not build" % what)


class Base:
    """Objects of the unmutated sources, and the tests linked with them."""

    def __init__(self, tests):
        self.dir = d = os.path.join(PLACE, "base")
        os.makedirs(d, exist_ok=True)
        self.cores = [n for n in ALL_TEXT if n.endswith(".c")]
        for n in self.cores:
            must(compile_to(os.path.join(ROOT, "core", n), self.core(n)), "core/" + n)
            must(compile_to(os.path.join(ROOT, "core", n), self.core(n) + "2", COMPARED), "core/" + n)
        self.rig = []
        for n in RIG:
            self.rig.append(os.path.join(d, n + ".o"))
            must(compile_to(os.path.join(ROOT, "tests", "core", n), self.rig[-1]), "tests/core/" + n)
        self.main, self.cpu_s = {}, {}
        for test in tests:
            self.main[test] = os.path.join(d, test + ".o")
            must(compile_to(os.path.join(ROOT, "tests", "core", test + ".c"), self.main[test]), test)
            program = os.path.join(d, test)
            must(self.link(test, {}, program), test)
            start = time.time()
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            done = run([program], cwd=ROOT)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            if done.returncode:
                sys.stderr.write(done.stdout.decode(errors="replace")[-3000:])
                sys.exit("mutants: %s fails without any mutation" % test)
            self.cpu_s[test] = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            print("mutants: %-20s passes in %.2f s (%.2f s of processor time)" %
                  (test, time.time() - start, self.cpu_s[test]), flush=True)

    def core(self, n):
        return os.path.join(self.dir, n + ".o")

    def link(self, test, instead, program):
        objs = [instead.get(n, self.core(n)) for n in self.cores]
        return run([CC, "-o", program, self.main[test], *self.rig, *objs, "-lcmocka", "-lm"])


def limited(cpu_s):
    def limit():
        whole = int(cpu_s * 5) + 2
        resource.setrlimit(resource.RLIMIT_CPU, (whole, whole))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    return limit


def same(a, b):
    with open(a, "rb") as f, open(b, "rb") as g:
        return f.read() == g.read()


def try_one(base, m, place):
    """'killed', 'survived', 'same' (the compiler's output is that of the original) or 'stillborn'."""
    os.makedirs(os.path.join(place, "core"), exist_ok=True)
    text = m.apply(ALL_TEXT[m.name])
    if m.name.endswith(".h"):
        constant = re.findall(r"\b([A-Z][A-Z0-9_]+)\s*=", ALL_TEXT[m.name][:m.start])[-1]
        # the constant may be used through another one of a header
        using = [constant] + [x for x in re.findall(r"\b([A-Z][A-Z0-9_]+)\s*=[^,\n]*\b%s\b" % constant,
                                                    "".join(v for k, v in ALL_TEXT.items() if k.endswith(".h")))]
        affected = [n for n in base.cores if any(re.search(r"\b%s\b" % u, ALL_TEXT[n]) for u in using)]
        header = os.path.join(place, "core", m.name)
        with open(header, "w", encoding="utf-8") as f:
            f.write(text)
    else:
        affected = [m.name]
        header = None
    try:
        def make(how):
            objs = {}
            for n in affected:
                obj = os.path.join(place, n + (".o" if how is QUICK else ".o2"))
                source = os.path.join(ROOT, "core", n)
                if not header:
                    source = os.path.join(place, n)
                    with open(source, "w", encoding="utf-8") as f:
                        f.write(text)
                if compile_to(source, obj, how, [place] if header else []).returncode:
                    return None
                objs[n] = obj
            return objs

        instead = make(QUICK)
        if instead is None:
            return "stillborn"
        if all(same(o, base.core(n)) for n, o in instead.items()):
            return "same"
        tests = []
        for n in affected:
            tests += [x for x in tests_of(n) if x not in tests]
        tests.sort(key=lambda x: base.cpu_s[x])

        def compiles_to_the_same():
            plain = make(COMPARED)
            return plain and all(same(o, base.core(n) + "2") for n, o in plain.items())

        compared = False
        for test in tests:
            if base.cpu_s[test] > SLOW_S and not compared:  # cheaper than the test
                if compiles_to_the_same():
                    return "same"
                compared = True
            program = os.path.join(place, test)
            if base.link(test, instead, program).returncode:
                return "stillborn"
            cpu_s = base.cpu_s[test]
            try:
                done = run([program], cwd=ROOT, timeout=60 + 30 * cpu_s, preexec_fn=limited(cpu_s),
                           env={**os.environ, "CMOCKA_TEST_ABORT": "1"})
            except subprocess.TimeoutExpired:
                return "killed"
            if done.returncode:
                return "killed"
        return "same" if not compared and compiles_to_the_same() else "survived"
    finally:
        if header:
            os.remove(header)


def read_equivalents(path):
    """Blocks of `file: before  →  after` lines, each block followed by `    reason`; # begins a comment."""
    reasons, waiting = {}, []
    with open(path, encoding="utf-8") as f:
        for number, line in enumerate(f, 1):
            if not line.strip() or line.startswith("#"):
                continue
            if line.startswith("    "):
                if not waiting:
                    continue
                for w in waiting:
                    reasons[w] = line.strip()
                waiting = []
            elif "  →  " in line:
                waiting.append(line.strip())
            else:
                sys.exit("%s:%d: neither a mutant nor an indented reason" % (path, number))
    if waiting:
        sys.exit("%s: no reason given for: %s" % (path, waiting[0]))
    return reasons


LAST = os.path.join(BUILD, "last.json")


def source_digest(name):
    """Of what a mutant of this file is made: the file and the headers of core that it sees (of a header's: all of core)."""
    names, at = [name], 0
    while at < len(names):
        names += [n for n in re.findall(r'#include "core/(\w+\.h)"', ALL_TEXT[names[at]]) if n not in names]
        at += 1
    names = sorted(ALL_TEXT if name.endswith(".h") else names)
    return hashlib.sha256("".join(n + ALL_TEXT[n] for n in names).encode()).hexdigest()[:16]


def kept():
    if not os.path.exists(LAST):
        return {}
    with open(LAST, encoding="utf-8") as f:
        return json.load(f)


def remembered(mutants):
    """Outcomes of earlier runs with the sources as they are now."""
    digests = {n: source_digest(n) for n in {m.name for m in mutants}}
    last = kept()
    return {m.id: last[m.id][0] for m in mutants if m.id in last and last[m.id][1] == digests[m.name]}


def remember(outcome, mutants):
    digests = {n: source_digest(n) for n in {m.name for m in mutants}}
    last = kept()
    last.update({m.id: [outcome[m.id], digests[m.name]] for m in mutants if m.id in outcome})
    new = os.path.join(PLACE, "last.json")
    with open(new, "w", encoding="utf-8") as f:
        json.dump(last, f)
    os.replace(new, LAST)


def main():
    p = argparse.ArgumentParser(description="mutation test of core/")
    p.add_argument("--sample", type=int, default=0)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--file", action="append", default=[])
    p.add_argument("--again", action="store_true")
    p.add_argument("--list", action="store_true")
    p.add_argument("--jobs", type=int, default=2, choices=(1, 2))
    a = p.parse_args()

    mutants = seed(a.file)
    known = read_equivalents(os.path.join(ROOT, "scripts", "mutants.equivalent"))
    if not a.file:
        for stale in sorted(set(known) - {m.id for m in mutants}):
            print("mutants: scripts/mutants.equivalent has one that is seeded no more: %s" % stale)
    if a.sample and a.sample < len(mutants):
        random.Random(a.seed).shuffle(mutants)
        mutants = sorted(mutants[:a.sample], key=lambda m: (m.name, m.start))
    if a.list:
        for m in mutants:
            print(m.shown())
        print("%d mutants" % len(mutants))
        return 0

    os.makedirs(BUILD, exist_ok=True)
    last = remembered(mutants)
    tests = []
    for m in mutants:
        names = tests_of(m.name) if m.name.endswith(".c") else sum(TESTS_OF.values(), PARTS)
        tests += [t for t in names if t not in tests]
    if a.again and not any(m.name.endswith(".h") for m in mutants if last.get(m.id) != "killed"):
        left = [m for m in mutants if last.get(m.id, "survived") == "survived" and m.id not in known]
        tests = [t for t in tests if any(t in tests_of(m.name) for m in left)]
    base = Base(tests)

    places = [os.path.join(PLACE, "w%d" % i) for i in range(a.jobs)]
    free, lock = list(places), threading.Lock()
    outcome, done_n, began = {}, [0], time.time()
    tty = sys.stdout.isatty()

    def work(m):
        before = last.get(m.id)
        if a.again and (before == "equivalent") == (m.id in known) and before in (
                "killed", "same", "stillborn", "equivalent"):
            return m, before
        with lock:
            place = free.pop()
        try:
            result = try_one(base, m, place)
            return m, "equivalent" if result == "survived" and m.id in known else result
        finally:
            with lock:
                free.append(place)

    print("mutants: %d candidates" % len(mutants), flush=True)
    with concurrent.futures.ThreadPoolExecutor(a.jobs) as pool:
        for m, result in pool.map(work, mutants):
            outcome[m.id] = result
            done_n[0] += 1
            if result == "killed" and m.id in known:
                print("killed, but listed as equivalent: " + m.shown(), flush=True)
            if result == "survived":
                print(("\r\033[K" if tty else "") + "survived  " + m.shown(), flush=True)
            if tty or done_n[0] % 50 == 0 or done_n[0] == len(mutants):
                so_far = list(outcome.values())
                line = "mutants: %d of %d, %d killed, %d survived, %.0f s" % (
                    done_n[0], len(mutants), so_far.count("killed"), so_far.count("survived"), time.time() - began)
                print(("\r\033[K" + line) if tty else line, end="" if tty else "\n", flush=True)
            if done_n[0] % 50 == 0 or done_n[0] == len(mutants):
                remember(outcome, mutants)
    if tty:
        print()

    survivors = [m for m in mutants if outcome[m.id] == "survived"]
    if survivors:
        print("\nsurvivors:")
        for m in survivors:
            print("  " + m.shown())
    print("\n%-16s %7s %7s %10s %9s %8s" % ("file", "seeded", "killed", "equivalent", "survived", "rate"))
    totals = [0, 0, 0]
    for name in list(dict.fromkeys(m.name for m in mutants)):
        got = [outcome[m.id] for m in mutants if m.name == name]
        killed, same_n = got.count("killed"), got.count("same") + got.count("equivalent")
        seeded = killed + same_n + got.count("survived")
        totals = [totals[0] + seeded, totals[1] + killed, totals[2] + same_n]
        rate = "%.1f %%" % (100.0 * killed / (seeded - same_n)) if seeded > same_n else "-"
        print("%-16s %7d %7d %10d %9d %8s" % (name, seeded, killed, same_n, got.count("survived"), rate))
    by_list = sum(1 for m in mutants if outcome[m.id] == "equivalent")
    print("\n%d of the equivalent ones compile to the same object, %d are in scripts/mutants.equivalent" %
          (totals[2] - by_list, by_list))
    against = totals[0] - totals[2]
    reached = against == 0 or totals[1] * 100 >= GOAL_PERCENT * against
    if not reached:
        print("below the goal of %d %% killed" % GOAL_PERCENT)
    print("mutants: %d seeded, %d killed, %d equivalent" % tuple(totals))
    return 0 if reached else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
    finally:
        shutil.rmtree(PLACE, ignore_errors=True)
