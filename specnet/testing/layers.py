"""Checks of layers: what `specnet.layers.base.Layer` promises of every one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise, product
from typing import Any

import numpy as np

from specnet.errors import ShapeError
from specnet.kernels.base import KernelSet, Textbook
from specnet.layers.base import Layer, Shape, walk
from specnet.layers.stack import Stack
from specnet.testing.checks import Problems, checker, outcomes
from specnet.testing.claims import ClaimChecks
from specnet.testing.comparison import AGREEMENT, DTYPES, SINGLE, unequal, written
from specnet.testing.gradient import find_mismatch
from specnet.testing.memory import grown
from specnet.testing.outcome import Outcome, concluded
from specnet.testing.trial import DX, GRADS, INFERENCE, ROWS, Inputs, Trial, Y, differing

SHAPES: tuple[Shape, ...] = ((5,), (1,), (4, 3), (6, 5, 2), ())
"""Default shapes of inputs to try."""


class LayerChecks(ClaimChecks):
    """A layer that gets inputs of one shape."""

    first = 4

    def outputs_and_gradients_can_be_computed(self) -> Problems:
        """Forward and backward return arrays."""
        trial = Trial(self)
        if trial.has_dx and trial.drawn.kind in "iu":
            yield 'example_inputs are whole numbers, which a network converts to its dtype: set takes = "whole"'
        y: Any = trial.forward()
        if isinstance(y, np.ndarray):
            y = trial.backward(y)
        if not isinstance(y, np.ndarray):
            yield f"forward or backward returns {type(y).__name__}, not an array"

    def outputs_and_gradients_are_finite(self) -> Problems:
        """No number is infinite or missing."""
        trial = Trial(self)
        for what, array in (trial.step() | trial.infer()).items():
            if not (finite := np.isfinite(array)).all():
                why = "if the layer takes other inputs, its example_inputs should give them"
                wrong = array[~finite]
                yield f"of {what} {wrong.size} are not finite, such as {wrong[0]}: {why}"

    def inputs_and_parameters_are_left_alone(self) -> Problems:
        """Forward and backward only read x and parameters; backward may overwrite dy."""
        trial = Trial(self)
        arrays = {"inputs": trial.x, "parameters": trial.network.params.flat}
        for training in (False, True):
            yield from written("forward", arrays, lambda: trial.forward(training=training))  # noqa: B023
        y = trial.forward()
        yield from written("backward", arrays, lambda: trial.backward(y))

    def from_the_same_state_a_step_is_the_same(self) -> Problems:
        """Inputs, parameters, declared state and `self.rng`, which a run can restore, determine the results."""
        trial, expected = Trial(self), Trial(self).step()
        for when in ("by another instance", "in a second step"):
            for problem in differing(f"are others {when}", trial.step(), expected):
                yield f"{problem}; are random numbers from elsewhere than self.rng, or is something remembered?"

    def build_allocates_nothing(self) -> Problems:
        """Build only declares: the network allocates arrays."""
        stack = Stack([self.component], ("layers",), "layers")
        stack.build(self.shape)
        for _, inner in walk(stack.layers[0], "layer"):
            for name, value in vars(inner).items():
                if isinstance(value, np.ndarray):
                    yield f"build sets {name} to an array of shape {value.shape}: declare it, or make it in forward"

    def outputs_have_the_declared_shape(self) -> Problems:
        """Build returns the shape of forward's outputs, for any batch."""
        trial = Trial(self)
        for training, rows in product((True, False), (ROWS, 1)):
            shape, declared = trial.forward(trial.x[:rows], training).shape, (rows, *trial.network.output_shape)
            if shape != declared:
                yield f"outputs have shape {shape}; build declares {declared}, the batch in front"

    def gradients_of_inputs_have_the_shape_of_inputs(self) -> Problems:
        """Backward returns dx, one number for each of x."""
        trial = Trial(self)
        if (shape := trial.step()[DX].shape) != trial.x.shape:
            yield f"backward returns shape {shape}, inputs have shape {trial.x.shape}"

    def the_dtype_stays(self) -> Problems:
        """What is float32 stays float32, and what is float64 stays float64."""
        for dtype in DTYPES:
            trial = Trial(self, dtype)
            found = {f"forward, training {training}": trial.forward(training=training) for training in (False, True)}
            for what, array in (found | {"backward": trial.step()[DX]}).items():
                if array.dtype != dtype:
                    yield f"{what}: {dtype} becomes {array.dtype}"

    def float32_agrees_with_float64(self) -> Problems:
        """Both dtypes give the same numbers, except for rounding. Random numbers may differ."""
        double, single = (Trial(self, dtype) for dtype in DTYPES)
        before = double.saved()["streams"]
        found, expected = single.step(), double.step()
        if double.saved()["streams"] != before:
            found = {}
        yield from differing("of float32 against float64", found | single.infer(), expected | double.infer(), SINGLE)

    def gradients_of_inputs_agree_with_central_differences(self) -> Problems:
        """Backward returns the derivative with respect to each number of x; inputs that are whole numbers have none."""
        for rows in (ROWS, 1):
            trial = Trial(self, rows=rows)
            dx = trial.step()[DX]
            if trial.has_dx:
                yield from _mismatches(trial, "x", trial.x, dx)

    def gradients_of_parameters_agree_with_central_differences(self) -> Problems:
        """Backward writes the derivative with respect to each number of each parameter."""
        for rows in (ROWS, 1):
            trial = Trial(self, rows=rows)
            trial.step()
            grads = {name: trial.network.grads[full].copy() for name, full in trial.parameters.items()}
            for name, full in trial.parameters.items():
                yield from _mismatches(trial, name, trial.network.params[full], grads[name])

    def gradients_are_overwritten_not_added(self) -> Problems:
        """After a second backward, gradients are those of the second alone."""
        trial, found = Trial(self), []
        for before in (0.0, 7.0):
            trial.network.grads.flat[...] = before
            trial.backward(trial.forward().copy())
            found.append({name: trial.network.grads[full].copy() for name, full in trial.parameters.items()})
        for name, clean in found[0].items():
            wrong = found[1][name] != clean
            if wrong.any():
                place = tuple(map(int, np.argwhere(wrong)[0]))
                what = "was 0 before" if clean[place] else "was 0 before, and is never written"
                told = f"{found[1][name][place]:.6g} if it was 7 before, {clean[place]:.6g} if it {what}"
                yield f"gradient of {name}{list(place)} is {told}"

    def where_dx_is_not_needed_gradients_are_the_same(self) -> Problems:
        """The lowest trained layer of a network may skip dx, and nothing else."""
        trial = Trial(self)
        grads = trial.step()[GRADS]
        trial.network.grads.flat[...] = 0.0
        trial.network.stack.set_needs_dx(False)
        trial.network.backpropagate(trial.upstream(trial.forward()))
        if text := unequal(trial.network.grads.flat, grads):
            yield f"if self.needs_dx is False, gradients are others: {text}"

    def outputs_stay_until_the_next_forward(self) -> Problems:
        """The loss, the next layer and the metrics read y after this layer's backward."""
        trial = Trial(self)
        y = trial.forward()
        yield from written("backward", {"the outputs": y}, lambda: trial.backward(y))

    def buffers_are_written_before_they_are_read(self) -> Problems:
        """The content of an array of `self.buffer` from an earlier step is not used."""
        trial = Trial(self)
        plain = trial.step()
        for layer in trial.network.named.values():
            for memory in layer.buffers.memory.values():
                memory[...] = 255  # NaN, in either precision
        yield from differing("change if buffers hold other numbers before a step", trial.step(), plain)

    def a_batch_is_computed_as_by_a_fresh_layer(self) -> Problems:
        """Earlier batches, of any size, affect only parameters, running state and random numbers."""
        used = Trial(self, rows=5)
        for before, rows in pairwise((5, 2, 1, 5, 3)):
            used.step()
            used.step(used.x[:before][::-1].copy())
            fresh = Trial(self, rows=5)
            told = f"of {rows} samples after a batch of {before} against those by a fresh layer"
            yield from differing(told, used.step(used.x[:rows]), fresh.step(fresh.x[:rows]))
        yield from self.changed_fields(used.layer)

    def inference_is_deterministic_and_changes_nothing(self) -> Problems:
        """Without `training`, the same inputs give the same outputs; state and random numbers do not change."""
        trial = Trial(self)
        trial.forward()
        before = trial.saved()
        first, second = (trial.network.propagate(trial.x, training=False).copy() for _ in range(2))
        if text := unequal(trial.network.state.flat, before["state"], 0.0):
            yield f"running state changes: {text} before"
        if text := unequal(second, first, 0.0):
            yield f"the same inputs give other outputs: {text}"
        if trial.saved()["streams"] != before["streams"]:
            yield "random numbers are drawn"

    def in_inference_each_sample_is_computed_for_itself(self) -> Problems:
        """Without `training`, a sample has the same outputs alone as in a batch."""
        trial = Trial(self)
        whole = trial.infer()[INFERENCE]
        for row in range(min(len(whole), len(trial.x))):
            if text := unequal(trial.forward(trial.x[row : row + 1], training=False)[0], whole[row]):
                yield f"outputs of row {row} alone, against those in a batch: {text}"

    def what_a_run_saves_is_all_that_a_layer_remembers(self) -> Problems:
        """A layer with the parameters, declared state and random numbers of another continues like that one."""
        used, restored = Trial(self, rows=3 * ROWS), Trial(self, rows=3 * ROWS)
        for x in np.split(used.x, 3):
            used.go_on(x)
        restored.network.params.flat[...] = used.network.params.flat
        restored.restore(used.saved())
        x = used.x[:ROWS]
        found, expected = (
            {INFERENCE: trial.network.propagate(x, training=False).copy(), **trial.go_on(x)}
            for trial in (restored, used)
        )
        for problem in differing("are others", found, expected):
            why = "is something remembered that build does not declare by declare_state?"
            yield f"restored after 3 steps, {problem}; {why}"

    def layers_share_nothing(self) -> Problems:
        """A layer does not affect another of the same class and fields."""
        one, other = Trial(self), Trial(self)
        alone = one.step()
        y = one.forward()
        other.step(other.x[[2, 2, 1]])
        found = {Y: y.copy()}
        one.network.grads.flat[...] = 0.0
        found |= {DX: one.backward(alone[Y]), GRADS: one.network.grads.flat}
        for problem in differing("are others", found, alone):
            yield f"results change if another layer computes in between: {problem}"

    def declared_arrays_stay_those_of_the_network(self) -> Problems:
        """Parameters, gradients and running state are changed in place: other arrays are neither trained nor saved."""
        network = (trial := Trial(self)).network
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

    def its_kernel_agrees_with_the_definition(self) -> Problems:
        """Outputs and gradients differ only in last bits, and the same random numbers are drawn."""
        for dtype, rows in product(DTYPES, (ROWS, 1, 40)):
            kernel, definition = (Trial(each, dtype, rows) for each in (self, replace(self, kernels=Textbook)))
            found, expected = (trial.infer() | trial.step() for trial in (kernel, definition))
            now, then = kernel.saved(), definition.saved()
            if now["streams"] != then["streams"]:
                yield "other random numbers are drawn than by the definition"
            found["running state"], expected["running state"] = now["state"], then["state"]
            told = f"by the kernel against the definition ({dtype}, {rows} samples)"
            yield from differing(told, found, expected, AGREEMENT[dtype])

    def memory_does_not_grow(self) -> Problems:
        """A step only keeps what the next one replaces."""
        yield from grown(Trial(self).step)


