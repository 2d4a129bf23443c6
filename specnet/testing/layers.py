"""Checks of layers: the contract of `specnet.layers.base.Layer`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import product
from typing import Any

import numpy as np

from specnet.kernels.base import KernelSet, Textbook
from specnet.layers.base import Layer, walk
from specnet.task import Shape
from specnet.testing.base import MethodCall, Problems
from specnet.testing.comparison import DTYPES, DType, Results, unequal
from specnet.testing.examination import checker, examine_all
from specnet.testing.gradient import find_mismatch
from specnet.testing.layer_declarations import DeclarationChecks
from specnet.testing.layer_setup import BATCH_ROWS, DX, GRADS, INFERENCE, Inputs, LayerSetup
from specnet.testing.outcomes import Outcome

_SHAPES: tuple[Shape, ...] = ((5,), (1,), (4, 3), (6, 5, 2), ())
"""Shapes of inputs that are tried by default."""


class LayerChecks(DeclarationChecks):
    """A layer that computes outputs, and gradients from those of the outputs."""

    def results(self, dtype: DType) -> Results:
        setup = self.setup(dtype)
        before, step = setup.memory()["streams"], setup.step()
        drawn = setup.memory()["streams"] != before  # random numbers may depend on the dtype
        return setup.infer() | ({} if drawn else step)

    def all_results(self) -> Iterator[tuple[str, DType, Results]]:
        for dtype, rows in product(DTYPES, (BATCH_ROWS, 1, 40)):
            setup = self.setup(dtype, rows)
            found, memory = setup.infer() | setup.step(), setup.memory()
            streams = np.array(list(map(str, memory["streams"].values())), "U")
            yield f"{dtype}, {rows} samples", dtype, found | {"running state": memory["state"], "generators": streams}

    def calls(self) -> Iterator[MethodCall]:
        setup = self.setup()
        arrays = {"inputs": setup.x, "parameters": setup.network.params.flat}  # backward may overwrite dy
        for training in (False, True):
            yield "forward", arrays, partial(setup.forward, training=training)
        y = setup.forward()
        yield "backward", arrays | {"the outputs": y}, lambda: setup.backward(y)

    def outputs_and_gradients_can_be_computed(self) -> Problems:
        """Forward and backward return arrays."""
        setup = self.setup()
        if setup.has_dx and setup.drawn.kind in "iu":
            yield 'example_inputs are whole numbers, which a network converts to its dtype: set takes = "whole"'
        y: Any = setup.forward()
        method = "forward"
        if type(y) is np.ndarray:
            method, y = "backward", setup.backward(y)
        if type(y) is not np.ndarray:  # subclasses, such as masked arrays, compute by rules of their own
            missing = ": is a return missing?" if y is None else ""
            yield f"{method} returns {type(y).__name__}, not a NumPy array{missing}"

    def outputs_and_gradients_are_finite(self) -> Problems:
        """No number is infinite or missing."""
        setup = self.setup()
        for name, array in (setup.step() | setup.infer()).items():
            if not (finite := np.isfinite(array)).all():
                why = "if the layer takes other inputs, its example_inputs should return them"
                wrong = array[~finite]
                yield f"of {name} {wrong.size} are not finite, such as {wrong[0]}: {why}"

    def build_allocates_nothing(self) -> Problems:
        """Build only declares shapes: the network allocates the arrays."""
        for _, inner in walk(self.stack().layers[0], "layer"):
            for name, value in vars(inner).items():
                if isinstance(value, np.ndarray):
                    yield f"build sets {name} to an array of shape {value.shape}: declare it, or make it in forward"

    def outputs_have_the_declared_shape(self) -> Problems:
        """Outputs have the shape that build returns, for any batch."""
        setup = self.setup()
        for training, rows in product((True, False), (BATCH_ROWS, 1)):
            shape, declared = setup.forward(setup.x[:rows], training).shape, (rows, *setup.network.output_shape)
            if shape != declared:
                yield f"outputs have shape {shape}; build declares {declared}, the batch in front"

    def gradients_of_inputs_have_the_shape_of_inputs(self) -> Problems:
        """Backward returns dx, in the shape of x."""
        setup = self.setup()
        if (shape := setup.step()[DX].shape) != setup.x.shape:
            yield f"backward returns shape {shape}, inputs have shape {setup.x.shape}"

    def the_dtype_stays(self) -> Problems:
        """float32 stays float32, and float64 stays float64."""
        for dtype in DTYPES:
            setup = self.setup(dtype)
            found = {f"forward, training {training}": setup.forward(training=training) for training in (False, True)}
            for method, array in (found | {"backward": setup.step()[DX]}).items():
                if array.dtype != dtype:
                    yield f"{method}: {dtype} becomes {array.dtype}"

    def gradients_of_inputs_agree_with_central_differences(self) -> Problems:
        """Backward returns the derivative with respect to each number of x, unless inputs are whole numbers."""
        for rows in (BATCH_ROWS, 1):
            setup = self.setup(rows=rows)
            dx = setup.step()[DX]
            if setup.has_dx:
                yield from _mismatches(setup, "x", setup.x, dx)

    def gradients_of_parameters_agree_with_central_differences(self) -> Problems:
        """Backward writes the derivative with respect to each number of each parameter."""
        for rows in (BATCH_ROWS, 1):
            setup = self.setup(rows=rows)
            setup.step()
            grads = {name: setup.network.grads[full].copy() for name, full in setup.parameters.items()}
            for name, full in setup.parameters.items():
                yield from _mismatches(setup, name, setup.network.params[full], grads[name])

    def gradients_are_overwritten_not_added(self) -> Problems:
        """After a second backward, gradients are those of the second."""
        setup, found = self.setup(), []
        for before in (0.0, 7.0):
            setup.network.grads.flat[...] = before
            setup.backward(setup.forward().copy())
            found.append({name: setup.network.grads[full].copy() for name, full in setup.parameters.items()})
        for name, clean in found[0].items():
            wrong = found[1][name] != clean
            if wrong.any():
                place = tuple(map(int, np.argwhere(wrong)[0]))
                never = "" if clean[place] else ", and is never written"
                values = f"{found[1][name][place]:.6g} if it was 7 before, {clean[place]:.6g} if it was 0 before"
                yield f"gradient of {name}{list(place)} is {values}{never}"

    def where_dx_is_not_needed_gradients_are_the_same(self) -> Problems:
        """The lowest trained layer of a network may leave out dx, but nothing else."""
        setup = self.setup()
        grads = setup.step()[GRADS]
        setup.network.grads.flat[...] = 0.0
        setup.network.stack.set_needs_dx(False)
        setup.network.backpropagate(setup.upstream(setup.forward()))
        if text := unequal(setup.network.grads.flat, grads):
            yield f"if self.needs_dx is False, gradients change: {text}"

    def buffers_are_written_before_they_are_read(self) -> Problems:
        """Results do not depend on what an earlier step has left in an array of `self.buffer`."""
        setup = self.setup()
        plain = setup.step()
        for layer in setup.network.named.values():
            for memory in layer.buffers.memory.values():
                memory[...] = 255  # NaN, in either precision
        yield from self.compare("change if buffers hold other numbers before a step", setup.step(), plain)

    def inference_is_deterministic_and_changes_nothing(self) -> Problems:
        """Without `training`, outputs depend on inputs alone; state and generators do not change."""
        setup = self.setup()
        setup.forward()
        before = setup.memory()
        first, second = (setup.network.propagate(setup.x, training=False).copy() for _ in range(2))
        if text := unequal(setup.network.state.flat, before["state"], 0.0):
            yield f"running state changes: {text} before"
        if text := unequal(second, first, 0.0):
            yield f"outputs of the same inputs change: {text}"
        if setup.memory()["streams"] != before["streams"]:
            yield "random numbers are drawn"

    def in_inference_each_sample_is_computed_by_itself(self) -> Problems:
        """Without `training` the outputs of a sample are the same alone as in a batch."""
        setup = self.setup()
        whole = setup.infer()[INFERENCE]
        for row in range(min(len(whole), len(setup.x))):
            if text := unequal(setup.forward(setup.x[row : row + 1], training=False)[0], whole[row]):
                yield f"outputs of row {row} alone, against those in a batch: {text}"

    def declared_arrays_stay_those_of_the_network(self) -> Problems:
        """Parameters, gradients and running state are changed in place: other arrays are not trained or saved."""
        network = (setup := self.setup()).network
        setup.step()
        for name, layer in network.named.items():
            for prefix, holder, declared, vectors in (
                ("", layer, layer.parameters, network.params),
                ("grad.", layer.grad, layer.parameters, network.grads),
                ("", layer, layer.states, network.state),
            ):
                for array in (each.name for each in declared):
                    if getattr(holder, array) is not vectors[f"{name}.{array}"]:
                        yield f"self.{prefix}{array} is another array after a step: write self.{prefix}{array}[...] ="


def _mismatches(setup: LayerSetup, name: str, values: np.ndarray, gradient: np.ndarray) -> Iterator[str]:
    """Yield where a gradient is wrong, if it has the shape of the values."""
    y = setup.forward()
    dy = setup.upstream(y)
    if gradient.shape != values.shape:  # reported by another claim
        return
    terms, rng, rows = float(np.abs(dy * y).sum()), np.random.default_rng(2), len(setup.x)
    if found := find_mismatch(lambda: float(np.sum(dy * setup.forward())), values, gradient, terms, rng):
        yield ("in a batch of 1, " if rows == 1 else "") + found.show(name, rows)


@checker("layers")
def check_layer(
    layer: Layer,
    shapes: Sequence[Shape] | None = None,
    inputs: Inputs | None = None,
    kernels: type[KernelSet] = Textbook,
) -> Iterator[Outcome]:
    """Check a layer, for inputs of these shapes, without the batch axis.

    Without `shapes` some are tried, and those skipped that its `axes` or `build` refuse. `inputs(rng, shape)` draws
    inputs, the batch axis first; by default the layer's `example_inputs`. `kernels` is the set to run.
    """
    tried = [
        LayerChecks(layer, f"inputs of shape {shape}", shape, inputs, kernels=kernels) for shape in shapes or _SHAPES
    ]
    yield from examine_all(tried, refuse=not shapes)
