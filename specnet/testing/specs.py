"""Checks of the components of a spec, on the spec's own data and in its own shapes."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property, partial
from typing import Any

import numpy as np

from specnet.component import Component
from specnet.datasets.base import AnySamples, Data
from specnet.datasets.sampling import evenly_chosen
from specnet.errors import SpecError, SpecnetError
from specnet.layers.base import walk
from specnet.parts import parts
from specnet.runs.trained.building import build_model, load_data, located, pipelines, transform
from specnet.runs.trained.unsaved import UnsavedRun
from specnet.spec.model import Spec
from specnet.spec.plan import make_plan
from specnet.spec.units import last_open, resolve_loaded
from specnet.task import Shape
from specnet.testing.base import registered
from specnet.testing.cases import Case, examine
from specnet.testing.outcomes import Outcome
from specnet.testing.small_runs import cut, train_briefly
from specnet.testing.surroundings import attempt
from specnet.transforms.pipeline import Pipeline
from specnet.words import Pointer, show_pointer

_ROWS = 8
"""Number of samples to try losses and metrics on."""


def spec_cases(spec: Spec) -> Iterator[Case]:
    """Yield a case for each component of a spec, including nested ones, named by its place.

    Raises:
        SpecnetError: if data cannot be loaded, or do not fit transforms and layers.
    """
    known = SpecParts(spec)
    with np.errstate(all="ignore"):
        error = attempt(lambda: known.shapes)
    if isinstance(error, SpecnetError):  # any other is reported by a component's case
        raise error
    for place, part in parts(spec):
        if isinstance(part, Component):
            name = registered(part) or type(part).__name__
            yield Case(f"{show_pointer(place)} {name}", partial(known.examine, place, part))


class SpecParts:
    """A spec's data and network, computed on demand; only some of the samples, as nothing is trained to the end."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec

    @cached_property
    def short(self) -> Spec:
        """The spec with some of its samples, and the units that all of them require."""
        data = load_data(self.spec)
        if last_open(self.spec) is not None:
            samples = transform(self.spec, data)[2]["train"]
            with located(self.spec):
                return cut(resolve_loaded(self.spec, data, samples), data)
        return cut(self.spec, data)

    @cached_property
    def data(self) -> Data:
        """These samples, in the dataset's units."""
        return load_data(self.short)

    @cached_property
    def fitted(self) -> tuple[Pipeline, Pipeline, AnySamples]:
        """Both pipelines, and the transformed training split."""
        inputs, targets, splits = transform(self.short, self.data)
        return inputs, targets, splits["train"]

    @cached_property
    def shapes(self) -> dict[Pointer, Shape]:
        """The shape of the inputs of each layer, by its place; for copies that of the first."""
        inputs = self.fitted[2].inputs
        with located(self.spec):
            plan = make_plan(self.short, inputs.shape[1:], len(inputs))
            if plan.mistakes:
                raise SpecError(plan.mistakes)
        shapes: dict[Pointer, Shape] = {}
        for outer in plan.layers:
            for _, layer in walk(outer, ""):
                shapes.setdefault(layer.place, layer.input_shape)
        return shapes

    @cached_property
    def short_run(self) -> UnsavedRun:
        """A short run of the spec."""
        return train_briefly(self.short)

    @cached_property
    def answers(self) -> dict[str, dict[str, Any]]:
        """Outputs of the untrained network for some samples, and their targets, as losses and metrics take them."""
        inputs, targets, samples = self.fitted
        model = build_model(self.short, samples.inputs.shape[1:], inputs, targets, self.short.seed)
        some, raw = (evenly_chosen(each, _ROWS) for each in (samples, self.data.train))
        y, _ = model.outputs(model.prepare_inputs(some.inputs), some.mask)
        return {
            "losses": {"outputs": y, "targets": some.targets},
            "metrics": {"predictions": model.interpret(y), "targets": raw.targets},
        }

    def examine(self, place: Pointer, component: Component) -> Iterator[Outcome]:
        """Yield the outcome of each check of the component at a place in the spec, in its situation there."""
        situation: dict[str, Any] = {}
        match component.group:
            case "datasets":
                situation = {"seed": self.spec.seed}
            case "transforms":
                situation = {"samples": self._samples(str(place[1]), int(place[2]))}
            case "layers" if place in self.shapes:
                inputs = self._rows if place == ("layers", 0) else None
                situation = {"shapes": [self.shapes[place]], "inputs": inputs}
            case "losses" | "metrics" as group:
                situation = self.answers[group]
            case "plots":
                situation = {"runs": {"a short run of this spec": self.short_run}}
        yield from examine(component, **situation)

    def _rows(self, rng: np.random.Generator, shape: Shape) -> np.ndarray:
        """Return the number of rows in `shape` of the network's inputs."""
        samples, count = self.fitted[2], shape[0]
        rows = rng.choice(len(samples.inputs), count, replace=count > len(samples.inputs))
        return np.asarray(samples.select(np.sort(rows)).inputs[:])

    def _samples(self, which: str, number: int) -> np.ndarray:
        """Return training samples after the transforms before this one."""
        x: np.ndarray = getattr(self.data.train, which)[:]
        chosen = pipelines(self.short)[which == "targets"].transforms[:number]
        for each in chosen:
            each.fit(x)
            x = each.apply(x)
        return x
