"""Checks of sets of kernels: the contracts of their definitions, and the same numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from importlib import import_module

from specnet import registry
from specnet.component import build, find_class
from specnet.errors import SpecnetError
from specnet.kernels.base import KernelSet, Textbook, find_kernels
from specnet.layers.base import Layer
from specnet.layers.stack import Stack
from specnet.task import Shape
from specnet.testing.comparison import AGREEMENT, Results
from specnet.testing.core import Problems, conclude
from specnet.testing.dispatch import Case, examine, example_cases
from specnet.testing.examples import examples
from specnet.testing.layers import LayerChecks, situations
from specnet.testing.outcome import Outcome
from specnet.testing.trial import TestedLayer

_SHAPES: tuple[Shape, ...] = ((5,), (4, 3))
"""Shapes of the inputs of layers that run together."""


def kernel_cases(name: str) -> Iterator[Case]:
    """Yield a case for each example of each component that a set of kernels replaces.

    All checks of the definition are run with the kernel, and both are compared. If a set has its own `Stack`, every
    layer is tried in it between linear layers.

    Raises:
        ComponentError: if there is no such set, or it cannot be used.
    """
    kernels = find_kernels(name)
    for target in kernels.replaces:
        module, _, attribute = target.partition(":")
        definition = getattr(import_module(module), attribute)
        if definition is Stack:
            yield from _stack_cases(name, kernels)
        else:
            registered = f"{definition.group} {registry.name_of(definition.group, definition)}"
            yield from example_cases(f"{name}, {registered}", examples(definition), kernels=kernels)


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
    yield from examine(chain, shapes=_SHAPES, kernels=kernels)
    yield conclude(
        run_singly_each_layer_leaves_the_outputs_of_others_alone, situations(chain, _SHAPES, kernels=kernels)
    )


def run_singly_each_layer_leaves_the_outputs_of_others_alone(situation: LayerChecks) -> Problems:
    """Layers whose outputs are inspected run one by one, and do not overwrite these outputs."""
    kernel, definition = TestedLayer(situation), TestedLayer(replace(situation, kernels=Textbook))
    for training in (False, True):
        results = list[Results]()
        for trial in (kernel, definition):
            trial.rewind()
            x, outputs = trial.x, {}
            with trial.network.singly():
                for number, layer in enumerate(trial.component.stacks[0].layers):
                    x = layer.forward(x, training)
                    outputs[f"outputs of layer {number}"] = x if trial is kernel else x.copy()
            results.append(outputs)
        found, expected = results
        yield from situation.compare("by the kernel against the definition", found, expected, AGREEMENT["float64"])
