"""Checks of sets of kernels: all that their definitions promise, and the same numbers."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from importlib import import_module

from specnet import registry
from specnet.component import build, find_class
from specnet.errors import SpecnetError
from specnet.kernels.base import KernelSet, find_kernels
from specnet.layers.base import Layer, Shape
from specnet.layers.stack import Stack
from specnet.testing.dispatch import Case, examine
from specnet.testing.examples import examples, show_fields
from specnet.testing.layers import examine_layer
from specnet.testing.outcome import Outcome, Problems, make
from specnet.testing.trial import AGREEMENT, LayerSubject, Trial, unequal

SHAPES: tuple[Shape, ...] = ((5,), (4, 3))
"""Shapes of the inputs of layers that are run together."""


def kernel_cases(name: str) -> Iterator[Case]:
    """Yield a case for each example of each component that a set of kernels replaces.

    The whole suite of the definition is run on the kernel, and both compute the same. Where a set has a `Stack` of its
    own, every layer is tried in it between linear ones.

    Raises:
        ComponentError: if there is no such set, or it cannot be used.
    """
    kernels = find_kernels(name)
    for target in kernels.replaces:
        module, _, attribute = target.partition(":")
        definition = getattr(import_module(module), attribute)
        if definition is Stack:
            yield from _stack_cases(name, kernels)
            continue
        for component in examples(definition):
            fields = component.model_dump(mode="json", by_alias=True, exclude_unset=True)
            shown = f" {show_fields(fields)}" if fields else ""
            registered = f"{component.group} {registry.name_of(component.group, definition)}"
            yield Case(f"{name}, {registered}{shown}", partial(examine, component, kernels=kernels))


def _stack_cases(name: str, kernels: type[KernelSet]) -> Iterator[Case]:
    linear = {"type": "linear", "units": 4}
    for layer in registry.claims("layers"):
        try:
            fields = examples(find_class("layers", layer))[0].model_dump(mode="json", by_alias=True)
        except SpecnetError:  # it cannot be used
            continue
        example = {"type": layer, **fields}
        chain = build("layers", {"type": "repeat", "times": 1, "layers": [linear, example, linear, example]})
        assert isinstance(chain, Layer)
        yield Case(f"{name}, linear and {layer} one after the other", partial(_examine_chain, chain, kernels))


def _examine_chain(chain: Layer, kernels: type[KernelSet]) -> Iterator[Outcome]:
    yield from examine_layer(chain, SHAPES, kernels=kernels)
    subjects = [LayerSubject(chain, shape, kernels=kernels) for shape in SHAPES]
    yield make(singly_each_layer_leaves_the_outputs_of_the_others, subjects)


def singly_each_layer_leaves_the_outputs_of_the_others(subject: LayerSubject) -> Problems:
    """Where somebody looks between layers, they are run one by one, and what they return stays."""
    kernel, definition = Trial(subject), Trial(LayerSubject(subject.component, subject.shape))
    for training in (False, True):
        found = []
        for trial in (kernel, definition):
            trial.rewind()
            with trial.network.singly():
                x, outputs = trial.x, []
                for layer in trial.layer.stacks[0].layers:
                    x = layer.forward(x, training)
                    outputs.append(x if trial is kernel else x.copy())
            found.append(outputs)
        for number, (y, expected) in enumerate(zip(*found, strict=True)):
            if text := unequal(y, expected, AGREEMENT["float64"]):
                yield f"outputs of layer {number}: {text} by the definition"
                return
