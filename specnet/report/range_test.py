"""The picture of `specnet lr-find`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_range_test(rates: np.ndarray, losses: np.ndarray, fixed: np.ndarray, suggestion: float, name: str) -> Figure:
    """Return a picture of the losses (steps,) of batches and of fixed samples over the learning rates."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.0, 4.5), dpi=150, layout="constrained")
    axes = figure.subplots()
    axes.plot(rates, losses, color="0.75", linewidth=1.0, label="loss of each batch")
    axes.plot(rates, fixed, color="#0072B2", linewidth=2.0, label="loss of samples that stay the same")
    axes.axvline(suggestion, color="#D55E00", linestyle="--", label=f"suggested: {suggestion:.2g}")
    axes.set_xscale("log")
    low, high = np.quantile([*losses, *fixed], (0.01, 0.85))  # the last ones may be very large
    room = (high - low) or 1.0
    axes.set_ylim(low - 0.1 * room, high + 0.3 * room)
    axes.set(title=name.replace("$", r"\$"), xlabel="learning rate", ylabel="loss")
    axes.grid(color="0.9", linewidth=0.8)
    axes.legend(fontsize=9)
    return figure
