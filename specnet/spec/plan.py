"""What a spec says of its run before any data are loaded: rows, splits, shapes."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

from specnet.datasets.base import Dataset, Outline
from specnet.errors import Diagnostic, SpecnetError
from specnet.layers.base import Kind, Layer, Shape, connect
from specnet.spec.model import Spec
from specnet.training.split import Split
from specnet.transforms.base import Transform

SPLITS = ("train", "validation", "test")
MOST_LAYERS = 10_000
"""Layers of a network, copies of repeated ones included."""


@dataclass
class Plan:
    """What is known of a run; None where it is not.

    `inputs` and `targets` are shapes as network and loss see them, `layers` are copies of the spec's as far as their
    shapes are known, each built. `mistakes` are those that the dataset's outline and the shape pass have met.
    """

    outline: Outline
    inputs: Shape | None
    targets: Shape | None
    splits: tuple[str, ...]
    rows: int | None
    layers: list[Layer]
    output_shape: Shape | None
    output_kind: Kind | None
    mistakes: list[Diagnostic]

    def batch(self, size: int | None) -> int | None:
        """Return the samples of a batch of `size`, or of all samples if that is None."""
        return min(size or self.rows, self.rows) if self.rows else size

    def steps(self, spec: Spec) -> int | None:
        """Return the steps of the whole training."""
        batch = self.batch(spec.training.batch_size)
        return spec.training.epochs * -(-self.rows // batch) if self.rows and batch else None


def make_plan(spec: Spec, input_shape: Shape | None = None) -> Plan:
    """Return what is known of a spec's run; `input_shape` is that of transformed inputs, if data were loaded.

    Of a spec with mistakes, wrong components are None: nothing is known of what they would give.
    """
    mistakes: list[Diagnostic] = []
    outline = _outline(spec.dataset, mistakes)
    inputs = input_shape or _transformed(outline.inputs, spec.transforms.inputs)
    layers = [copy.deepcopy(layer) for layer in takewhile(lambda layer: layer is not None, spec.layers)]
    shape = None
    if inputs is not None and not (too_many := _check_count(layers)):
        try:
            shape = connect(layers, inputs, "layers")
        except SpecnetError as error:
            mistakes += error.diagnostics
    elif inputs is not None:
        mistakes += too_many
    return Plan(
        outline,
        inputs,
        _transformed(outline.targets, spec.transforms.targets),
        _splits(outline, spec.split),
        _rows(outline, spec.split),
        [layer for layer in layers if hasattr(layer, "output_shape")],
        shape if len(layers) == len(spec.layers) else None,
        _kind(spec.layers),
        mistakes,
    )


def _outline(dataset: Dataset | None, mistakes: list[Diagnostic]) -> Outline:
    if dataset is None:  # of a spec with mistakes
        return Outline()
    try:
        return dataset.outline()
    except SpecnetError as error:
        mistakes += error.at("dataset").diagnostics
        return Outline()


def _transformed(shape: Shape | None, transforms: Sequence[Transform | None]) -> Shape | None:
    for transform in transforms:
        shape = transform.output_shape(shape) if transform and shape is not None else None
    return shape


def _check_count(layers: list[Layer]) -> list[Diagnostic]:
    count = sum(layer.layer_count() for layer in layers)
    if count <= MOST_LAYERS:
        return []
    place = max(range(len(layers)), key=lambda number: layers[number].layer_count())
    message = f"the network has {count:,} layers, copies included: more than {MOST_LAYERS:,} are no small network"
    return [Diagnostic("too-many-layers", message, ("layers", place))]


def _splits(outline: Outline, split: Split) -> tuple[str, ...]:
    """The splits that there will be, or may be if the dataset does not tell its own."""
    own = SPLITS if outline.splits is None else outline.splits
    return tuple(name for name in SPLITS if name == "train" or name in own or getattr(split, name))


def _rows(outline: Outline, split: Split) -> int | None:
    """Training samples that are left when shares are taken away."""
    if outline.rows is None:
        return None
    return max(outline.rows - round(outline.rows * split.validation) - round(outline.rows * split.test), 1)


def _kind(layers: Sequence[Layer | None]) -> Kind | None:
    kind: Kind | None = None
    for layer in layers:
        kind = layer.output_kind(kind) if layer else None
    return kind
