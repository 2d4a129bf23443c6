"""What there is to see inside a trained network: feature maps, attention, embeddings. Plots and the page paint it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from specnet.component import type_name
from specnet.datasets.base import Samples
from specnet.datasets.sampling import evenly_chosen, samples_at
from specnet.errors import PlotError
from specnet.functions import is_image
from specnet.layers.base import Activation, Layer, walk
from specnet.network.network import name_layers
from specnet.plots.base import Trained
from specnet.recording.classes import class_names
from specnet.recording.scenes import SAMPLES, truth

MAPS = 16
"""Feature maps of a layer, or heads of attention, that are shown at most."""
MAPPED = 8
"""Layers that are shown at most."""


class Maps(NamedTuple):
    """Images (n, height, width) of a layer, of `total` that it has."""

    layer: str
    images: np.ndarray
    total: int

    @property
    def title(self) -> str:
        """The layer, and how many of its images are shown."""
        return self.layer + ("" if len(self.images) == self.total else f" ({len(self.images)} of {self.total})")


class PrincipalPlane(NamedTuple):
    """Points (n, 2) along two principal components `axes` (2, features), which have these `shares` of the variance."""

    points: np.ndarray
    axes: np.ndarray
    shares: np.ndarray


class Embedded(NamedTuple):
    """Points in the plane of the two largest principal components.

    `truth` are class numbers (n,) with these names, or numbers; a table of an embedding has its rows' numbers, and
    `rows` are their names: tokens if the dataset has a vocabulary.
    """

    what: str
    plane: PrincipalPlane
    truth: np.ndarray
    classes: list[str] | None
    rows: Sequence[str] = ()


def feature_maps(run: Trained) -> tuple[np.ndarray, list[Maps]]:
    """Return a sample's image and what convolutions make of it, after the activations behind them.

    Raises:
        PlotError: if inputs are not images, or no layer is a convolution of images.
    """
    if not is_image(run.data.train.inputs.shape[1:]):
        raise PlotError("feature maps are made of images, but the inputs are not images", help="leave this plot out")
    named = name_layers(run.layers)
    wanted = [name for name, each in named.items() if len(each.output_shape) == 3 and _has_kernels(each)][:MAPPED]
    if not wanted:
        raise PlotError("no layer is a convolution of images", help="leave this plot out")
    shown = [_behind(name, named) for name in wanted]
    sample = _sample(run)
    found = run.look_inside(sample.inputs, dict.fromkeys(shown, "y"))
    maps = [Maps(name, np.moveaxis(found[name][0], -1, 0)[:MAPS], found[name].shape[-1]) for name in shown]
    return sample.inputs[0], maps


def attention_maps(run: Trained) -> list[Maps]:
    """Return the weights (heads, to, from) that each position of a sequence gives to others, in each attention layer.

    Raises:
        PlotError: if no layer is an attention layer.
    """
    named = name_layers(run.layers)
    wanted = [name for name, layer in named.items() if type_name(layer) == "multi_head_attention"][:MAPPED]
    if not wanted:
        raise PlotError("no layer is an attention layer", help="leave this plot out")
    sample = _sample(run)
    found = run.look_inside(sample.inputs, dict.fromkeys(wanted, "p"), sample.mask)
    heads = {name: p[0].reshape(-1, *p.shape[-2:]) for name, p in found.items()}
    return [Maps(name, heads[name][:MAPS], len(heads[name])) for name in wanted]


def embedded(run: Trained, axes: np.ndarray | None = None) -> Embedded:
    """Return the rows of the first embedding or, without an embedding, the inputs of the last trained layer.

    `axes` (2, features) are those of another plane, to show the points in.

    Raises:
        PlotError: if there is nothing with two numbers or more.
    """
    for name, layer in name_layers(run.layers).items():
        if type_name(layer) == "embedding" and f"{name}.weight" in run.params:
            plane = principal_plane(run.params[f"{name}.weight"], axes)
            count, tokens = len(plane.points), run.data.classes
            rows = tokens if run.data.vocabulary == len(tokens) == count else [*map(str, range(count))]
            return Embedded(f"rows of {name}", plane, np.arange(count), None, rows)
    trained = [n for n, layer in enumerate(run.layers) if any(each.is_trained() for _, each in walk(layer, ""))]
    if not trained or trained[-1] == 0:
        raise PlotError("there is no embedding, and no layer before the last trained one", help="leave this plot out")
    name, (split, samples) = f"layers.{trained[-1] - 1}", run.data.last_split
    chosen, names = evenly_chosen(samples, SAMPLES), class_names(run)
    y = run.look_inside(chosen.inputs, {name: "y"}, chosen.mask)[name]
    plane = principal_plane(y.reshape(len(y), -1), axes)
    found = truth(chosen.targets, names)
    return Embedded(f"outputs of {name}, {split} split", plane, found[:, 0] if names is None else found, names)


def first_weights(run: Trained) -> tuple[str, np.ndarray]:
    """Return name and values of the first layer's weights: filters (height, width, channels, units), or a matrix.

    Raises:
        PlotError: if the first layer has no such weights.
    """
    shape = run.data.train.inputs.shape[1:]
    for name, values in run.params.items():
        if is_image(shape) and values.ndim == 4 and values.shape[2] == (*shape, 1)[2]:
            return name, values
        if values.ndim == 2:
            filters = is_image(shape) and len(values) == math.prod(shape)
            return name, values.reshape(*(*shape, 1)[:3], -1) if filters else values
    raise PlotError(
        "no layer has a matrix of weights (inputs, units), or kernels (height, width, channels, units)",
        help="leave this plot out",
    )


def principal_plane(x: np.ndarray, axes: np.ndarray | None = None) -> PrincipalPlane:
    """Return rows of x along its two largest principal components, or along other axes (2, features).

    The sign of a component is such that its number farthest from 0 is positive.

    Raises:
        PlotError: if there are fewer than two rows or columns, or not all numbers are finite.
    """
    if min(x.shape) < 2 or not np.isfinite(x).all():
        raise PlotError(f"numbers of shape {x.shape} have no plane of principal components", help="leave this plot out")
    centred = x - x.mean(axis=0, dtype=np.float64)
    if axes is None:
        axes = np.linalg.svd(centred, full_matrices=False)[2][:2]
        signs = np.sign(axes[np.arange(2), np.abs(axes).argmax(axis=1)])
        axes = axes * np.where(signs == 0, 1, signs)[:, np.newaxis]
    points = centred @ axes.T
    return PrincipalPlane(points, axes, np.sum(points**2, axis=0) / (np.sum(centred**2) or 1.0))


def _has_kernels(layer: Layer) -> bool:
    declared = [*layer.parameters, *(each.parameter for each in layer.shared)]
    return any(len(parameter.shape) >= 4 for parameter in declared) and math.prod(layer.output_shape[:2]) > 1


def _behind(name: str, named: dict[str, Layer]) -> str:
    """Return the name of the activation behind a layer, or else its own."""
    place, _, number = name.rpartition(".")
    after = f"{place}.{int(number) + 1}" if number.isdecimal() else ""
    return after if isinstance(named.get(after), Activation) else name


def _sample(run: Trained) -> Samples:
    """Return the first sample of the last split."""
    return samples_at(run.data.last_split[1], np.array([0]))
