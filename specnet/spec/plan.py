"""What is known about a run before data are loaded: rows, splits, shapes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from specnet.component import find_class
from specnet.datasets.base import Dataset, Outline
from specnet.datasets.split import SPLITS, Split
from specnet.errors import Diagnostic, SpecnetError
from specnet.faults import guarded
from specnet.features import Feature, choose
from specnet.layers.base import Layer, Output
from specnet.layers.stack import Stack, at_most, outputs_of
from specnet.parts import parts
from specnet.spec.model import Spec
from specnet.task import Shape
from specnet.transforms.base import RandomTransform, Transform

MAX_LAYERS = 10_000
"""Layers of a network, copies of repeated ones included."""


@dataclass
class Plan:
    """What is known about a run; None means unknown.

    `inputs` and `targets` are the shapes that network and loss get, `layers` are built copies of the spec's, as far as
    their shapes are known. `mistakes` are those found in the dataset's outline and in shapes.
    """

    outline: Outline
    inputs: Shape | None
    targets: Shape | None
    classes: int | None
    splits: tuple[str, ...]
    rows: int | None
    layers: list[Layer]
    output_shape: Shape | None
    output_kind: Output | None
    mistakes: list[Diagnostic]

    def batch(self, size: int | None) -> int | None:
        """Return the number of samples in a batch of `size`, or of all samples if that is None."""
        return min(size or self.rows, self.rows) if self.rows else size

    def length(self, spec: Spec) -> tuple[int, int, str] | None:
        """Return the length of an epoch and of the whole training for schedules, and its unit: steps or samples."""
        training, batch = spec.training, self.batch(spec.training.step_size)
        if not self.rows or not batch:
            return None
        epoch = self.rows if training.varies else -(-self.rows // batch)
        return epoch, epoch * training.epochs, "samples" if training.varies else "steps"


def make_plan(spec: Spec, input_shape: Shape | None = None, rows: int | None = None) -> Plan:
    """Return what is known about a spec's run; after loading data, given shape and number of transformed inputs.

    In a spec with mistakes, invalid components are None, and what depends on them is unknown.
    """
    mistakes: list[Diagnostic] = []
    outline = _outline(spec.dataset, mistakes)
    inputs = input_shape
    if inputs is None:
        inputs = _transformed(outline.inputs, spec.transforms.inputs, "inputs", mistakes, outline.features)
    stack = Stack([*takewhile(_is_complete, spec.layers)], ("layers",), "layers")
    layers = stack.layers
    shape = kind = None
    if inputs is not None:
        with collecting(mistakes), at_most(MAX_LAYERS):
            shape = stack.build(inputs)
    with collecting(mistakes):
        kind = _kind(spec.layers)
    return Plan(
        outline,
        inputs,
        _transformed(outline.targets, spec.transforms.targets, "targets", mistakes),
        None if spec.transforms.targets else outline.classes,
        _splits(outline, spec.split),
        _rows(outline, spec.split) if rows is None else rows,
        [layer for layer in layers if hasattr(layer, "output_shape")],
        shape if len(layers) == len(spec.layers) else None,
        kind,
        mistakes,
    )


def is_open(layer: Any) -> bool:
    """Return whether a value is a linear layer that leaves its units to the task."""
    return getattr(layer, "units", 0) is None and isinstance(layer, find_class("layers", "linear"))


def lacks_vocabulary(layer: Any) -> bool:
    """Return whether a value is an embedding that leaves the size of its vocabulary to the dataset."""
    return getattr(layer, "input_dim", 0) is None and isinstance(layer, find_class("layers", "embedding"))


def _is_complete(layer: Layer | None) -> bool:
    return layer is not None and not any(is_open(part) or lacks_vocabulary(part) for _, part in parts(layer))


@contextmanager
def collecting(mistakes: list[Diagnostic]) -> Iterator[None]:
    """Add an error from inside to the mistakes, and continue."""
    try:
        yield
    except SpecnetError as error:
        mistakes += error.diagnostics


def _outline(dataset: Dataset | None, mistakes: list[Diagnostic]) -> Outline:
    if dataset is None:  # in a spec with mistakes
        return Outline(vocabulary=None)
    found: Any = None
    with collecting(mistakes), guarded(dataset, ("dataset",), "outline"):
        found = dataset.outline()
        if not isinstance(found, Outline):
            raise TypeError(f"it returns {type(found).__name__}, not Outline")
    return found if isinstance(found, Outline) else Outline(vocabulary=None)


def _transformed(
    shape: Shape | None,
    transforms: Sequence[Transform | RandomTransform | None],
    which: str,
    mistakes: list[Diagnostic],
    features: Sequence[Feature] = (),
) -> Shape | None:
    """Return the shape of transformed samples, whose features have names before the first transform, or none."""
    for number, transform in enumerate(transforms):
        if isinstance(transform, RandomTransform):
            with collecting(mistakes), guarded(transform, ("transforms", which, number), "check_shape"):
                transform.check_shape(shape) if shape is not None else None
            continue
        given, shape = shape, None
        if transform is None or given is None:
            return None
        with collecting(mistakes), guarded(transform, ("transforms", which, number), "output_shape"):
            if not features:
                shape = transform.output_shape(given) if transform.columns is None else None
            else:
                chosen = len(choose(features, transform.columns, transform.kinds))
                part = transform.output_shape((chosen,))
                shape = None if part is None else (*given[:-1], given[-1] - chosen + part[0])
                features = features if shape == given else ()
    return shape


def _splits(outline: Outline, split: Split) -> tuple[str, ...]:
    """Return the splits that will exist, or may exist if the dataset's own or those of a column are unknown."""
    own = SPLITS if outline.splits is None or split.by == "column" else outline.splits
    return tuple(
        name
        for name in SPLITS
        if name == "train" or name in own or getattr(split, name) or (name == "test" and split.folds)
    )


def _rows(outline: Outline, split: Split) -> int | None:
    """Return the number of training samples left after taking shares; unknown where a column decides, or in folds."""
    if outline.rows is None or split.by in ("group", "column") or split.folds:
        return None
    return max(outline.rows - sum(split.counts(outline.rows).values()), 0)


def _kind(layers: Sequence[Layer | None]) -> Output | None:
    kind: Output | None = None
    for number, layer in enumerate(layers):
        if layer is None:
            kind = None
        else:
            with guarded(layer, ("layers", number), "output"):
                kind = outputs_of([layer], kind)
    return kind