def _mismatches(trial: Trial, name: str, values: np.ndarray, gradient: np.ndarray) -> Iterator[str]:
    """Yield where a gradient is wrong, if it has the shape of the values."""
    y = trial.forward()
    dy = trial.upstream(y)
    if gradient.shape != values.shape:  # which another check reports
        return
    terms, rng, rows = float(np.abs(dy * y).sum()), np.random.default_rng(2), len(trial.x)
    if found := find_mismatch(lambda: float(np.sum(dy * trial.forward())), values, gradient, terms, rng):
        yield ("in a batch of 1, " if rows == 1 else "") + found.show(name, rows)


def tried(
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

    Without `shapes` some are tried, except those that its `axes` or `build` refuse. `inputs(rng, shape)` draws inputs,
    the batch axis first; by default the layer's `example_inputs`. `kernels` is the set to compute with.
    """
    taken, problems = list[Shape](), list[str]()
    for shape in shapes or SHAPES:
        try:
            Stack([layer], ("layers",), "layers").build(shape)
            taken.append(shape)
        except (Exception, SystemExit) as error:
            if shapes or not isinstance(error, ShapeError):
                problems.append(f"inputs of shape {shape} are refused: {getattr(error, 'message', error)}")
    if not taken and not problems:
        problems = [f"inputs of the shapes {', '.join(map(str, SHAPES))} are all refused: give shapes that it takes"]
    yield concluded("it takes inputs, and refuses others by a ShapeError", problems)
    yield from outcomes(tried(layer, taken, inputs, kernels))
