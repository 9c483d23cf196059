# SPDX-License-Identifier: GPL-2.0-only
"""
What qemu/plugin/flt_trace.c wrote down, with names: for bench/sharing, atomics
and profile. Each of them takes -t, to look once more at the last trace instead
of making one.

A window is one operation (or half of one) on one CPU. Windows into which an
interrupt or a switch of tasks fell are left out, and counted.
"""
import bisect
import functools
import os
import re
import struct
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
OUT = TOP / "build/trace"
MODULES = TOP / "build/stock"
LINE = 64
RECORD = struct.Struct("<QQBBBB4x")
MARK, INSN, LOAD, STORE = range(4)
BEGIN, END, BIT0, BIT1 = 3, 4, 5, 6
LOCKED, BARRIER = 1, 2
ENTRY = re.compile(r"(asm_(sysvec|exc|common)_|asm_common_interrupt|irq_entries_start|__schedule$|entry_|error_entry"
                   r"|paranoid_entry|common_interrupt_return)")
LARGEST_PERCPU = 4096	# bytes of one variable; further from a symbol it is alloc_percpu()'s
LEAST_WINDOWS = 4	# of a scenario and CPU, that nothing fell into


class Bad(Exception):
    pass


def record():
    """Boot the stock kernel with the plugin, run the scenarios."""
    OUT.mkdir(parents=True, exist_ok=True)
    for name in ("records", "symbols"):
        (OUT / name).unlink(missing_ok=True)
    got = subprocess.run([TOP / "qemu/plugin/build"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                         check=False)
    if got.returncode:
        raise Bad("the plugin does not build")
    plugin = f"{got.stdout.strip()},out={OUT}/records"
    got = subprocess.run([TOP / "qemu/run", "--plugin", plugin, "--save", OUT / "symbols", "trace"],
                         stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=False)
    if got.returncode:
        raise Bad(f"{got.stdout}qemu/run ended with {got.returncode}")


class Window:
    def __init__(self, scenario, cpu):
        self.scenario, self.cpu, self.cut = scenario, cpu, False
        self.insns = []		# (address, flags)
        self.accesses = []	# (index of the instruction, store?, address, line, size)

    def lines(self, stores_only):
        return {a[3] for a in self.accesses if a[1] or not stores_only}


class Symbols:
    """Of the guest, sorted."""

    def __init__(self, text):
        rows, self.percpu = [], []
        for line in text:
            address, kind, name, *module = line.split()
            address = int(address, 16)
            if module and module[0].startswith("[__builtin"):
                continue
            row = (address, name, module[0].strip("[]") if module else "", kind)
            # A CPU's own variables have their offset for an address.
            (rows if address >= 1 << 32 else self.percpu).append(row)
        rows.sort(key=lambda r: r[0])
        self.percpu.sort(key=lambda r: r[0])
        self.rows, self.keys = rows, [r[0] for r in rows]
        self.percpu_keys = [r[0] for r in self.percpu]

    @functools.lru_cache(maxsize=None)
    def at(self, address):
        """(name, offset, module)"""
        i = bisect.bisect_right(self.keys, address) - 1
        if i < 0:
            return "?", address, ""
        while i and self.keys[i - 1] == self.keys[i]:
            i -= 1
        _, name, module, _ = self.rows[i]
        return name, address - self.keys[i], module

    def at_percpu(self, offset):
        i = bisect.bisect_right(self.percpu_keys, offset) - 1
        return (self.percpu[i][1], offset - self.percpu_keys[i]) if i >= 0 else ("?", offset)


class Trace:
    def __init__(self):
        text = (OUT / "symbols").read_bytes().split(b"\0", 1)[0].decode().splitlines()
        if text[-1:] != ["end"]:
            raise Bad("the symbols do not fit on the disk of qemu/guest/trace.sh")
        self.scenarios, self.objects, self.offsets = {}, [], {}
        kallsyms = []
        for line in text[:-1]:
            word = line.split()
            if word[0] == "scenario":
                self.scenarios[int(word[1])] = (word[2], int(word[3]), int(word[4]))
            elif word[0] == "object":
                self.objects.append((int(word[3], 16), int(word[4]), word[1], int(word[2])))
            elif word[0] == "percpu":
                self.offsets[int(word[1])] = int(word[2], 16)
            else:
                kallsyms.append(line)
        self.symbols = Symbols(kallsyms)
        self.windows = list(self._windows())
        for w in self.windows:
            w.cut = any(self.is_entry(a) for a in {a for a, _ in w.insns})

    def _windows(self):
        bits, window = defaultdict(list), {}
        for value, physical, kind, flags, size, cpu in RECORD.iter_unpack((OUT / "records").read_bytes()):
            w = window.get(cpu)
            if kind == MARK:
                if value in (BIT0, BIT1):
                    bits[cpu].append(value == BIT1)
                elif value == BEGIN:
                    if len(bits[cpu]) != 8:
                        raise Bad("a window without a number")
                    number = sum(b << i for i, b in enumerate(bits[cpu]))
                    window[cpu] = Window(self.scenarios[number] + (number,), cpu)
                    bits[cpu] = []
                elif value == END and w:
                    del window[cpu]
                    yield w
            elif kind == INSN:
                w.insns.append((value, flags))
            elif not flags:
                # The same memory may be seen at two addresses: lines are of physical memory.
                for line in range(physical // LINE, (physical + size - 1) // LINE + 1):
                    w.accesses.append((len(w.insns) - 1, kind == STORE, value, line, size))

    def is_entry(self, address):
        return ENTRY.match(self.symbols.at(address)[0])

    def of(self, kind, filters=None, cpu=None):
        """The whole windows of a scenario; says nothing of those that were cut."""
        found = [w for w in self.windows if w.scenario[0] == kind and not w.cut
                 and (filters is None or w.scenario[1] == filters) and (cpu is None or w.cpu == cpu)]
        if len(found) < LEAST_WINDOWS:
            raise Bad(f"only {len(found)} windows of scenario {kind} {filters}, CPU {cpu}, were not interrupted")
        return found

    def filters_of(self, kind):
        return sorted(s[1] for s in self.scenarios.values() if s[0] == kind)

    def cut(self):
        return sum(w.cut for w in self.windows)

    def code(self, address):
        """function+offset of an instruction"""
        name, offset, module = self.symbols.at(address)
        return f"{name}+{offset:#x}" + (f" [{module}]" if module else "")

    def source(self, address):
        """file:line of an instruction of ours, innermost first, or nothing"""
        name, offset, module = self.symbols.at(address)
        return source_of(module, name, offset) if module else ""

    def statement(self, address):
        """The line of source itself, which names the field"""
        file, _, line = self.source(address).split(" < ")[0].partition(":")
        if not line.isdigit() or not (TOP / file).is_file():
            return ""
        text = (TOP / file).read_text(encoding="utf-8").splitlines()
        return f"`{text[int(line) - 1].strip()}`" if int(line) <= len(text) else ""

    def place(self, address):
        """What is there, as "flt_instance 0: pool+0x0" """
        for start, size, kind, number in self.objects:
            if start <= address < start + size:
                return f"{kind} {number}{field_of(kind, address - start)}"
        for cpu, offset in self.offsets.items():
            if 0 <= address - offset < 1 << 20:
                name, off = self.symbols.at_percpu(address - offset)
                return f"CPU {cpu}'s {name}+{off:#x}" if off < LARGEST_PERCPU else f"CPU {cpu}'s, allocated"
        name, offset, module = self.symbols.at(address)
        if address >= 0xffffffff80000000 and offset < 1 << 20:
            return f"{name}+{offset:#x}" + (f" [{module}]" if module else "")
        if 0xffffea0000000000 <= address < 0xffffeb0000000000:
            return f"a struct page, {address:#x}"
        return f"memory at {address:#x}"

    def object_lines(self, kind, numbers=None):
        """physical lines that windows touch of these objects"""
        spans = [(s, s + n) for s, n, k, number in self.objects
                 if k == kind and (numbers is None or number in numbers)]
        return {a[3] for w in self.windows for a in w.accesses if any(s <= a[2] < e for s, e in spans)}


def tool(*command):
    return subprocess.run([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                          check=False).stdout


def module_file(module):
    return next((p for p in MODULES.glob("**/*.ko") if p.stem.replace("-", "_") == module), None)


@functools.lru_cache(maxsize=None)
def functions_of(module):
    """{function: (section, address in it)} of a module of ours"""
    ko = module_file(module)
    if not ko:
        return {}
    found = {}
    for line in tool("objdump", "-t", ko).splitlines():
        got = re.match(r"([0-9a-f]{16}) .{6}F (\S+)\s+[0-9a-f]+ (?:\.hidden )?(\S+)$", line)
        if got:
            found[got[3]] = (got[2], int(got[1], 16))
    return found


@functools.lru_cache(maxsize=None)
def source_of(module, function, offset):
    if function not in functions_of(module):
        return ""
    section, start = functions_of(module)[function]
    lines = tool("addr2line", "-i", "-e", module_file(module), "-j", section, hex(start + offset)).splitlines()
    lines = [re.sub(r" \(.*", "", l) for l in lines]
    ours = [os.path.relpath(l, MODULES) for l in lines if str(MODULES) in os.path.normpath(l)]
    return " < ".join(os.path.normpath(l) for l in ours[:3])


@functools.lru_cache(maxsize=None)
def fields(struct_name):
    """[(offset, name)] of a struct of the manager, from the module's debugging information"""
    ko = module_file("fltmgr")
    text = tool("pahole", "-C", struct_name, "--hex", ko) if ko else ""
    found = []
    for line in text.splitlines():
        got = re.match(r"\t\S.*?([\w]+)(?:\[\S*\])?(?:\)\(.*\))?(?: *__attribute__.*)?(?::\d+)?; */\* *(0x[0-9a-f]+|0)", line)
        if got:
            found.append((int(got[2], 16), got[1]))
    return sorted(found)


def field_of(struct_name, offset):
    below = [f for f in fields(struct_name) if f[0] <= offset]
    return f".{below[-1][1]}+{offset - below[-1][0]:#x}" if below else f"+{offset:#x}"


def typical(windows, figure):
    """What figure(window) says of most of them, and how many say something else"""
    value, n = Counter(map(figure, windows)).most_common(1)[0]
    return value, len(windows) - n


def start(doc):
    """The command line of all three commands."""
    if sys.argv[1:] not in ([], ["-t"]):
        sys.exit(doc.strip())
    try:
        if not sys.argv[1:]:
            record()
        return Trace()
    except (Bad, FileNotFoundError) as e:
        sys.exit(f"{Path(sys.argv[0]).name}: {e}")
