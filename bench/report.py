# SPDX-License-Identifier: GPL-2.0-only
"""Figures as a table to print, as Markdown, and as a chart."""
import subprocess

import figures as fig


def number(value):
    return "" if value is None else f"{value:,.0f}"


def tables(f):
    """(title, [heading, ...], [[text, cell, ...], ...]), without rows and columns that are empty."""
    f = fig.complete(f)
    for title, what, counts, rows in fig.TABLES:
        cells = {text: [f.get(name.format(n)) for n in counts] for text, name in rows}
        cells = {text: row for text, row in cells.items() if any(c is not None for c in row)}
        if cells:
            yield title, [f"{what}:"] + [f"{n:,}" for n in counts], [[t, *map(number, r)] for t, r in cells.items()]


def demands(title, found):
    rows = []
    for what, figure, limit, met in found:
        digits = 0 if limit >= 10 else 3
        rows.append([what, f"{figure:.{digits}f}", f"{limit:.{digits}f}", "met" if met else "missed"])
    return title, ["", "figure", "at most", ""], rows


def everything(f):
    yield from tables(f)
    f = fig.complete(f)
    yield demands("Targets", fig.targets(f))
    yield demands("How a teardown grows (1: as much for each)", fig.laws(f))


def text(f):
    lines = []
    for title, heading, rows in everything(f):
        lines.append(title)
        for row in [heading, *rows]:
            lines.append(f"  {row[0]:<48}" + "".join(f"{c:>12}" for c in row[1:]))
        lines.append("")
    return "\n".join(lines)


def markdown(f):
    lines = []
    for title, heading, rows in everything(f):
        lines.append(f"| **{title}**{' — ' + heading[0] if heading[0] else ''} | {' | '.join(heading[1:])} |")
        lines.append("|---" + "|--:" * (len(heading) - 1) + "|")
        lines += [f"| {' | '.join(row)} |" for row in rows]
        lines.append("")
    return "\n".join(lines)


CHART = """
set terminal svg size 1280,420 noenhanced font "sans-serif,12" background "white"
set multiplot layout 1,2
set grid ytics
set ylabel "guest instructions"
set title "one operation in the kernel"
set xlabel "callbacks"
set logscale y
set xtics (0,1,2,4,8,16)
set xrange [0:16.5]
set key outside right center
plot {bare}
unset logscale y
set title "4 KiB read of null_blk"
set xlabel "layers"
set xtics (0,1,2,4,8)
set xrange [0:8.3]
set yrange [0:*]
plot {reads}
"""
CHARTS = {
    "bare": [("flt, pre and post", "dispatch"), ("flt, pre only", "pre"), ("flt, post only", "post"),
             ("flt, verified", "verified.dispatch"), ("netfilter", "netfilter"), ("atomic notifiers", "atomic"),
             ("SRCU notifiers", "srcu"), ("tracepoint", "tracepoint"), ("indirect calls", "indirect")],
    "reads": [("dm-linear", "read.linear"), ("flt", "read.flt")],
}


def chart(f, path):
    """An SVG by gnuplot."""
    f = fig.complete(f)
    data, plots = [], {}
    for place, series in CHARTS.items():
        plots[place] = []
        for title, name in series:
            points = [(n, f[f"{name}.{n}"]) for n in fig.COUNTS if f"{name}.{n}" in f]
            if not points:
                continue
            block = "$" + name.replace(".", "_")
            data.append(f"{block} << E\n" + "".join(f"{n} {v}\n" for n, v in points) + "E\n")
            plots[place].append(f'{block} with linespoints title "{title}"')
    script = "".join(data) + CHART.format(**{place: ", ".join(p) for place, p in plots.items()})
    svg = subprocess.run(["gnuplot"], input=script, stdout=subprocess.PIPE, text=True, check=True).stdout
    path.write_text(svg, encoding="utf-8")
