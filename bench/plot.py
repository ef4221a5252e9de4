"""Draws the results of a run: python plot.py <folder with results.json>. It writes results.png beside it."""

import json
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")  # no display
from matplotlib import pyplot as plt

CONTENDERS = {  # with their names and colours
    "reference": ("peng3dnet", "#8c8c8c"),
    "python": ("pengbridge, Python", "#3776ab"),
    "go": ("pengbridge, Go", "#00a29c"),
    "raw": ("raw Go", "#d9a441"),
}
UNITS = {
    "per_second": "per second",
    "mb_per_second": "MB/s",
    "p50_us": "µs, less is better",
    "connection_kib": "KiB, less is better",
}
COLUMNS = 4
LINE_LENGTH = 38  # characters of a title


def wrapped(title):
    lines = [""]
    for word in title.split():
        if len(lines[-1]) + len(word) > LINE_LENGTH:
            lines.append("")
        lines[-1] += word + " "
    return "\n".join(line.strip() for line in lines)


def median(scenario, contender):
    """A contender's figure, or None."""
    result = scenario["results"].get(contender, {})
    return result.get("medians", {}).get(scenario["metric"])


def short(value):
    for limit, unit in ((1e6, " M"), (1e3, " k")):
        if value >= limit:
            return f"{value / limit:.3g}{unit}"
    return f"{value:.3g}"


def draw_bars(axes, scenario):
    """Draws who reached what. The scale is logarithmic: contenders differ by orders of magnitude."""
    axes.set_title(wrapped(scenario["title"]), fontsize=9, loc="left")
    taking_part = [name for name in CONTENDERS if name in scenario["results"]]
    known = [value for name in taking_part if (value := median(scenario, name))]
    axes.set_xscale("log")
    if known:
        axes.set_xlim(min(known) / 3, max(known) * 12)
    for position, name in enumerate(taking_part):
        value = median(scenario, name)
        if value:
            axes.barh(position, value, color=CONTENDERS[name][1])
            axes.text(value, position, " " + short(value), va="center", fontsize=8)
        else:
            axes.text(0.02, position, "stalled", va="center", fontsize=8, transform=axes.get_yaxis_transform())
    axes.set_yticks(range(len(taking_part)), [CONTENDERS[name][0] for name in taking_part], fontsize=8)
    axes.set_ylim(len(taking_part) - 0.5, -0.5)
    axes.set_xlabel(UNITS[scenario["metric"]], fontsize=8)
    axes.tick_params(axis="x", labelsize=7)
    axes.minorticks_off()


def draw_curves(axes, series, scenarios):
    """Draws the time of one message, or of one broadcast, as it grows with connections or bytes."""
    axes.set_title("How cost grows: " + series, fontsize=9, loc="left")
    for name, (title, colour) in CONTENDERS.items():
        points = []
        for scenario in scenarios:
            value = median(scenario, name)
            if value:
                points.append((scenario["x"], 1e6 / value if scenario["metric"] == "per_second" else value))
        if points:
            axes.plot(*zip(*points, strict=True), marker="o", markersize=3, color=colour, label=title)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("bytes" if "bytes" in series else "connections", fontsize=8)
    axes.set_ylabel("µs each", fontsize=8)
    axes.tick_params(labelsize=7)
    axes.grid(alpha=0.3)
    axes.legend(fontsize=7)


def main():
    folder = Path(sys.argv[1])
    report = json.loads((folder / "results.json").read_text())
    bars = [scenario for scenario in report["scenarios"] if "series" not in scenario]
    curves = {}
    for scenario in report["scenarios"]:
        if "series" in scenario:
            curves.setdefault(scenario["series"], []).append(scenario)
    count = len(bars) + len(curves)
    rows = -(-count // COLUMNS)
    figure, grid = plt.subplots(rows, COLUMNS, figsize=(4.2 * COLUMNS, 2.3 * rows), squeeze=False, layout="constrained")
    panels = list(grid.flat)
    for axes, scenario in zip(panels, bars, strict=False):
        draw_bars(axes, scenario)
    for axes, (series, scenarios) in zip(panels[len(bars) :], curves.items(), strict=False):
        draw_curves(axes, series, scenarios)
    for axes in panels[count:]:
        axes.remove()
    figure.suptitle(f"{report['machine']}, medians of {report['rounds']}", fontsize=10)
    figure.savefig(folder / "results.png", dpi=100)


main()
