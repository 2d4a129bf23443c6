"""What a spec describes, built: its data, fitted transforms and model."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from specnet.component import fresh_copy
from specnet.datasets.base import AnySamples, Data, Samples
from specnet.datasets.checks import check_samples, check_weights, checked_data
from specnet.errors import DataError, SpecnetError
from specnet.faults import guarded
from specnet.network.network import Network
from specnet.randomness import stream
from specnet.spec.model import Spec
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
    """Return the samples of a spec's dataset, divided as its `split` says.

    Raises:
        SpecnetError: if they cannot be read, or are not what the spec says.
    """
    with located(spec), guarded(spec.dataset, ("dataset",), "load"):
        data = checked_data(spec.dataset.load(stream(spec.seed, "dataset")))
    with located(spec, "dataset"):
        for name, samples in data.splits.items():
            check_samples(name, samples)
            if samples.inputs.shape[1:] != data.train.inputs.shape[1:]:
                shapes = f"{samples.inputs.shape[1:]}, those of train {data.train.inputs.shape[1:]}"
                raise DataError(f"the {name} inputs have shape {shapes}")
    with located(spec, "split"):
        seed = spec.seed if spec.split.seed is None else spec.split.seed
        data = spec.split.apply(data, stream(seed, "split"))
        for name, samples in data.splits.items():
            check_weights(name, samples)
    return data


def transform(spec: Spec, data: Data) -> tuple[Pipeline, Pipeline, dict[str, AnySamples]]:
    """Fit a spec's transforms on the training samples; return both pipelines and all splits transformed.

    Raises:
        SpecnetError: if a transform cannot take the samples.
    """
    with located(spec):
        inputs, targets = pipelines(spec)
        inputs.columns, targets.columns = data.input_names, data.target_names
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
