"""Checks of what a layer's class declares: its axes, outputs, masks and operations."""

from __future__ import annotations

from itertools import product

import numpy as np

from specnet.layers.base import Activation, Layer, outputs_of, walk
from specnet.testing.comparison import unequal
from specnet.testing.core import Problems
from specnet.testing.trial import DX, GRADS, LayerSituation, TestedLayer, Y


class ClaimChecks(LayerSituation):
    """The declarations of a layer."""

    def applies(self, claim: str) -> bool:
        return super().applies(claim) and {
            "outputs_match_the_declared_output": outputs_of([self.component], None) is not None,
            "each_output_is_a_function_of_one_input": isinstance(self.component, Activation),
            "masked_positions_change_nothing": type(self.component).mask != "refuse",
        }.get(claim, True)

    def its_attributes_are_valid(self) -> Problems:
        """`axes`, `mask`, `takes` and `output` have allowed values, and `flops` returns a whole number."""
        trial = TestedLayer(self)
        layer = trial.component
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
        trial.forward()
        if layer.mask_out() is not None and type(layer).mask_out is Layer.mask_out:
            yield "self.mask is set in forward, but it is the mask of the inputs: use another name for yours"
        flops = layer.flops()
        if not isinstance(flops, (int, np.integer)) or flops < 0:
            yield f"flops returns {flops!r}, expected a number of operations"

    def outputs_match_the_declared_output(self) -> Problems:
        """Probabilities are from 0 to 1 for any inputs; an activation with only such outputs declares them."""
        trial, inside = TestedLayer(self, rows=20), list[bool]()
        declared = outputs_of([trial.component], None)
        any_number = trial.has_dx and type(trial.component).example_inputs is Layer.example_inputs
        for training, scale in product((False, True), (1, 30) if any_number else (1,)):
            y = trial.forward(trial.x * scale, training)
            outside = y[~((y >= 0) & (y <= 1))]
            inside.append(not outside.size)
            if declared == "probabilities" and outside.size:
                yield f"an output is {outside[0]:.6g}, but output declares them as probabilities"
        if declared == "numbers" and isinstance(trial.component, Activation) and all(inside):
            yield 'all outputs are from 0 to 1: set output = "probabilities", or output = None'

    def each_output_is_a_function_of_one_input(self) -> Problems:
        """An activation has no parameters, and outputs change their order as the inputs do."""
        trial = TestedLayer(self)
        y = trial.forward().copy()
        if trial.parameters:
            yield "an activation has parameters"
        elif y.shape != trial.x.shape:
            yield f"inputs have shape {trial.x.shape}, outputs {y.shape}"
        else:
            order = np.random.default_rng(4).permutation(y.size)
            turned = trial.forward(trial.x.reshape(-1)[order].reshape(y.shape))
            if text := unequal(turned, y.reshape(-1)[order].reshape(y.shape)):
                yield f"it is not elementwise: for inputs in another order {text}"

    def masked_positions_change_nothing(self) -> Problems:
        """Inputs at masked positions affect neither other outputs nor gradients."""
        trial = TestedLayer(self)
        refuses = any(type(layer).mask == "refuse" for _, layer in walk(trial.component, ""))
        if refuses or len(self.shape) < 1 + trial.has_dx or self.shape[0] < 2:  # whole numbers need no features
            return
        rows, time = trial.x.shape[:2]
        lengths = np.resize(range(1, time), rows)  # each sample has at least one position, and one that is masked
        mask = np.arange(time) < lengths[:, np.newaxis]
        others = np.where(mask.reshape(rows, time, *[1] * (trial.x.ndim - 2)), trial.x, trial.x[::-1, ::-1])
        steps = []
        for x in (trial.x, others):
            trial.network.grads.flat[...] = 0.0
            y, mask_out = trial.forward(x, mask=mask).copy(), trial.component.mask_out()
            dy = trial.upstream(y)
            if mask_out is not None:
                if mask_out.shape != y.shape[:2]:
                    yield f"mask_out returns shape {mask_out.shape}, outputs have shape {y.shape}"
                    return
                y[~mask_out] = dy[~mask_out] = 0
            dx = trial.network.backpropagate(dy)
            step = {Y: y, GRADS: trial.network.grads.flat.copy()}
            steps.append(step | ({DX: dx[mask]} if trial.has_dx else {}))
        yield from self.compare("change with other numbers at masked positions", steps[1], steps[0])
