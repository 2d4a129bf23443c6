"""Checks of sets of kernels: the contracts of their definitions, and the same numbers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from importlib import import_module
from typing import Any

from specnet import registry
from specnet.component import build, find_class
from specnet.errors import ShapeError, SpecnetError
from specnet.kernels.base import KernelSet, Textbook, find_kernels
from specnet.layers.base import Layer
from specnet.layers.merging import Merge
from specnet.layers.stack import Stack
from specnet.task import Shape
from specnet.testing.base import Problems
from specnet.testing.cases import Case, example_cases
from specnet.testing.comparison import AGREEMENT, Results
from specnet.testing.examination import examine_all
from specnet.testing.examples import examples
from specnet.testing.layers import LayerChecks
from specnet.testing.outcomes import Outcome
from specnet.testing.surroundings import attempt


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
            for layer, chain in _chains():
                yield Case(f"{name}, linear and {layer} one after the other", partial(_examine_chain, chain, kernels))
        else:
            registered = f"{definition.group} {registry.name_of(definition.group, definition)}"
            yield from example_cases(f"{name}, {registered}", examples(definition), kernels=kernels)


def _chains() -> Iterator[tuple[str, Any]]:
    """Yield each layer that takes the outputs of a linear one, whatever they are, between linear layers, by name."""
    for layer in registry.claims("layers"):
        with suppress(SpecnetError):
            component = examples(find_class("layers", layer))[0]
            if getattr(component, "takes", "") == "whole" or isinstance(component, Merge):
                continue
            example = {"type": layer, **component.model_dump(mode="json", by_alias=True)}
            linear = {"type": "linear", "units": 4}
            yield layer, build("layers", {"type": "repeat", "times": 1, "layers": [linear, example, linear, example]})


def _examine_chain(chain: Layer, kernels: type[KernelSet]) -> Iterator[Outcome]:
    shapes: tuple[Shape, ...] = ((5,), (4, 3), (6, 5, 2))
    tried = [ChainChecks(chain, f"inputs of shape {each}", each, kernels=kernels) for each in shapes]
    if taken := [each for each in tried if not isinstance(attempt(each.accept), ShapeError)]:
        yield from examine_all(taken)


class ChainChecks(LayerChecks):
    """Layers that a set runs together."""

    def run_singly_each_layer_leaves_the_outputs_of_others_alone(self) -> Problems:
        """Layers whose outputs are inspected run one by one, and do not overwrite these outputs."""
        kernel, definition = self.setup(), replace(self, kernels=Textbook).setup()
        for training in (False, True):
            results = list[Results]()
            for setup in (kernel, definition):
                setup.rewind()
                x, outputs = setup.x, {}
                with setup.network.singly():
                    for number, layer in enumerate(setup.component.stacks[0].layers):
                        x = layer.forward(x, training)
                        outputs[f"outputs of layer {number}"] = x if setup is kernel else x.copy()
                results.append(outputs)
            found, expected = results
            yield from self.compare("by the kernel against the definition", found, expected, AGREEMENT["float64"])
