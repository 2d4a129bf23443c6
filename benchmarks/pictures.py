"""The pictures: ratios of the works, and how an epoch grows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import median

from benchmarks.measure import Comparison
from benchmarks.peers import MODULES
from specnet.plots import style

COLORS, MARKERS = (*style.PALETTE, "#000000", "#777777"), "osD^vPX*p"
DRAWN = [name for name in MODULES if not name.startswith("specnet, ")]
LOOKS = {name: {"color": color, "marker": marker} for name, color, marker in zip(DRAWN, COLORS, MARKERS, strict=True)}
LABELS = {"rows": "rows", "width": "hidden units", "depth": "hidden layers"}


def draw_ratios(comparisons: Sequence[Comparison], path: Path) -> None:
    """Draw the time of each peer as a multiple of specnet's, for each work with one thread."""
    works = [each for each in comparisons if each.benchmark == "training" and each.threads == "1"]
    if not works:
        return
    figure = style.figure("time of a training step, as a multiple of specnet's (one thread)", 9, 1.6 + 0.5 * len(works))
    axes = figure.add_subplot()
    style.dress(axes, "right of 1: slower than specnet", "")
    axes.set_xscale("log")
    axes.axvline(1.0, color=LOOKS["specnet"]["color"], linewidth=1.5)
    handles = {}
    for row, work in enumerate(reversed(works)):
        for peer in work.figures:
            if peer != "specnet":
                (handles[peer],) = axes.plot(
                    work.ratio(peer, "specnet"), row, linestyle="", markersize=8, label=peer, **LOOKS[peer]
                )
    axes.set_yticks(range(len(works)), [work.work for work in reversed(works)])
    axes.set_xticks(
        ticks := [0.1, 0.2, 0.5, 0.7, 1, 1.5, 2, 3, 5, 7, 10, 15], [f"{tick:g}" for tick in ticks], minor=False
    )
    axes.minorticks_off()
    values = [work.ratio(peer, "specnet") for work in works for peer in work.figures]
    axes.set_xlim(min(values) / 1.15, max(values) * 1.15)
    style.legend(figure, [handles[peer] for peer in LOOKS if peer in handles])
    figure.savefig(path)


def draw_growth(comparisons: Sequence[Comparison], path: Path) -> None:
    """Draw the seconds of an epoch against rows, width and depth, a panel each."""
    works = [each for each in comparisons if each.benchmark == "growth"]
    if not works:
        return
    figure = style.figure("time of an epoch: 784-128-128-10 on 4,096 rows, changed in one respect", 11, 4.2)
    axes = None
    for number, name in enumerate(LABELS):
        axes = figure.add_subplot(1, len(LABELS), number + 1, sharey=axes)
        style.dress(axes, LABELS[name], "milliseconds" if name == "rows" else "")
        points = [each for each in works if each.work.startswith(name)]
        sizes = [int(each.work.split()[1]) for each in points]
        for peer in points[0].figures:
            axes.plot(
                sizes, [1e3 * median(each.figures[peer]) for each in points], label=peer, markersize=6, **LOOKS[peer]
            )
        axes.set_xscale("log", base=2)
        axes.set_xticks(sizes, [f"{size:,}" for size in sizes], fontsize=8)
        style.scale_by_decades(axes)
    style.legend(figure, figure.axes[0].get_lines())
    figure.savefig(path)
