"""How far the scores and probabilities of a classifier can be relied on."""

from __future__ import annotations

import math
from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np

from specnet.plots import style
from specnet.plots.base import Plot, Trained, last_split
from specnet.plots.classes import (
    all_classes,
    check_few,
    check_probabilities,
    check_scores,
    class_name,
    read_classes,
    read_scores,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BINS = 10
"""Parts into which a calibration divides the probabilities from 0 to 1."""
TRIED = 100
"""Training samples for which predictions are looked at before training."""


class Roc(Plot):
    """Share of a class that is found against the share of the others that is taken for it, over all thresholds.

    One curve for two classes; of more, one for each against the rest. Of the test split if there is one, else of
    validation, else of train. The area below a curve is the probability that a sample of the class has a higher
    score than another one, where equal scores count half. Fawcett, "An introduction to ROC analysis", 2006.
    """

    def check(self, run: Trained) -> None:
        check_few(scores_of_classes(run, run.data.train.inputs[:1])[0])

    def draw(self, run: Trained) -> Figure:
        split, samples = last_split(run.data)
        known, scores = scores_of_classes(run, samples.inputs, samples.mask)
        wanted = read_classes(samples.targets)
        shown = known[1:] if len(known) == 2 else known
        columns = math.ceil(len(shown) / 20)

        figure = style.figure(f"{run.name}: ROC, {split} split", 5.5 + 2.5 * columns, 5.5)
        axes = figure.add_subplot()
        style.dress(axes, "false positive rate", "true positive rate")
        (chance,) = axes.plot([0, 1], [0, 1], color="0.5", linestyle=":", linewidth=1.2, label="chance: 0.500")
        lines = []
        for number, color, dashes in zip(
            shown, style.class_colors(len(shown)), cycle(["-", "--", "-.", (0, (1, 1))]), strict=False
        ):
            name, positive = style.label(class_name(int(number), run)), wanted == number
            if positive.all() or not positive.any():
                x, y, text = np.empty(0), np.empty(0), "not defined"
            else:
                x, y = roc_curve(scores[:, number], positive)
                text = f"{np.sum(np.diff(x) * (y[1:] + y[:-1])) / 2 / (x[-1] * y[-1]):.3f}"
                x, y = x / x[-1], y / y[-1]
            lines += axes.plot(x, y, color=color, linestyle=dashes, linewidth=1.8, label=f"{name}: {text}")
        style.legend(figure, [*lines, chance], place="outside right center", columns=columns)
        figure.legends[0].set_title("area under the curve")
        return figure


def roc_curve(scores: np.ndarray, positive: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return how many negative and how many positive samples score at least as high as each threshold.

    Thresholds fall from above all scores through each that occurs; scores (n,), positive (n,) bool.
    """
    order = np.argsort(-scores, kind="stable")
    falls = np.flatnonzero(np.diff(scores[order], append=-np.inf))  # samples of equal scores come together
    x, y = (np.concatenate([[0], np.cumsum(chosen[order])[falls]]) for chosen in (~positive, positive))
    return x, y


class Calibration(Plot):
    """How often a prediction is right, against the probability that it has; and how many there are of each.

    For two classes the probability of the second one, else that of the class that is predicted, in ten parts from 0
    to 1. Of the test split if there is one, else of validation, else of train. The expected calibration error is the
    mean, over all samples, of the distance between both in their part: Guo et al., "On calibration of modern neural
    networks", 2017.
    """

    def check(self, run: Trained) -> None:
        check_probabilities(scores_of_classes(run, run.data.train.inputs[:TRIED])[1])

    def draw(self, run: Trained) -> Figure:
        split, samples = last_split(run.data)
        known, probabilities = scores_of_classes(run, samples.inputs, samples.mask)
        check_probabilities(probabilities)
        wanted = read_classes(samples.targets)
        if len(known) == 2:
            name = class_name(int(known[1]), run)
            predicted, right = probabilities[:, known[1]], wanted == known[1]
            x, y = f"predicted probability of {name}", f"share of {name}"
        else:
            predicted, right = probabilities.max(axis=1), wanted == probabilities.argmax(axis=1)
            x, y = "probability of the predicted class", "share predicted right"
        counts, confidence, accuracy = reliability(predicted, right)
        error = np.sum(counts * np.abs(accuracy - confidence), where=counts > 0) / counts.sum()

        title = f"{run.name}: calibration, {split} split, expected calibration error {error:.3f}"
        figure = style.figure(title, 6, 6.5)
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
        style.dress(above, "", y)
        style.dress(below, x, "samples")
        above.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
        above.plot([0, 1], [0, 1], color="0.5", linestyle=":", linewidth=1.2, label="perfectly calibrated")
        above.vlines(confidence, confidence, accuracy, color=style.PALETTE[1], linewidth=2.5, label="gap")
        above.plot(confidence, accuracy, color=style.PALETTE[0], linewidth=1.5, marker="o", label="model")
        below.bar((np.arange(BINS) + 0.5) / BINS, counts, 0.9 / BINS, color=style.PALETTE[0])
        style.legend(figure, above.get_legend_handles_labels()[0])
        return figure


def reliability(predicted: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return for each part how many probabilities are in it, their mean, and the share that is right.

    A part reaches from above one tenth up to the next; mean and share are NaN where it is empty.
    """
    part = np.searchsorted(np.arange(1, BINS) / BINS, predicted)
    counts, sums, hits = (np.bincount(part, weights, BINS) for weights in (None, predicted, right))
    filled = np.where(counts > 0, counts, np.nan)
    return counts, sums / filled, hits / filled


def scores_of_classes(
    run: Trained, inputs: np.ndarray, mask: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return the class numbers that there are (classes,), and a score for each that there can be (n, k).

    Raises:
        PlotError: if targets are not classes, or predictions not a score for each.
    """
    scores = read_scores(run.predict(inputs, mask))
    known = all_classes(run.data)
    check_scores(known, scores)
    return known, scores
