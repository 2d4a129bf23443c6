"""Costs of each layer of a network: parameters, outputs, operations."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from specnet import registry
from specnet.diagnostics import show_value
from specnet.faults import guarded
from specnet.layers.base import Layer, walk
from specnet.layers.merging import Merge
from specnet.task import Shape
from specnet.words import Pointer


@dataclass
class Cost:
    """Cost of one layer of a spec, without layers inside it; all copies of a repeated layer together.

    `parameters` and `outputs` are counts, of one sample for outputs, 0 for a layer with layers inside.
    `flops` are the operations of a forward pass for one sample.
    """

    place: Pointer
    layer: Layer
    output_shape: Shape
    copies: int = 0
    parameters: int = 0
    outputs: int = 0
    flops: int = 0


def describe_layer(layer: Layer) -> str:
    """Return the type of a layer, with its name and those of the layers that it takes outputs or parameters of.

    >>> describe_layer(build("layers", {"type": "linear", "name": "decoder", "share": "encoder", "transpose": True}))
    'linear "decoder", shares "encoder" transposed'
    """
    text = registry.name_of("layers", type(layer)) + (f' "{layer.name}"' if layer.name else "")
    if isinstance(layer, Merge):
        text += f" of {', '.join(map(show_value, layer.from_))}"
    if share := getattr(layer, "share", None):
        text += f', shares "{share}"' + " transposed" * getattr(layer, "transpose", False)
    return text


def layer_costs(layers: Sequence[Layer]) -> list[Cost]:
    """Return the costs of built layers and of each layer inside them, in the order of the spec."""
    costs: dict[Pointer, Cost] = {}
    for layer in layers:
        for _, inner in walk(layer, ""):
            cost = costs.setdefault(inner.place, Cost(inner.place, inner, inner.output_shape))
            cost.copies += 1
            cost.parameters += sum(math.prod(parameter.shape) for parameter in inner.parameters)
            if not any(stack.layers for stack in inner.stacks):
                cost.outputs += math.prod(inner.output_shape)
            with guarded(inner, inner.place, "flops"):
                cost.flops += inner.flops()
    return list(costs.values())
