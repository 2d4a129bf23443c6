"""Input gradients and occlusion: the parts of an image or a sequence that a prediction depends on."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from specnet.datasets.base import Samples
from specnet.datasets.sampling import evenly_chosen
from specnet.errors import PlotError
from specnet.functions import evenly_spaced, is_image
from specnet.inspection.columns import held_out
from specnet.layers.stack import take_whole
from specnet.plots.base import Trained
from specnet.recording.classes import class_names, class_pairs, padded
from specnet.task import class_scores

LOOKED_AT = 8
"""Samples that are shown at most, half of them wrong if there are as many."""
CANDIDATES = 400
"""Samples among which they are chosen."""
PARTS_OF_SIDE = 8
"""An occluding patch is about this part of an image's shorter side, or of a sequence's length."""
MOST_PATCHES = 400
"""Patches of a sample at most."""


class LookedAt(NamedTuple):
    """Held-out samples and what is predicted of each: a caption, whether it is `wrong` (n,), and its class `said` (n,).

    Where numbers are predicted, `said` is 0.
    """

    split: str
    samples: Samples
    captions: list[str]
    wrong: np.ndarray
    said: np.ndarray


class Map(NamedTuple):
    """Samples and what a number says of each place in them (n, height, width) or (n, time); `what` it is."""

    looked_at: LookedAt
    values: np.ndarray
    what: str


def looked_at_samples(run: Trained, most: int = LOOKED_AT, candidates: int = CANDIDATES) -> LookedAt:
    """Return held-out images or sequences: of classes, wrong and right predictions, half of each if possible.

    Raises:
        PlotError: if inputs are neither, or whole numbers that stand for something, or if predictions are not one class
            or one number for each sample.
        SpecnetError: if the data cannot be loaded any more.
    """
    shape = run.data.train.inputs.shape[1:]
    if not (is_image(shape) or len(shape) == 2):
        raise PlotError(
            f"images or sequences are needed, but inputs have shape {shape}",
            help="for columns, use importance and partial_dependence",
        )
    if take_whole(run.layers):
        raise PlotError(
            "inputs are whole numbers such as tokens or categories: they have neither a gradient nor a mean"
        )
    split, samples, _ = held_out(run, most=candidates)
    y, names = run.predict(samples.inputs, samples.mask), class_names(run)
    single = y.ndim <= 2 and len(run.task.parts) == 1 and y.dtype.kind not in "iu"
    pair = class_pairs(samples.targets, y) if single and names is not None else None
    if not single or (pair is None and math.prod(y.shape[1:]) != 1):
        raise PlotError(
            f"one class or one number for each sample is needed, but predictions have shape {y.shape[1:]}"
            + (f" and {len(run.task.parts)} heads" if len(run.task.parts) > 1 else "")
        )
    if pair is None or names is None:
        rows = evenly_spaced(len(y), most)
        captions = [f"{number:.4g}" for number in y[rows].reshape(-1).tolist()]
        return LookedAt(split, samples.select(rows), captions, np.zeros(len(rows), bool), np.zeros(len(rows), int))
    wrong, right = np.flatnonzero(pair[0] != pair[1]), np.flatnonzero(pair[0] == pair[1])
    count = min(len(wrong), max(most // 2, most - len(right)))
    parts = [
        each[evenly_spaced(len(each), size)] for each, size in ((wrong, count), (right, most - count)) if len(each)
    ]
    rows = np.sort(np.concatenate(parts))
    (truth, found), names = pair[:, rows], padded(names, pair)
    captions = [
        names[is_] if is_ == said else f"{names[said]}, not {names[is_]}"
        for is_, said in zip(truth, found, strict=True)
    ]
    return LookedAt(split, samples.select(rows), captions, truth != found, found)


def saliency(run: Trained, most: int = LOOKED_AT, candidates: int = CANDIDATES) -> Map:
    """Return the size of the gradient of the predicted class's output, or of the number, at each place of some inputs.

    Of an image the largest of its channels, of a sequence the norm over its features. The gradient is that of the
    network's output (a logit, where the loss takes logits) by the inputs as the network takes them, after their
    transforms. Simonyan, Vedaldi & Zisserman, "Deep inside convolutional networks", 2013.

    Raises:
        PlotError: as `looked_at_samples` does, or if transforms change the shape of inputs.
    """
    chosen = looked_at_samples(run, most, candidates)
    samples = chosen.samples
    units = run.layers[-1].output_shape[-1]  # one may stand for two classes
    gradient = run.input_gradient(samples.inputs, np.minimum(chosen.said, units - 1), samples.mask)
    if gradient.shape != samples.inputs.shape:
        raise PlotError(
            f"transforms change the shape of inputs from {samples.inputs.shape[1:]} to {gradient.shape[1:]}: "
            "a gradient does not fit the inputs",
            help="occlusion needs no gradient",
        )
    size = np.abs(gradient)
    if is_image(size.shape[1:]):
        values = size.max(axis=-1) if size.ndim == 4 else size
    else:
        values = np.linalg.norm(gradient, axis=-1)
    return Map(chosen, values, f"size of the gradient of {_subject(run)}")


def occlusion(run: Trained) -> Map:
    """Return how far the score of the predicted class, or the number, falls where a patch of some inputs is covered.

    The patch has the mean of the training samples at its place, and is moved by half its side; a place has the mean of
    the patches that cover it. Scores are probabilities where the network computes them. Zeiler & Fergus, "Visualizing
    and understanding convolutional networks", 2014.

    Raises:
        PlotError: as `looked_at_samples` does.
    """
    chosen = looked_at_samples(run)
    samples = chosen.samples
    mean = evenly_chosen(run.data.train, 1000).inputs.mean(axis=0)
    shape = samples.inputs.shape[1:3] if is_image(samples.inputs.shape[1:]) else samples.inputs.shape[1:2]
    before = _score(run, samples.inputs, chosen)
    total, count = np.zeros((len(before), *shape)), np.zeros(shape)
    for patch in patches(shape):
        x = samples.inputs.astype(np.float64)
        x[:, *patch] = mean[patch]
        total[:, *patch] += (before - _score(run, x, chosen)).reshape(-1, *[1] * len(shape))
        count[patch] += 1
    return Map(chosen, total / count, f"fall of {_subject(run)}")


def _subject(run: Trained) -> str:
    return "the predicted class's score" if class_names(run) is not None else "the prediction"


def patches(shape: tuple[int, ...]) -> list[tuple[slice, ...]]:
    """Return the patches that are covered, one after the other: they overlap by half, and there are not too many."""
    side = max(1, math.ceil(min(shape) / PARTS_OF_SIDE))
    while True:
        step = max(1, side // 2)
        starts = [sorted({*range(0, max(1, length - side + 1), step), max(0, length - side)}) for length in shape]
        if math.prod(map(len, starts)) <= MOST_PATCHES or side >= max(shape):
            break
        side += 1
    grids = np.stack(np.meshgrid(*starts, indexing="ij"), axis=-1).reshape(-1, len(shape))
    return [tuple(slice(start, start + side) for start in place) for place in grids.tolist()]


def _score(run: Trained, x: np.ndarray, looked_at: LookedAt) -> np.ndarray:
    """Return the score (n,) of the class that was predicted of each sample, or the predicted number."""
    y = run.predict(x, looked_at.samples.mask)
    if class_names(run) is None:
        return y.reshape(-1).astype(np.float64)
    return class_scores(y)[np.arange(len(y)), looked_at.said]
