"""Checks of layers: the contract of `specnet.layers.base.Layer`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

import numpy as np

from specnet.kernels.base import KernelSet, Textbook
from specnet.layers.base import Layer, walk
from specnet.task import Shape
from specnet.testing.claims import ClaimChecks
from specnet.testing.comparison import DTYPES, DType, Results, overwritten, unequal
from specnet.testing.core import Problems, checker, examine_situations
from specnet.testing.gradient import find_mismatch
from specnet.testing.outcome import Outcome
from specnet.testing.trial import BATCH_ROWS, DX, GRADS, INFERENCE, Inputs, TestedLayer

_SHAPES: tuple[Shape, ...] = ((5,), (1,), (4, 3), (6, 5, 2), ())
"""Shapes of inputs that are tried by default."""


class LayerChecks(ClaimChecks):
    """A layer that gets inputs of one shape."""

    first = 4

    def results(self, dtype: DType) -> Results:
        trial = self.trial(dtype)
        before, step = trial.saved()["streams"], trial.step()
        drawn = trial.saved()["streams"] != before  # random numbers may depend on the dtype
        return trial.infer() | ({} if drawn else step)

    def all_results(self) -> Iterator[tuple[str, DType, Results]]:
        for dtype, rows in product(DTYPES, (BATCH_ROWS, 1, 40)):
            trial = TestedLayer(self, dtype, rows)
            found, saved = trial.infer() | trial.step(), trial.saved()
            streams = np.array(list(map(str, saved["streams"].values())), "U")
            yield f"{dtype}, {rows} samples", dtype, found | {"running state": saved["state"], "generators": streams}

    def outputs_and_gradients_can_be_computed(self) -> Problems:
        """Forward and backward return arrays."""
        trial = TestedLayer(self)
        if trial.has_dx and trial.drawn.kind in "iu":
            yield 'example_inputs are whole numbers, which a network converts to its dtype: set takes = "whole"'
        y: Any = trial.forward()
        if isinstance(y, np.ndarray):
            y = trial.backward(y)
        if not isinstance(y, np.ndarray):
            yield f"forward or backward returns {type(y).__name__}, not an array"

    def outputs_and_gradients_are_finite(self) -> Problems:
        """No number is infinite or missing."""
        trial = TestedLayer(self)
        for name, array in (trial.step() | trial.infer()).items():
            if not (finite := np.isfinite(array)).all():
                why = "if the layer takes other inputs, its example_inputs should return them"
                wrong = array[~finite]
                yield f"of {name} {wrong.size} are not finite, such as {wrong[0]}: {why}"

    def inputs_and_parameters_are_left_alone(self) -> Problems:
        """Forward and backward do not write to x and parameters; backward may overwrite dy."""
        trial = TestedLayer(self)
        arrays = {"inputs": trial.x, "parameters": trial.network.params.flat}
        for training in (False, True):
            yield from overwritten("forward", arrays, lambda: trial.forward(training=training))  # noqa: B023
        y = trial.forward()
        yield from overwritten("backward", arrays, lambda: trial.backward(y))

    def from_the_same_state_a_step_is_the_same(self) -> Problems:
        """Results depend only on inputs, parameters, declared state and `self.rng`, which a run can restore."""
        trial, expected = TestedLayer(self), TestedLayer(self).step()
        for when in ("by another instance", "in a second step"):
            for problem in self.compare(f"change {when}", trial.step(), expected):
                yield f"{problem}; are random numbers not from self.rng, or is something remembered?"

    def build_allocates_nothing(self) -> Problems:
        """Build only declares shapes: the network allocates the arrays."""
        for _, inner in walk(self.stack().layers[0], "layer"):
            for name, value in vars(inner).items():
                if isinstance(value, np.ndarray):
                    yield f"build sets {name} to an array of shape {value.shape}: declare it, or make it in forward"

    def outputs_have_the_declared_shape(self) -> Problems:
        """Outputs have the shape that build returns, for any batch."""
        trial = TestedLayer(self)
        for training, rows in product((True, False), (BATCH_ROWS, 1)):
            shape, declared = trial.forward(trial.x[:rows], training).shape, (rows, *trial.network.output_shape)
            if shape != declared:
                yield f"outputs have shape {shape}; build declares {declared}, the batch in front"

    def gradients_of_inputs_have_the_shape_of_inputs(self) -> Problems:
        """Backward returns dx, in the shape of x."""
        trial = TestedLayer(self)
        if (shape := trial.step()[DX].shape) != trial.x.shape:
            yield f"backward returns shape {shape}, inputs have shape {trial.x.shape}"

    def the_dtype_stays(self) -> Problems:
        """float32 stays float32, and float64 stays float64."""
        for dtype in DTYPES:
            trial = TestedLayer(self, dtype)
            found = {f"forward, training {training}": trial.forward(training=training) for training in (False, True)}
            for method, array in (found | {"backward": trial.step()[DX]}).items():
                if array.dtype != dtype:
                    yield f"{method}: {dtype} becomes {array.dtype}"

    def gradients_of_inputs_agree_with_central_differences(self) -> Problems:
        """Backward returns the derivative with respect to each number of x, unless inputs are whole numbers."""
        for rows in (BATCH_ROWS, 1):
            trial = TestedLayer(self, rows=rows)
            dx = trial.step()[DX]
            if trial.has_dx:
                yield from _mismatches(trial, "x", trial.x, dx)

    def gradients_of_parameters_agree_with_central_differences(self) -> Problems:
        """Backward writes the derivative with respect to each number of each parameter."""
        for rows in (BATCH_ROWS, 1):
            trial = TestedLayer(self, rows=rows)
            trial.step()
            grads = {name: trial.network.grads[full].copy() for name, full in trial.parameters.items()}
            for name, full in trial.parameters.items():
                yield from _mismatches(trial, name, trial.network.params[full], grads[name])

    def gradients_are_overwritten_not_added(self) -> Problems:
        """After a second backward, gradients are those of the second."""
        trial, found = TestedLayer(self), []
        for before in (0.0, 7.0):
            trial.network.grads.flat[...] = before
            trial.backward(trial.forward().copy())
            found.append({name: trial.network.grads[full].copy() for name, full in trial.parameters.items()})
        for name, clean in found[0].items():
            wrong = found[1][name] != clean
            if wrong.any():
                place = tuple(map(int, np.argwhere(wrong)[0]))
                never = "" if clean[place] else ", and is never written"
                told = f"{found[1][name][place]:.6g} if it was 7 before, {clean[place]:.6g} if it was 0 before{never}"
                yield f"gradient of {name}{list(place)} is {told}"

    def where_dx_is_not_needed_gradients_are_the_same(self) -> Problems:
        """The lowest trained layer of a network may leave out dx, but nothing else."""
        trial = TestedLayer(self)
        grads = trial.step()[GRADS]
        trial.network.grads.flat[...] = 0.0
        trial.network.stack.set_needs_dx(False)
        trial.network.backpropagate(trial.upstream(trial.forward()))
        if text := unequal(trial.network.grads.flat, grads):
            yield f"if self.needs_dx is False, gradients change: {text}"

    def outputs_stay_until_the_next_forward(self) -> Problems:
        """The loss, the next layer and the metrics read y after this layer's backward."""
        trial = TestedLayer(self)
        y = trial.forward()
        yield from overwritten("backward", {"the outputs": y}, lambda: trial.backward(y))

    def buffers_are_written_before_they_are_read(self) -> Problems:
        """Results do not depend on what an earlier step has left in an array of `self.buffer`."""
        trial = TestedLayer(self)
        plain = trial.step()
        for layer in trial.network.named.values():
            for memory in layer.buffers.memory.values():
                memory[...] = 255  # NaN, in either precision
        yield from self.compare("change if buffers hold other numbers before a step", trial.step(), plain)

    def inference_is_deterministic_and_changes_nothing(self) -> Problems:
        """Without `training`, outputs depend on inputs alone; state and generators do not change."""
        trial = TestedLayer(self)
        trial.forward()
        before = trial.saved()
        first, second = (trial.network.propagate(trial.x, training=False).copy() for _ in range(2))
        if text := unequal(trial.network.state.flat, before["state"], 0.0):
            yield f"running state changes: {text} before"
        if text := unequal(second, first, 0.0):
            yield f"outputs of the same inputs change: {text}"
        if trial.saved()["streams"] != before["streams"]:
            yield "random numbers are drawn"

    def in_inference_each_sample_is_computed_by_itself(self) -> Problems:
        """Without `training` the outputs of a sample are the same alone as in a batch."""
        trial = TestedLayer(self)
        whole = trial.infer()[INFERENCE]
        for row in range(min(len(whole), len(trial.x))):
            if text := unequal(trial.forward(trial.x[row : row + 1], training=False)[0], whole[row]):
                yield f"outputs of row {row} alone, against those in a batch: {text}"

    def a_layer_remembers_only_what_a_run_saves(self) -> Problems:
        """A layer with the restored parameters, declared state and generators of another continues as that one."""
        used, restored = TestedLayer(self, rows=3 * BATCH_ROWS), TestedLayer(self, rows=3 * BATCH_ROWS)
        for x in np.split(used.x, 3):
            used.proceed(x)
        restored.network.params.flat[...] = used.network.params.flat
        restored.restore(used.saved())
        x = used.x[:BATCH_ROWS]
        found, expected = (
            {INFERENCE: trial.network.propagate(x, training=False).copy(), **trial.proceed(x)}
            for trial in (restored, used)
        )
        for problem in self.compare("change", found, expected):
            why = "is something remembered that build does not declare by declare_state?"
            yield f"restored after 3 steps, {problem}; {why}"

    def declared_arrays_stay_those_of_the_network(self) -> Problems:
        """Parameters, gradients and running state are changed in place: other arrays are not trained or saved."""
        network = (trial := TestedLayer(self)).network
        trial.step()
        for name, layer in network.named.items():
            for prefix, holder, declared, vectors in (
                ("", layer, layer.parameters, network.params),
                ("grad.", layer.grad, layer.parameters, network.grads),
                ("", layer, layer.states, network.state),
            ):
                for array in (each.name for each in declared):
                    if getattr(holder, array) is not vectors[f"{name}.{array}"]:
                        yield f"self.{prefix}{array} is another array after a step: write self.{prefix}{array}[...] ="


def _mismatches(trial: TestedLayer, name: str, values: np.ndarray, gradient: np.ndarray) -> Iterator[str]:
    """Yield where a gradient is wrong, if it has the shape of the values."""
    y = trial.forward()
    dy = trial.upstream(y)
    if gradient.shape != values.shape:  # reported by another claim
        return
    terms, rng, rows = float(np.abs(dy * y).sum()), np.random.default_rng(2), len(trial.x)
    if found := find_mismatch(lambda: float(np.sum(dy * trial.forward())), values, gradient, terms, rng):
        yield ("in a batch of 1, " if rows == 1 else "") + found.show(name, rows)


def situations(
    layer: Layer, shapes: Sequence[Shape], inputs: Inputs | None = None, kernels: type[KernelSet] = Textbook
) -> list[LayerChecks]:
    """Return a layer with inputs of each of these shapes."""
    return [LayerChecks(layer, f"inputs of shape {shape}", shape, inputs, kernels=kernels) for shape in shapes]


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
    yield from examine_situations(situations(layer, shapes or _SHAPES, inputs, kernels), refuse=not shapes)
