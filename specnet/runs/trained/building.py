"""What a spec describes, built: its data, fitted transforms and model."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from pathlib import Path

from specnet.component import fresh_copy
from specnet.datasets.base import AnySamples, Data, Samples, StreamedSamples
from specnet.datasets.checks import check_classes, check_complete_columns, check_samples, check_weights, checked_data
from specnet.datasets.data_file import DataFile
from specnet.datasets.memory import InMemory
from specnet.datasets.rows import row_bytes
from specnet.errors import DataError, SpecnetError
from specnet.faults import guarded
from specnet.features import target_features
from specnet.network.network import Network
from specnet.parts import parts
from specnet.randomness import stream
from specnet.spec.model import Spec, json_digest
from specnet.task import Shape
from specnet.training.model import Model
from specnet.transforms.pipeline import Pipeline


@contextmanager
def located(spec: Spec, *place: str | int) -> Iterator[None]:
    """Add the place in the spec and the spec's file to errors from inside."""
    try:
        yield
    except SpecnetError as error:
        error.file = error.file or spec.source
        error.locate = error.locate or spec.locate
        raise error.at(*place) from None


@contextmanager
def named_rows(data: Data, split: str) -> Iterator[None]:
    """Say in errors from inside where a row of the split comes from."""
    try:
        yield
    except DataError as error:
        if error.row is not None:
            error.name_row(error.row, data.place(split, error.row))
        raise


def load_data(spec: Spec) -> Data:
    """Return the samples of a spec's dataset, split as it says, or raise a SpecnetError if they are wrong."""
    with located(spec), guarded(spec.dataset, ("dataset",), "load"):
        data = checked_data(_load(spec))
    with located(spec, "dataset"):
        check_classes(data)
        for name, samples in data.splits.items():
            with named_rows(data, name):
                check_samples(name, samples)
            if samples.inputs.shape[1:] != data.train.inputs.shape[1:]:
                shapes = f"{samples.inputs.shape[1:]}, those of train {data.train.inputs.shape[1:]}"
                raise DataError(f"the {name} inputs have shape {shapes}")
    with located(spec, "split"):
        data = spec.split.apply(data, stream(spec.seed_of("split"), "split"))
        for name, samples in data.splits.items():
            check_weights(name, samples)
    return data


_kept_data: ContextVar[dict[str, Data] | None] = ContextVar("kept_data", default=None)
"""Where the samples loaded last are kept for further specs, by what determines them; None: they are not kept."""


@contextmanager
def keeping_data(kept: dict[str, Data] | None = None) -> Iterator[None]:
    """Keep the samples that are loaded last inside this `with` for further specs, or even in `kept` for later ones."""
    token = _kept_data.set({} if kept is None else kept)
    try:
        yield
    finally:
        _kept_data.reset(token)


def _load(spec: Spec) -> Data:
    kept, load = _kept_data.get(), partial(spec.dataset.load, stream(spec.seed_of("data"), "dataset"))
    if kept is None or isinstance(spec.dataset, InMemory):
        return load()
    if (key := _origin(spec)) not in kept:
        data = load()
        kept.clear()
        kept[key] = data
    return kept[key]


def _origin(spec: Spec) -> str:
    """Return what determines the samples of a dataset: its fields, the seed, and size and time of its files."""
    files = [Path(part).stat() for _, part in parts(spec.dataset) if isinstance(part, DataFile)]
    stamps = [[file.st_size, file.st_mtime_ns] for file in files]
    return json_digest([spec.dataset.to_spec(), spec.seed_of("data"), stamps])


def transform(spec: Spec, data: Data) -> tuple[Pipeline, Pipeline, dict[str, AnySamples]]:
    """Fit a spec's transforms on the training samples; return both pipelines and all splits transformed."""
    with located(spec):
        inputs, targets = pipelines(spec)
        inputs.features = data.input_features
        targets.features = target_features(data.target_names, data.column_classes, len(spec.loss.heads) > 1)
        if not inputs.fills_missing:
            with located(spec, "dataset"):
                check_complete_columns(data, data.splits, inputs.features)
        splits: dict[str, AnySamples] = {}
        for name, samples in data.splits.items():
            with named_rows(data, name):
                if name != "train":
                    splits[name] = samples.map(inputs.apply, targets.apply)
                elif isinstance(samples, Samples):
                    splits[name] = samples.map(inputs.fit, targets.fit)
                else:
                    inputs.fit_pieces(samples.inputs)
                    targets.fit_pieces(samples.targets)
                    splits[name] = samples.map(inputs.apply, targets.apply)
        if inputs.fills_missing:
            with located(spec, "transforms", "inputs"):
                check_complete_columns(data, splits, inputs.transformed)
    return inputs, targets, splits


def pipelines(spec: Spec) -> tuple[Pipeline, Pipeline]:
    """Return a spec's transforms of inputs and of targets, not fitted."""
    transforms = fresh_copy(spec.transforms)
    return (
        Pipeline(transforms.inputs, ("transforms", "inputs")),
        Pipeline(transforms.targets, ("transforms", "targets")),
    )


def build_model(spec: Spec, input_shape: Shape, inputs: Pipeline, targets: Pipeline, seed: int | None) -> Model:
    """Return a spec's model, for raw inputs that transforms bring to `input_shape`.

    Initial weights are drawn from `seed`. If it is None, they stay zero: the caller loads weights instead.
    """
    network = Network(spec.layers, input_shape, spec.dtype, seed, spec.kernels)
    return Model(network, spec.kernels.instantiate(spec.loss), inputs, targets, fresh_copy(spec.metrics))


def check_batch(samples: AnySamples, size: int | None) -> None:
    """Check that a batch of streamed training samples fits into the dataset's buffer."""
    if isinstance(samples, StreamedSamples):
        size = min(size or len(samples.inputs), len(samples.inputs))
        if size * row_bytes(samples.inputs, samples.targets) > samples.buffer:
            raise DataError(
                f"a step of {size:,} samples takes more than the dataset's buffer",
                pointer=("training", "batch_size"),
                help="make the batch smaller or the buffer larger",
            )
