"""Checks of what a layer's class declares: its axes, outputs, masks and operations."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from specnet.errors import ShapeError
from specnet.layers.base import Activation, Layer, walk
from specnet.layers.stack import Stack, outputs_of
from specnet.task import Shape
from specnet.testing.base import Checks, Problems
from specnet.testing.comparison import CLOSE, LEAST, DType, unequal
from specnet.testing.layer_setup import BATCH_ROWS, DX, GRADS, Inputs, LayerSetup, Y


@dataclass(frozen=True)
class DeclarationChecks(Checks[Layer]):
    """A layer with inputs of one shape, drawn by `inputs`, or else by its own `example_inputs`."""

    shape: Shape
    inputs: Inputs | None = None
    accepted = "it takes inputs, and refuses others by a ShapeError"
    refusal = ShapeError
    first = 2
    dtypes = True
    saved_after = (3,)
    rounding = CLOSE

    def accept(self) -> object:
        return self.stack()

    def stack(self) -> Stack:
        """Return the layer, connected to its inputs."""
        stack = Stack([self.component], ("layers",), "layers")
        stack.build(self.shape)
        return stack

    def setup(self, dtype: DType = "float64", rows: int = 0, **fields: Any) -> LayerSetup:
        return LayerSetup(self, dtype, rows or BATCH_ROWS)

    def least(self, name: str) -> float:
        return 2.0 if name == DX else LEAST  # where dx vanishes it is a difference of numbers as large as dy

    def applies(self, claim: str) -> bool:
        return super().applies(claim) and {
            "outputs_match_the_declared_output": outputs_of([self.component], None) is not None,
            "each_output_is_a_function_of_one_input": isinstance(self.component, Activation),
            "masked_positions_change_nothing": type(self.component).mask != "refuse",
        }.get(claim, True)

    def its_attributes_are_valid(self) -> Problems:
        """`axes`, `mask`, `takes` and `output` have allowed values, and `flops` returns a whole number."""
        setup = self.setup()
        layer = setup.component
        axes, names = type(layer).axes, [axis for axis in type(layer).axes if axis is not ...]
        if not isinstance(axes, tuple) or ... in axes[1:] or any(not isinstance(name, str) for name in names):
            yield f"axes is {axes!r}: expected a tuple of names, where the first may be ... for any number of axes"
        if len(set(names)) < len(names):
            yield f"axes is {axes!r}: two axes have the same name"
        if type(layer).mask not in ("refuse", "keep", "use"):
            yield f"mask is {type(layer).mask!r}, not one of refuse, keep, use"
        if layer.takes not in ("numbers", "whole"):
            yield f'takes is {layer.takes!r}, not "numbers" or "whole"'
        if layer.output not in ("numbers", "probabilities", "same", None):
            yield f'output is {layer.output!r}, not "numbers", "probabilities", "same" or None'
        setup.forward()
        if layer.mask_out() is not None and type(layer).mask_out is Layer.mask_out:
            yield "self.mask is set in forward, but it is the mask of the inputs: use another name for yours"
        flops = layer.flops()
        if not isinstance(flops, (int, np.integer)) or flops < 0:
            yield f"flops returns {flops!r}, expected a number of operations"

    def outputs_match_the_declared_output(self) -> Problems:
        """Probabilities are from 0 to 1 for any inputs; an activation with only such outputs declares them."""
        setup, inside = self.setup(rows=20), list[bool]()
        declared = outputs_of([setup.component], None)
        any_number = setup.has_dx and type(setup.component).example_inputs is Layer.example_inputs
        for training, scale in product((False, True), (1, 30) if any_number else (1,)):
            y = setup.forward(setup.x * scale, training)
            outside = y[~((y >= 0) & (y <= 1))]
            inside.append(not outside.size)
            if declared == "probabilities" and outside.size:
                yield f"an output is {outside[0]:.6g}, but output declares them as probabilities"
        if declared == "numbers" and isinstance(setup.component, Activation) and all(inside):
            yield 'all outputs are from 0 to 1: set output = "probabilities", or output = None'

    def each_output_is_a_function_of_one_input(self) -> Problems:
        """An activation has no parameters, and outputs change their order as the inputs do."""
        setup = self.setup()
        y = setup.forward().copy()
        if setup.parameters:
            yield "an activation has parameters"
        elif y.shape != setup.x.shape:
            yield f"inputs have shape {setup.x.shape}, outputs {y.shape}"
        else:
            order = np.random.default_rng(4).permutation(y.size)
            turned = setup.forward(setup.x.reshape(-1)[order].reshape(y.shape))
            if text := unequal(turned, y.reshape(-1)[order].reshape(y.shape)):
                yield f"it is not elementwise: for inputs in another order {text}"

    def masked_positions_change_nothing(self) -> Problems:
        """Inputs at masked positions affect neither other outputs nor gradients."""
        setup = self.setup()
        refuses = any(layer.refuses_mask() for _, layer in walk(setup.component, ""))
        if refuses or len(self.shape) < 1 + setup.has_dx or self.shape[0] < 2:  # whole numbers need no features
            return
        rows, time = setup.x.shape[:2]
        lengths = np.resize(range(1, time), rows)  # each sample has at least one position, and one that is masked
        mask = np.arange(time) < lengths[:, np.newaxis]
        others = np.where(mask.reshape(rows, time, *[1] * (setup.x.ndim - 2)), setup.x, setup.x[::-1, ::-1])
        steps = []
        for x in (setup.x, others):
            setup.network.grads.flat[...] = 0.0
            y, mask_out = setup.forward(x, mask=mask).copy(), setup.component.mask_out()
            dy = setup.upstream(y)
            if mask_out is not None:
                if mask_out.shape != y.shape[:2]:
                    yield f"mask_out returns shape {mask_out.shape}, outputs have shape {y.shape}"
                    return
                y[~mask_out] = dy[~mask_out] = 0
            dx = setup.network.backpropagate(dy)
            step = {Y: y, GRADS: setup.network.grads.flat.copy()}
            steps.append(step | ({DX: dx[mask]} if setup.has_dx else {}))
        yield from self.compare("change with other numbers at masked positions", steps[1], steps[0])
