# SPDX-License-Identifier: GPL-2.0-only
"""
What the figures of a benchmark mean: their tables, what is demanded of them, and
how those of two runs compare. Figures are {name: guest instructions}; who makes
them: qemu/guest/bench.sh and qemu/bench_mod.
"""

COUNTS = [0, 1, 2, 4, 8, 16]
OPERATIONS = [0, 1, 100, 1000, 10000, 100000]
TOGGLES = 1000		# of stall.c

# Each: title, what the columns count, rows of (text, figure of column n).
TABLES = [
    ("One operation in the kernel, without a block layer", "callbacks", COUNTS, [
        ("filters, pre- and post-operation", "dispatch.{}"),
        ("filters, pre-operation only", "pre.{}"),
        ("filters, post-operation only", "post.{}"),
        ("filters that did not register for it", "unregistered.{}"),
        ("pre- and post-operation, verified", "verified.dispatch.{}"),
        ("pre-operation only, verified", "verified.pre.{}"),
        ("post-operation only, verified", "verified.post.{}"),
        ("indirect calls", "indirect.{}"),
        ("probes of a tracepoint", "tracepoint.{}"),
        ("netfilter, hooks", "netfilter.{}"),
        ("atomic notifier chain", "atomic.{}"),
        ("SRCU notifier chain", "srcu.{}"),
    ]),
    ("4 KiB read of null_blk, fio psync", "layers", COUNTS[:-1], [
        ("dm-linear; 0: null_blk itself", "read.linear.{}"),
        ("flt with filters", "read.flt.{}"),
        ("flt with filters, verified", "read.verified.flt.{}"),
    ]),
    ("Detach, to teardown_complete", "operations", OPERATIONS, [
        ("in flight below, to be drained", "drain.{}"),
        ("pended, completed in teardown_start", "pended.{}"),
        ("in flight here, of another instance", "others.{}"),
        ("in flight on another volume", "elsewhere.{}"),
    ]),
    ("Unload, to its end", "instances", [1, 100, 1000], [
        ("one on each of as many volumes", "unload.{}"),
    ]),
    ("A reader of the volume meanwhile", "attach+detach", [0, TOGGLES], [
        ("largest gap between two completions", "longest.{}"),
        ("reads that had to wait", "waits.{}"),
    ]),
]


def complete(figures):
    """With the names that the tables use for what has two."""
    f = dict(figures)
    if "read.null" in f:
        f["read.linear.0"] = f["read.null"]
    return f


def slope(f, name, low, high):
    return (f[f"{name}.{high}"] - f[f"{name}.{low}"]) / (high - low)


# Demands: (what, figure, at most, met)

FILTERED = 1.05			# a volume without filters: of dm-linear
EACH_DISPATCH = 110		# each further filter with pre and post, bare
EACH_READ_OF_LAYER = 1 / 15	# each further filter: of what one more dm-linear adds
UNREGISTERED = 25


def targets(f):
    """What filters are to cost: may be missed, for now."""
    layer = slope(f, "read.linear", 1, 8)
    found = [("volume without a filter / dm-linear", f["read.flt.0"] / f["read.linear.1"], FILTERED)]
    for low, high in [(1, 2), (2, 4), (4, 8), (8, 16)]:
        found.append((f"a further filter, bare dispatch, {low} to {high}",
                      slope(f, "dispatch", low, high), EACH_DISPATCH))
    for low, high in [(1, 2), (2, 4), (4, 8)]:
        found.append((f"a further filter, 4 KiB read, {low} to {high}",
                      slope(f, "read.flt", low, high), layer * EACH_READ_OF_LAYER))
    found.append(("an operation no filter registered for",
                  max(f[f"unregistered.{n}"] for n in COUNTS), UNREGISTERED))
    found.append(("largest gap, with / without attach and detach",
                  f[f"longest.{TOGGLES}"] / f["longest.0"], 1))
    found.append(("reads that wait for attach and detach", f[f"waits.{TOGGLES}"], 0))
    return [(what, figure, limit, figure <= limit) for what, figure, limit in found]


LINEAR = 0.25	# how much less or more one costs if there are ten or a hundred times as many
SAME = 0.05	# what is to make no difference
LOOKED_AT = 0.5	# to look at an operation in the set, of what it costs to drain one


def laws(f):
    """How a teardown's cost grows: not to be broken by a change."""
    drained = slope(f, "drain", 1000, 10000)
    found = [(f"{text}, one of {high:,} / one of {mid:,}", slope(f, name, mid, high) / slope(f, name, low, mid), LINEAR)
             for text, name, low, mid, high in [
                 ("drained", "drain", 0, 1000, 10000), ("drained", "drain", 1000, 10000, 100000),
                 ("pended", "pended", 1, 100, 1000), ("unload", "unload", 1, 100, 1000)]]
    found.append(("10,000 in flight on another volume / none", f["elsewhere.10000"] / f["drain.0"], SAME))
    found = [(what, figure, 1 + by, 1 - by <= figure <= 1 + by) for what, figure, by in found]
    looked_at = slope(f, "others", 1000, 10000) / drained
    found.append(("looking at another's operation / draining one", looked_at, LOOKED_AT, looked_at <= LOOKED_AT))
    return found


# Two runs

REPEATS = 0.001
ROUNDING = 0.11		# figures are rounded to tenths
GROWTH = 0.03
NO_GROWTH = 0.5		# of an instruction: that is none more
# Several threads take part: code that is longer may let another one have its turn.
SEVERAL = {"drain", "pended", "others", "elsewhere", "unload"}
SWITCHES = 500		# instructions: one switch more


def tolerance(figure):
    """By how much two runs may differ."""
    return max(ROUNDING, REPEATS * figure)


def unlike(a, b):
    """Of two runs of the same thing: what is not the same."""
    return [f"{n}: {a.get(n)} and {b.get(n)}" for n in sorted(a | b)
            if n not in a or n not in b or abs(a[n] - b[n]) > tolerance(max(a[n], b[n]))]


def growth(name, old):
    """By how much a figure may grow."""
    return max(NO_GROWTH, GROWTH * old, SWITCHES if name.split(".")[0] in SEVERAL else 0)


def compare(baseline, figures):
    """(failures, remarks) of a run against what was stored."""
    bad = [f"missing in this run: {n}" for n in sorted(baseline.keys() - figures.keys())]
    said = [f"not in the baseline: {n}" for n in sorted(figures.keys() - baseline.keys())]
    for n in sorted(baseline.keys() & figures.keys()):
        old, new = baseline[n], figures[n]
        percent = f"{100 * (new / old - 1):+.1f}%" if old else "from nothing"
        line = f"{n}: {old:g} to {new:g}, {percent}"
        if new - old > growth(n, old):
            bad.append(f"has grown: {line}")
        elif old - new > max(NO_GROWTH, GROWTH * old):
            said.append(f"is less: {line}")
    return bad, said
