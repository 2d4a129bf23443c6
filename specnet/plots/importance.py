"""Which columns of the inputs a network looks at, and what their values change."""

from __future__ import annotations

import math
from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field, PositiveInt

from specnet.inspection.columns import chosen_columns, input_columns
from specnet.inspection.dependence import Dependence, partial_dependence
from specnet.inspection.importance import REPEATS, permutation_importance
from specnet.plots import style
from specnet.plots.base import Plot, Trained
from specnet.plots.requirements import one_prediction

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_BARS = 30
"""Columns that are shown at most, the most important ones."""
_PANELS = 12
"""Columns whose dependence is shown at most."""
_OUTPUTS = len(style.PALETTE)
"""Outputs that are shown at most."""


class ImportancePlot(Plot):
    """How much the loss rises if a column of held-out samples is permuted, with 95 % intervals of the mean.

    The split is the test split if there is one, else validation, else train. A category is one column. At most 30
    columns are shown. If columns are correlated, each may seem unimportant, because the network can use the others.
    Breiman, "Random forests", 2001.
    """

    repeats: PositiveInt = Field(default=REPEATS, le=1000, description="permutations of each column")

    def check(self, run: Trained) -> None:
        input_columns(run)

    def draw(self, run: Trained) -> Figure:
        found = permutation_importance(run, repeats=self.repeats)
        shown = found.columns[:_BARS][::-1]
        more = f", {len(shown)} of {len(found.columns)} columns" if len(shown) < len(found.columns) else ""
        title = f"{run.name}: permutation importance, {found.label}{more}"
        figure = style.figure(title, 8, 1.4 + 0.32 * len(shown))
        axes = figure.add_subplot()
        style.dress(axes, f"rise of the loss, which is {found.values['loss']:.3g}", "column")
        rises = [each.rises["loss"] for each in shown]
        means = np.array([rise.mean for rise in rises])
        low, high = np.array([rise.interval for rise in rises]).T
        color = style.COLORS[found.split]
        axes.barh(range(len(shown)), means, color=style.pale(color), edgecolor=color)
        if found.repeats > 1:
            errors = np.maximum([means - low, high - means], 0.0)
            axes.errorbar(means, range(len(shown)), xerr=errors, fmt="none", color="black", capsize=3)
        axes.axvline(0.0, color="0.35", linewidth=1)
        axes.set_yticks(range(len(shown)), [style.label(each.column) for each in shown])
        return figure


class PartialDependence(Plot):
    """Mean prediction for each value of a column, with the other columns unchanged; one panel for each column.

    If predictions are one number or one probability, thin lines are those of single samples (individual conditional
    expectation). At most 500 held-out samples and twelve columns are used. If columns are correlated, some of these
    inputs may be impossible. Friedman, "Greedy function approximation", 2001; Goldstein et al., 2015.
    """

    columns: list[str] = Field(default=[], max_length=_PANELS, description="columns by name; empty: the first twelve")

    def check(self, run: Trained) -> None:
        chosen_columns(run, self.columns)
        one_prediction(run)

    def draw(self, run: Trained) -> Figure:
        names = self.columns or [column.name for column in input_columns(run)[:_PANELS]]
        found = partial_dependence(run, names)
        across = min(3, len(found))
        down = math.ceil(len(found) / across)
        width = max(5.0, 3.4 * across + 0.4)
        longest = max(len(style.label(name)) for name in found[0].outputs[:_OUTPUTS])
        columns = max(1, int(width / (0.09 * longest + 0.6)))
        height = 2.6 * down + 0.9 + 0.25 * math.ceil(len(found[0].outputs[:_OUTPUTS]) / columns)
        figure = style.figure(f"{run.name}: partial dependence", width, height)
        panels = figure.subplots(down, across, squeeze=False, sharey=True).reshape(-1)
        for axes, each in zip(panels, found, strict=False):
            _draw_panel(axes, each)
        for axes in panels[len(found) :]:
            axes.remove()
        handles = panels[0].get_legend_handles_labels()[0]
        style.legend(figure, handles, columns=columns)
        return figure


def _draw_panel(axes: Axes, dependence: Dependence) -> None:
    outputs = [style.label(name) for name in dependence.outputs[:_OUTPUTS]]
    style.dress(axes, dependence.column, "mean prediction")
    looks = zip(outputs, style.PALETTE, cycle(style.DASHES), dependence.mean.T, strict=False)
    if dependence.values is None:
        places, wide = np.arange(len(dependence.labels)), 0.8 / len(outputs)
        for number, (name, color, _, mean) in enumerate(looks):
            axes.bar(places + (number + 0.5) * wide - 0.4, mean, wide, color=color, label=name)
        axes.set_xticks(places, [style.label(name, 12) for name in dependence.labels], rotation=20)
        return
    if (dependence.values == np.round(dependence.values)).all():
        axes.locator_params(axis="x", integer=True)
    if dependence.mean.shape[1] == 1:
        axes.plot(dependence.values, dependence.individual[..., 0].T, color="0.75", linewidth=0.7)
    for name, color, dashes, mean in looks:
        axes.plot(dependence.values, mean, color=color, linestyle=dashes, linewidth=2.2, label=name)
