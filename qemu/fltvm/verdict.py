# SPDX-License-Identifier: GPL-2.0-only
"""From what a guest left behind to one exit status."""
import re
import subprocess
import sys
from collections import namedtuple

OK, BUILD, BOOT, FAILED, SPLAT, TIMEOUT, LEFTOVER = 0, 10, 11, 12, 13, 14, 15
NAMES = {OK: "ok", BUILD: "build failed", BOOT: "did not boot", FAILED: "test failed",
         SPLAT: "kernel splat", TIMEOUT: "timed out", LEFTOVER: "module left loaded"}

SPLATS = re.compile("|".join([
    r"\bBUG: ", r"\bBUG \S+ \(", r"kernel BUG at", r"\bWARNING: (?!.*clocksource)", r"\bOops\b",
    r"general protection fault", r"stack segment: ", r"Kernel panic", r"\bINFO: task .* blocked for",
    r"\bINFO: .*(stall|detected)", r"trying to register non-static key", r"INFO: lockdep is turned off",
    r"ODEBUG: ", r"refcount_t: ", r"UBSAN: ", r"kmemleak: \d+ new suspected", r"kmemleak: .*(disabled|empty)",
    r"list_(add|del) corruption", r"cannot create duplicate filename", r"debugfs: .* already present",
    r"does not have a release\(\) function", r"scheduling while atomic", r"sleeping function called",
    r"nobody cared", r"[Oo]ut of memory: ", r"leaked percpu", r"double free",
]))
# Races of the kernel with itself, whoever's work it is about: what it counts of workqueues and memory groups, which CPU
# a worker ran on, the log's ring, flags of a task that the scheduler has a look at, a rescuer that is to stop.
KERNELS_OWN = re.compile(r"data-race in .*\b(process_one_work|kick_pool|mem_cgroup_flush_stats_ratelimited|prb_reserve"
                         r"|desc_read|kthread_is_per_cpu|rescuer_thread)\b")
# Messages of a healthy boot that look like one.
BENIGN = re.compile(r"guest: |NMI received for unknown reason|Dazed and confused")

Result = namedtuple("Result", "code why passed failed")


def text_of(path):
    try:
        return path.read_bytes().decode(errors="replace").replace("\r", "")
    except FileNotFoundError:
        return ""


def splats(console, ours, expected=()):
    """Lines that gate the verdict. KCSAN counts only where a module of ours is on a stack."""
    found, lines = [], console.splitlines()
    for n, line in enumerate(lines):
        if not SPLATS.search(line) or BENIGN.search(line):
            continue
        if any(re.search(e, line) for e in expected):
            continue
        if "BUG: KCSAN" in line:
            if KERNELS_OWN.search(line):
                continue
            block = []
            for other in lines[n:n + 80]:
                if other.rstrip().endswith("=" * 20):
                    break
                block.append(other)
            if not any(f"[{m}]" in b for b in block for m in ours):
                continue
        found.append(line.strip())
    return found


def died_in_boot(console):
    """
    The emulator kills guests where the kernel changes its own code: now and then with a thread for each CPU, and
    rarely with one for all. That is before anything of ours ran, and is no verdict; what dies each time has failed.
    """
    return "Run /init as" not in console and bool(re.search(r"\bOops: |int3: 0000", console))


def expectations(body):
    """What was expected and what there was instead, one line each."""
    plain = re.sub(r"^\[ *\d+\.\d+\] ", "", body, flags=re.M)
    return [" ".join(found.split()) for found in re.findall(
        r"# (\w+: (?:EXPECTATION|ASSERTION) FAILED.*(?:\n(?: {4,}[^#\s].*)?){0,6})", plain)]


def kunit(console, logs, parser):
    """Each suite module's KTAP through the kernel's own parser: (passed, failed, notes)."""
    passed = failed = 0
    notes = []
    parts = re.findall(r"guest: KUNIT-BEGIN (\S+)\n(.*?)(?=guest: KUNIT-(?:END \1|BEGIN)|\Z)", console, re.S)
    ended = set(re.findall(r"guest: KUNIT-END (\S+)", console))
    for name, body in parts:
        body = "\n".join(l for l in body.splitlines() if "guest: " not in l) + "\n"
        path = (logs / f"{name}.ktap").resolve()
        path.write_text(body)
        out = subprocess.run([sys.executable, parser, "parse", str(path)], stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True, check=False, stdin=subprocess.DEVNULL)
        report = re.sub(r"\x1b\[[0-9;]*m", "", out.stdout)
        (logs / f"{name}.kunit").write_text(report)
        counts = re.search(r"Ran (\d+) tests?(.*)", report)
        got = dict((k, int(v)) for k, v in re.findall(r"(\w+): (\d+)", counts.group(2))) if counts else {}
        p = got.get("passed", 0)
        f = got.get("failed", 0) + got.get("crashed", 0) + got.get("errors", 0)
        if not f and (out.returncode or name not in ended or not counts or not p + got.get("skipped", 0)):
            f = 1
            notes.append(f"{name}: no complete KTAP")
        if f:
            bad = re.findall(r"\[(?:FAILED|CRASHED|ERROR)\] (.*?)(?: =+)?$", report, re.M)
            notes += [f"{name}: {b}" for b in bad][:8]
            notes += expectations(body)[:3]
        passed, failed = passed + p, failed + f
    return passed, failed, notes


def steps(result):
    good = len(re.findall(r"^STEP ok - ", result, re.M))
    bad = re.findall(r"^STEP not ok - (.*)", result, re.M)
    return good, bad


def judge(end, console, result, ours, expected, tap):
    """end: how the VM ended (Guest.run); tap: from kunit() or None."""
    good, bad = steps(result)
    found = splats(console, ours, expected)
    absent = [e for e in expected if not re.search(e, console)]
    fields = dict(l.partition(" ")[::2] for l in result.splitlines() if not re.match("STEP |BENCH |KUNIT-", l))
    passed, failed = good, len(bad)
    notes = list(bad)
    if tap:
        passed, failed = passed + tap[0], failed + tap[1]
        notes += tap[2]

    def verdict(code, why):
        return Result(code, why, passed, failed if code == OK else max(failed, 1))

    if "start" not in fields:
        return verdict(BOOT, found[0] if found else "init did not start the script")
    if end == "timeout":
        return verdict(TIMEOUT, "; ".join(["no verdict in time", *found[:3]]))
    if found:
        return verdict(SPLAT, "; ".join(found[:4] + (["..."] if len(found) > 4 else [])))
    if end == "exited" and result.splitlines()[-1:] == ["panics"] and not failed and not absent \
            and any("Kernel panic" in e for e in expected):
        return verdict(OK, "")
    if end != "done":
        return verdict(FAILED, "the guest ended without a verdict")
    if fields.get("leaks") not in ("none", "skipped", "0"):
        return verdict(SPLAT, f"kmemleak: {fields.get('leaks')}")
    if failed or absent or fields.get("status") != "0" or fields.get("verdict") != "ok":
        why = notes[:8] + [f"never said: {e}" for e in absent]
        if not why:
            why = [f"script status {fields.get('status')}, verdict {fields.get('verdict')}"]
        return verdict(FAILED, "; ".join(why))
    if fields.get("left", "").strip():
        return verdict(LEFTOVER, fields["left"].strip())
    return verdict(OK, "")
