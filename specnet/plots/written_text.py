"""What a network of a text writes, at several epochs."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from specnet.errors import PlotError
from specnet.plots import style
from specnet.plots.base import Plot, Trained
from specnet.plots.replay import frames_by_root
from specnet.recording.scenes import recorded
from specnet.recording.text import show_tokens

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_PANELS = 6
_WIDTH = 100
"""Characters of a line."""


class WrittenText(Plot):
    """Text that a network writes after the first training sequence, at six epochs, drawing each token at random.

    The spec has to record it: `"record": {"tokens": 200}`.
    """

    def check(self, run: Trained) -> None:
        if "tokens" not in recorded(run):
            raise PlotError("no text is recorded", help='set "record": {"tokens": 200}, or leave this plot out')

    def draw(self, run: Trained) -> Figure:
        record, classes = recorded(run), run.data.classes
        lines: list[tuple[str, bool]] = []
        for frame in frames_by_root(record["epochs"], _PANELS):
            lines.append((f"epoch {record['epochs'][frame]}", True))
            for line in show_tokens(record["tokens"][frame], classes).split("\n"):
                shown = "".join(character if character.isprintable() else "\ufffd" for character in line)
                lines += [(part, False) for part in textwrap.wrap(shown, _WIDTH) or [""]]
        figure = style.figure(f"{run.name}: written text", 10, 0.2 * len(lines) + 0.8)
        axes = figure.add_subplot()
        axes.set_axis_off()
        for number, (line, heading) in enumerate(lines):
            weight, family = ("bold", "sans-serif") if heading else ("normal", "monospace")
            place = 1 - number / len(lines)
            axes.text(0, place, line, va="top", fontsize=9, weight=weight, family=family, parse_math=False)
        return figure
