"""How far the scores and probabilities of a classifier can be relied on."""

from __future__ import annotations

import math
from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np

from specnet.functions import wilson
from specnet.plots import style
from specnet.plots.base import SplitPlot, Trained
from specnet.plots.requirements import check_few, check_probabilities, scored_classes, scores_of
from specnet.recording.classes import required_classes
from specnet.task import class_numbers

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_FEW = 4
"""Classes whose curves are told apart without a mean."""
BINS = 10
"""Parts into which a calibration divides the probabilities from 0 to 1."""
_TRIED = 100
"""Training samples for which predictions are looked at before training."""


class Roc(SplitPlot):
    """True positive rate of a class against its false positive rate, over all thresholds.

    Two classes have one curve. With more classes, there is one for each against the rest, and with more than four also
    their mean and an enlarged corner. The split is test if there is one, else validation, else train. At most 50,000
    samples are used, evenly chosen. The area below a curve is the probability that a sample of the class has a higher
    score than a sample outside it, where equal scores count half. Fawcett, "An introduction to ROC analysis", 2006.
    """

    most_samples = 50_000

    def check(self, run: Trained) -> None:
        check_few(scored_classes(run, scores_of(run.predict(run.data.train.inputs[:1]))))

    def reset(self) -> None:
        self.batches: list[tuple[np.ndarray, np.ndarray]] = []

    def update(self, prediction: np.ndarray, target: np.ndarray, inputs: np.ndarray) -> None:
        scores, wanted = scores_of(prediction), class_numbers(target)
        assert wanted is not None
        self.batches.append((scores, wanted))

    def picture(self, run: Trained, shown: str) -> Figure:
        scores, wanted = (np.concatenate(parts) for parts in zip(*self.batches, strict=True))
        names = scored_classes(run, scores)
        curves = range(1, 2) if len(names) == 2 else range(len(names))
        columns = math.ceil(len(curves) / 20)

        figure = style.figure(f"{run.name}: ROC, {shown}", 5.5 + 2.5 * columns, 5.5)
        axes = figure.add_subplot()
        style.dress(axes, "false positive rate", "true positive rate")
        panels = [axes, corner(axes)] if len(curves) > _FEW else [axes]
        (chance,) = axes.plot([0, 1], [0, 1], color="0.5", linestyle=":", linewidth=1.2, label="chance: 0.500")
        lines, areas, found = [], [], []
        grid = np.linspace(0.0, 1.0, 1001)
        for number, color, dashes in zip(curves, style.class_colors(len(curves)), cycle(style.DASHES), strict=False):
            name, positive = style.label(names[number]), wanted == number
            if positive.all() or not positive.any():
                x, y, text = np.empty(0), np.empty(0), "not defined"
            else:
                x, y = roc_curve(scores[:, number], positive)
                areas.append(float(np.sum(np.diff(x) * (y[1:] + y[:-1])) / 2 / (x[-1] * y[-1])))
                x, y, text = x / x[-1], y / y[-1], f"{areas[-1]:.3f}"
                found.append(np.interp(grid, x, y))
            look: dict[str, Any] = {"color": color, "linestyle": dashes, "linewidth": 1.8 / len(panels)}
            lines += [panel.plot(x, y, label=f"{name}: {text}", **look)[0] for panel in panels][:1]
        if len(panels) > 1 and found:
            label = f"mean of the classes: {np.mean(areas):.3f}"
            lines[:0] = [panel.plot(grid, np.mean(found, 0), "k", linewidth=2.5, label=label)[0] for panel in panels][
                :1
            ]
        style.legend(figure, [*lines, chance], place="outside right center", columns=columns)
        figure.legends[0].set_title("area under the curve")
        return figure


def corner(axes: Axes) -> Axes:
    """Return a panel inside another one with its upper left corner, five times as large."""
    inset = axes.inset_axes((0.38, 0.1, 0.58, 0.58), xlim=(0.0, 0.2), ylim=(0.8, 1.005))
    inset.grid(color="0.9", linewidth=0.8)
    inset.tick_params(labelsize=8)
    axes.indicate_inset_zoom(inset, edgecolor="0.4")
    return inset


