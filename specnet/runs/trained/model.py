"""`TrainedModel`: a trained network with its spec, which predicts and can be evaluated."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import Any

import numpy as np

from specnet.datasets.array_values import number_array
from specnet.datasets.base import Dataset, Samples, StreamedSamples
from specnet.datasets.checks import check_weights
from specnet.datasets.data_file import DataFile
from specnet.datasets.memory import Given, Reader
from specnet.errors import RunError, SpecnetError
from specnet.features import Feature, features_named
from specnet.layers.base import Layer
from specnet.parts import parts
from specnet.runs.trained.building import build_model, pipelines
from specnet.spec.model import Spec
from specnet.task import Task
from specnet.training.model import Model

ONE_AT_A_TIME = RLock()
"""Layers write to their own arrays, and BLAS has one number of threads for the whole process."""


class TrainedModel:
    """What a run and a bundle have in common.

    `described` is what a checkpoint says about the data, `schema` what the network takes and returns. `rows` are the
    raw inputs that are made up for a bundle.
    """

    spec: Spec
    described: dict[str, Any]
    schema: dict[str, Any]
    checkpoint: Path
    rows: np.ndarray
    model: Model
    warnings: list[str]

    def restore_model(self, path: object, described: dict[str, Any], arrays: Mapping[str, np.ndarray]) -> Model:
        """Return the model with these parameters (`params`), running state (`state`) and fitted `transforms.*`.

        Raises:
            RunError: if they do not fit the spec; `path` is the file that they are from.
        """
        inputs, targets = pipelines(self.spec)
        try:
            inputs.features = [Feature(*each) for each in described["features"]]
            targets.features = features_named(described["target_names"])
            inputs.restore(arrays)
            targets.restore(arrays)
            if further := arrays.keys() - {"params", "state", *inputs.arrays(), *targets.arrays()}:
                raise ValueError(f"{min(further)} does not belong in it")
            model = build_model(self.spec, tuple(described["input_shape"]), inputs, targets, seed=None)
            model.set_task(Task.from_json(described["task"]))
            for name, vector in {"params": model.network.params.flat, "state": model.network.state.flat}.items():
                if (found := arrays[name]).shape != vector.shape or found.dtype != vector.dtype:
                    raise ValueError(f"{name} is {found.dtype} of shape {found.shape}")
                vector[...] = found
        except (KeyError, TypeError, ValueError, SpecnetError) as error:
            raise RunError(f"{path} does not fit the run's spec: {error}") from error
        self.described = described
        return model

    @property
    def name(self) -> str:
        """The spec's name."""
        return self.spec.name

    @property
    def dataset(self) -> Dataset:
        """The dataset that the spec names."""
        return self.spec.dataset

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the class numbers, if the dataset has them."""
        return tuple(self.described["classes"])

    @property
    def input_names(self) -> tuple[str, ...]:
        """Names of the input columns, if the dataset has them."""
        return tuple(self.described["input_names"])

    @property
    def transformed_names(self) -> tuple[str, ...]:
        """Names of the columns after transforms; empty if unknown."""
        return self.model.inputs.names()

    @property
    def target_names(self) -> tuple[str, ...]:
        """Names of the target columns, if the dataset has them."""
        return tuple(self.described["target_names"])

    @property
    def task(self) -> Task:
        """The task of the network: numbers, or classes with their names."""
        return Task.from_json(self.described["task"])

    @property
    def params(self) -> Mapping[str, np.ndarray]:
        """Parameters by name, such as `layers.0.weight`."""
        return self.model.network.params

    @property
    def layers(self) -> Sequence[Layer]:
        """The layers of the network, built."""
        return self.model.network.layers

    def look_inside(
        self, inputs: np.ndarray, wanted: Mapping[str, str], mask: np.ndarray | None = None
    ) -> dict[str, np.ndarray]:
        """Return an attribute of each of some layers as a forward pass leaves it; see `Model.look_inside`."""
        with self.in_turn():
            return self.model.look_inside(inputs, wanted, mask)

    def input_gradient(self, inputs: np.ndarray, outputs: np.ndarray, mask: np.ndarray | None = None) -> np.ndarray:
        """Return the gradient of an output of each sample by the transformed inputs; see `Model.input_gradient`."""
        with self.in_turn():
            return self.model.input_gradient(inputs, outputs, mask)

    def portable_spec(self) -> Any:
        """Return the resolved spec as JSON, with the names of its files instead of their paths."""
        document = self.spec.to_json()
        for pointer, part in parts(self.spec):
            if isinstance(part, DataFile):
                *places, key = pointer
                value: Any = document
                for place in places:
                    value = value[place]
                value[key] = Path(part).name
        return document

    @property
    def reader(self) -> Reader:
        """How samples from Python are read."""
        return Reader(self.dataset, self.input_names, self.target_names, self.classes)

    def predict(self, inputs: Any, mask: np.ndarray | None = None) -> np.ndarray:
        """Return predictions (n, ...) for raw inputs (n, ...), an array or a data frame with the dataset's columns.

        Probabilities if the loss is on logits; in the dataset's units if targets were transformed. A `mask` (n, time)
        of bool is True at the positions of sequences that count; by default it follows from the dataset's
        padding value.

        Raises:
            DataError: if the inputs are not rows of real numbers of one shape, columns are missing, or the mask does
                not match.
        """
        array = number_array(self.reader.read_inputs(inputs), "inputs")
        mask = self.dataset.mask_of(array) if mask is None else np.asarray(mask)
        check_weights("given", Samples(array, array, mask=mask))
        with self.in_turn():
            return self.model.predict(array, mask)

    def evaluate(
        self, data: Any, targets: Any = None, weight: np.ndarray | None = None, mask: np.ndarray | None = None
    ) -> dict[str, float]:
        """Return loss and metrics on inputs and targets, arrays or a data frame that may contain the targets.

        Targets may be names of classes. `weight` (n,) and `mask` (n, time) are as in `specnet.Samples`, which may
        replace all four.

        Raises:
            DataError: if they are not what the network was trained on.
        """
        if not isinstance(data, (Samples, StreamedSamples)):
            data = self.reader.read_samples(Given(data, targets, weight, mask))
        if isinstance(data, Samples) and data.mask is None:
            data = data._replace(mask=self.dataset.mask_of(data.inputs))
        with self.in_turn():
            return self.model.evaluate(data)

    @contextmanager
    def in_turn(self) -> Iterator[None]:
        """Keep other threads from using the network at the same time."""
        with ONE_AT_A_TIME:
            yield
