"""Curves of many runs in one picture: the median over the runs of each epoch, in a band."""

from __future__ import annotations

import io
import math
from collections.abc import Collection, Mapping
from typing import NamedTuple

import numpy as np

from specnet.functions import thin
from specnet.plots import style
from specnet.recording.curves import history_curves, spans_decades, title
from specnet.report.pictures import write_png
from specnet.report.settings import default_settings

BAND = (0.1, 0.5, 0.9)
"""Lower edge, line and upper edge, as quantiles of the runs."""

_Histories = Collection[Mapping[str, np.ndarray]]


class Band(NamedTuple):
    """Quantiles (epochs,) of a value over runs; it ends where less than half of the runs have not ended."""

    low: np.ndarray
    median: np.ndarray
    high: np.ndarray


def find_bands(histories: _Histories) -> dict[str, dict[str, Band]]:
    """Return the band of each value by its name and split."""
    runs = [curves for history in histories if (curves := history_curves(history))]
    found: dict[str, dict[str, Band]] = {}
    for value, splits in runs[0].items() if runs else ():
        for split in splits:
            numbers = [run[value][split] for run in runs if split in run.get(value, {})]
            length = int(np.median([len(curve) for curve in numbers]))
            padded = np.full((len(numbers), length), np.nan)
            for row, curve in zip(padded, numbers, strict=True):
                row[: len(curve)] = curve[:length]
            found.setdefault(value, {})[split] = Band(*np.nanquantile(padded, BAND, axis=0))
    return found


def draw_bands(groups: Mapping[str, _Histories], name: str) -> bytes | None:
    """Return a picture as PNG with a panel for each value: of one group all splits, of several the last one of each.

    None without a complete epoch.
    """
    bands = {label: find_bands(histories) for label, histories in groups.items()}
    values = [value for value, splits in next(iter(bands.values())).items() if "train" in splits]
    if not values:
        return None
    with default_settings():
        rows = 1 if len(values) <= 3 else 2
        columns = math.ceil(len(values) / rows)
        count = max(len(histories) for histories in groups.values())
        heading = f"{name}: median and middle 80 % of {count} runs"
        figure = style.figure(heading, 7 if columns == 1 else 4.5 * columns, 3.8 * rows + 0.7)
        for number, value in enumerate(values):
            axes = figure.add_subplot(rows, columns, number + 1)
            style.dress(axes, "epoch", title(value))
            drawn = {label: found[value] for label, found in bands.items() if value in found}
            for place, (label, splits) in enumerate(drawn.items()):
                shown = splits if len(groups) == 1 else dict([list(splits.items())[-1]])
                for split, band in shown.items():
                    color = style.COLORS[split] if len(groups) == 1 else style.PALETTE[place % len(style.PALETTE)]
                    dash = style.SPLIT_DASHES[split] if len(groups) == 1 else style.DASHES[place % len(style.DASHES)]
                    epochs, chosen = np.arange(1, len(band.median) + 1), thin(band.median)
                    text = split if len(groups) == 1 else f"{label}, {split}"
                    axes.fill_between(epochs, band.low, band.high, color=color, alpha=0.2, linewidth=0)
                    axes.plot(
                        epochs[chosen], band.median[chosen], color=color, linestyle=dash, linewidth=1.5, label=text
                    )
            if spans_decades([band.median for splits in drawn.values() for band in splits.values()]):
                style.scale_by_decades(axes)
        style.legend(figure, figure.axes[0].get_lines())
        file = io.BytesIO()
        write_png(figure, file)
    return file.getvalue()