def roc_curve(scores: np.ndarray, positive: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return how many negative and how many positive samples score at least as high as each threshold.

    Thresholds fall from above all scores through each that occurs; scores (n,), positive (n,) bool.
    """
    order = np.argsort(-scores, kind="stable")
    falls = np.flatnonzero(np.diff(scores[order], append=-np.inf))  # samples of equal scores come together
    x, y = (np.concatenate([[0], np.cumsum(chosen[order])[falls]]) for chosen in (~positive, positive))
    return x, y


class Calibration(SplitPlot):
    """How often predictions are right, against their probability, and the number of predictions.

    The area of a point is proportional to its number of samples, and a bar is the interval that holds the true share
    with 95 % probability: Wilson, "Probable inference", 1927.

    The probability is that of the second of two classes, else that of the predicted class, in ten parts from 0 to 1.
    The split is test if there is one, else validation, else train. The expected calibration error is the mean
    distance, over all samples, between probability and share of right predictions in their part: Guo et al., "On
    calibration of modern neural networks", 2017.
    """

    def check(self, run: Trained) -> None:
        scores = scores_of(run.predict(run.data.train.inputs[:_TRIED]))
        scored_classes(run, scores)
        check_probabilities(scores)

    def reset(self) -> None:
        self.bins, self.count = np.zeros((3, BINS)), 0

    def update(self, prediction: np.ndarray, target: np.ndarray, inputs: np.ndarray) -> None:
        probabilities, wanted = scores_of(prediction), class_numbers(target)
        assert wanted is not None
        check_probabilities(probabilities)
        self.count = probabilities.shape[1]
        if self.count == 2:
            self.bins += binned(probabilities[:, 1], wanted == 1)
        else:
            self.bins += binned(probabilities.max(axis=1), wanted == probabilities.argmax(axis=1))

    def picture(self, run: Trained, shown: str) -> Figure:
        counts, confidence, accuracy = reliability(self.bins)
        error = np.sum(counts * np.abs(accuracy - confidence), where=counts > 0) / counts.sum()
        x, y = "probability of the predicted class", "share predicted correctly"
        if self.count == 2:
            name = required_classes(run)[1]
            x, y = f"predicted probability of {name}", f"share of {name}"

        figure = style.figure(f"{run.name}: calibration, {shown}, expected calibration error {error:.3f}", 6, 6.5)
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
        style.dress(above, "", y)
        style.dress(below, x, "samples")
        above.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
        above.plot([0, 1], [0, 1], color="0.5", linestyle=":", linewidth=1.2, label="perfectly calibrated")
        above.vlines(confidence, *wilson(counts, accuracy), color="0.65", linewidth=2, label="95 % interval")
        sizes = 160 * counts / counts.max()
        above.plot(confidence, accuracy, color=style.PALETTE[0], linewidth=1.0, alpha=0.4)
        above.scatter(confidence, accuracy, sizes, color=style.PALETTE[0], label="model", zorder=3)
        below.bar((np.arange(BINS) + 0.5) / BINS, counts, 0.9 / BINS, color=style.PALETTE[0])
        style.legend(figure, above.get_legend_handles_labels()[0])
        return figure


def binned(predicted: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return for each part how many probabilities are in it, their sum, and how many are right: (3, parts).

    A part reaches from above one tenth up to the next.
    """
    part = np.searchsorted(np.arange(1, BINS) / BINS, predicted)
    return np.stack([np.bincount(part, weights, BINS) for weights in (None, predicted, right)])


def reliability(bins: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return for each part how many probabilities are in it, their mean, and the share that is right, else NaN."""
    counts, sums, hits = bins
    filled = np.where(counts > 0, counts, np.nan)
    return counts, sums / filled, hits / filled
