"""Checks of layers: what `specnet.layers.base.Layer` promises of every one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from specnet.errors import ShapeError
from specnet.kernels.base import KernelSet, Textbook
from specnet.layers.base import Layer, Shape, walk
from specnet.layers.stack import Stack
from specnet.testing.agreement import its_kernel_agrees_with_the_definition
from specnet.testing.claims import claim_checks
from specnet.testing.gradient import find_mismatch
from specnet.testing.memory import grown
from specnet.testing.outcome import Check, Outcome, Problems, concluded, demand_of, outcomes
from specnet.testing.trial import DTYPES, LONG, ROWS, SINGLE, Inputs, LayerSubject, Step, Trial, differing, unequal
from specnet.testing.written import changed_fields, its_JSON_describes_it_in_full

SHAPES: tuple[Shape, ...] = ((5,), (1,), (4, 3), (6, 5, 2), ())
"""Shapes of inputs that are tried where none are given."""


def check_layer(
    layer: Layer | str | dict[str, object], shapes: Sequence[Shape] | None = None, inputs: Inputs | None = None
) -> None:
    """Check that a layer keeps its contract, for inputs of these shapes, without the batch axis.

    Without `shapes` some are tried, and those skipped that its `axes` or `build` refuse. `inputs(rng, shape)` draws
    inputs, the batch axis first; by default the layer's `example_inputs`.

    Raises:
        ConformanceError: naming every check that fails, and why.
    """
    demand_of("layers", layer, lambda built: examine_layer(built, shapes, inputs))


def examine_layer(
    layer: Layer,
    shapes: Sequence[Shape] | None = None,
    inputs: Inputs | None = None,
    kernels: type[KernelSet] = Textbook,
) -> Iterator[Outcome]:
    """Give the outcome of each check of a layer; arguments as in `check_layer`, and the set of kernels."""
    refusals = {shape: _refusal(layer, shape) for shape in shapes or SHAPES}
    problems = [
        f"inputs of shape {shape} are refused: {getattr(error, 'message', error)}"
        for shape, error in refusals.items()
        if error is not None and (shapes or not isinstance(error, ShapeError))
    ]
    taken = [shape for shape, error in refusals.items() if error is None]
    if not taken and not problems:
        tried = ", ".join(map(str, refusals))
        problems = [f"inputs of the shapes {tried} are all refused: give shapes that it takes"]
    yield concluded("it takes inputs, and refuses others by a ShapeError", problems)
    subjects = [LayerSubject(layer, shape, inputs, kernels) for shape in taken]
    if subjects:
        further = [] if kernels is Textbook else [its_kernel_agrees_with_the_definition]
        yield from outcomes(FIRST, [*CHECKS, *claim_checks(layer), *further], subjects, [memory_does_not_grow])


def _refusal(layer: Layer, shape: Shape) -> BaseException | None:
    try:
        Stack([layer], ("layers",), "layers").build(shape)
    except (Exception, SystemExit) as error:
        return error
    return None


def outputs_and_gradients_can_be_computed(subject: LayerSubject) -> Problems:
    """Forward and backward return arrays."""
    trial = Trial(subject)
    if trial.has_dx and trial.drawn.kind in "iu":
        yield 'example_inputs are whole numbers, which a network converts to its dtype: set takes = "whole"'
        return
    y: Any = trial.forward()
    if isinstance(y, np.ndarray):
        y = trial.backward(y)
    if not isinstance(y, np.ndarray):
        yield f"forward or backward returns {type(y).__name__}, not an array"


def outputs_and_gradients_are_finite(subject: LayerSubject) -> Problems:
    """No number is infinite or missing."""
    trial = Trial(subject)
    why = "if the layer takes other inputs, its example_inputs should give them"
    arrays = {LONG[name]: array for name, array in trial.step()._asdict().items()}
    for what, array in {**arrays, "outputs without training": trial.forward(training=False)}.items():
        if not (finite := np.isfinite(array)).all():
            yield f"of {what} {array.size - finite.sum()} are not finite, such as {array[~finite][0]}: {why}"
            return


def build_allocates_nothing(subject: LayerSubject) -> Problems:
    """Build sees shapes and declares: arrays are for the network to make."""
    stack = Stack([subject.component], ("layers",), "layers")
    stack.build(subject.shape)
    for _, inner in walk(stack.layers[0], "layer"):
        for name, value in vars(inner).items():
            if isinstance(value, np.ndarray):
                yield f"build sets {name} to an array of shape {value.shape}: declare it, or make it in forward"


def outputs_have_the_declared_shape(subject: LayerSubject) -> Problems:
    """What build returns is the shape of what forward returns, for any batch."""
    trial = Trial(subject)
    for training in (True, False):
        for rows in (ROWS, 1):
            shape, declared = trial.forward(trial.x[:rows], training).shape, (rows, *trial.network.output_shape)
            if shape != declared:
                yield f"outputs have shape {shape}; build declares {declared}, the batch in front"
                return


def gradients_of_inputs_have_the_shape_of_inputs(subject: LayerSubject) -> Problems:
    """Backward returns dx, one number for each of x."""
    trial = Trial(subject)
    if (shape := trial.step().dx.shape) != trial.x.shape:
        yield f"backward returns shape {shape}, inputs have shape {trial.x.shape}"


def the_dtype_stays(subject: LayerSubject) -> Problems:
    """What is float32 stays float32, and what is float64 stays float64."""
    for dtype in DTYPES:
        trial = Trial(subject, dtype)
        found = {f"forward, training {training}": trial.forward(training=training).dtype for training in (False, True)}
        found["backward"] = trial.step().dx.dtype
        for what, each in found.items():
            if each != trial.dtype:
                yield f"{what}: {dtype} becomes {each}"
                return


def float32_agrees_with_float64(subject: LayerSubject) -> Problems:
    """Both dtypes give the same numbers, but for rounding. Random numbers may be others."""
    for training in (False, True):
        double, single = (Trial(subject, dtype) for dtype in DTYPES)
        states = double.streams()
        y = {trial.dtype.name: trial.forward(training=training).copy() for trial in (double, single)}
        if training and double.streams() != states:
            return
        if text := unequal(y["float32"], y["float64"], SINGLE):
            yield f"outputs of float32 against float64: {text}"
            return
    dy = float(np.abs(double.upstream(y["float64"])).max())  # where dx vanishes it is a difference of such numbers
    for what, text in differing(single.step(), double.step(), SINGLE, dy).items():
        yield f"{what} of float32 against float64: {text}"


def gradients_of_inputs_agree_with_central_differences(subject: LayerSubject) -> Problems:
    """Backward returns the derivative with respect to each number of x; inputs that are whole numbers have none."""
    for rows in (ROWS, 1):
        trial = Trial(subject, rows=rows)
        dx = trial.step().dx
        if trial.has_dx and (found := [*_mismatch(trial, "x", trial.x, dx)]):
            yield from found
            return


def gradients_of_parameters_agree_with_central_differences(subject: LayerSubject) -> Problems:
    """Backward writes the derivative with respect to each number of each parameter."""
    for rows in (ROWS, 1):
        trial = Trial(subject, rows=rows)
        trial.step()
        grads = {name: trial.network.grads[full].copy() for name, full in trial.parameters.items()}
        found = [
            text
            for name, full in trial.parameters.items()
            for text in _mismatch(trial, name, trial.network.params[full], grads[name])
        ]
        if found:
            yield from found
            return


def _mismatch(trial: Trial, name: str, values: np.ndarray, gradient: np.ndarray) -> Problems:
    """Where a gradient is wrong, if it has the shape of the values."""
    y = trial.forward()
    dy = trial.upstream(y)
    if gradient.shape != values.shape:  # which another check tells
        return
    terms = float(np.abs(dy * y).sum())
    rng = np.random.default_rng(2)
    if found := find_mismatch(lambda: float(np.sum(dy * trial.forward())), values, gradient, terms, rng):
        batch = len(trial.x)
        yield ("in a batch of 1, " if batch == 1 else "") + found.show(name, batch)


def gradients_are_overwritten_not_added(subject: LayerSubject) -> Problems:
    """A second backward leaves the gradients of the second alone."""
    trial, found = Trial(subject), []
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


def where_dx_is_not_needed_gradients_are_the_same(subject: LayerSubject) -> Problems:
    """The lowest trained layer of a network may leave dx out, and nothing else."""
    trial = Trial(subject)
    grads = trial.step().grads
    trial.network.grads.flat[...] = 0.0
    trial.network.stack.set_needs_dx(False)
    trial.network.backpropagate(trial.upstream(trial.forward()))
    if text := unequal(trial.network.grads.flat, grads):
        yield f"if self.needs_dx is False, gradients are others: {text}"


def inputs_and_parameters_are_left_alone(subject: LayerSubject) -> Problems:
    """Forward and backward read x and parameters; backward may overwrite dy alone."""
    trial = Trial(subject)
    arrays = {"inputs": trial.x, "parameters": trial.network.params.flat}
    kept = {name: array.copy() for name, array in arrays.items()}
    for training in (False, True):
        y = trial.forward(training=training)
        yield from _written(arrays, kept, "forward")
    trial.backward(y)
    yield from _written(arrays, kept, "backward")


def _written(arrays: dict[str, np.ndarray], kept: dict[str, np.ndarray], method: str) -> Problems:
    for name, array in arrays.items():
        if text := unequal(array, kept[name], 0.0):
            yield f"{method} writes to {name}: now {text} before"
            kept[name][...] = array


def outputs_stay_until_the_next_forward(subject: LayerSubject) -> Problems:
    """The loss, the layer behind and the metrics read y after this layer's backward."""
    trial = Trial(subject)
    y = trial.forward()
    kept = y.copy()
    trial.backward(kept)
    if text := unequal(y, kept, 0.0):
        yield f"backward changes the outputs: {text} before"


def buffers_are_written_before_they_are_read(subject: LayerSubject) -> Problems:
    """What is in an array of `self.buffer` from an earlier step is of no use."""
    trial = Trial(subject)
    plain = trial.step()
    for layer in trial.network.named.values():
        for memory in layer.buffers.memory.values():
            memory[...] = 255  # NaN, in either precision
    for what, text in differing(trial.step(), plain).items():
        yield f"{what} change if buffers hold other numbers before a step: {text}"


def a_batch_is_computed_as_by_a_fresh_layer(subject: LayerSubject) -> Problems:
    """What came before shows in parameters, running state and random numbers alone, however large batches are."""
    used = Trial(subject, rows=5)
    order = (5, 2, 1, 5, 3)
    for before, rows in pairwise(order):
        used.step()
        used.step(used.x[:before][::-1].copy())
        fresh = Trial(subject, rows=5)
        for what, text in differing(used.step(used.x[:rows]), fresh.step(fresh.x[:rows])).items():
            yield f"{what} of {rows} samples after a batch of {before}: {text} by a fresh layer"
            return
    yield from changed_fields(subject.component, used.layer)


def inference_is_deterministic_and_changes_nothing(subject: LayerSubject) -> Problems:
    """Without `training` the same inputs give the same outputs; state and random numbers stay."""
    trial = Trial(subject)
    trial.forward()
    state, streams = trial.network.state.flat.copy(), trial.streams()
    first, second = (trial.network.propagate(trial.x, training=False).copy() for _ in range(2))
    if text := unequal(second, first, 0.0):
        yield f"the same inputs give other outputs: {text}"
    if text := unequal(trial.network.state.flat, state, 0.0):
        yield f"running state changes: {text} before"
    if trial.streams() != streams:
        yield "random numbers are drawn"


def in_inference_each_sample_is_computed_for_itself(subject: LayerSubject) -> Problems:
    """Without `training` the outputs of a sample are the same alone as in a batch."""
    trial = Trial(subject)
    whole = trial.forward(training=False).copy()
    for row in range(min(len(whole), len(trial.x))):
        if text := unequal(trial.forward(trial.x[row : row + 1], training=False)[0], whole[row]):
            yield f"outputs of row {row} alone, against those in a batch: {text}"
            return


def what_a_run_saves_is_all_that_a_layer_remembers(subject: LayerSubject) -> Problems:
    """A layer that gets parameters, declared state and random numbers of another goes on as that one does."""
    used, restored = Trial(subject, rows=3 * ROWS), Trial(subject, rows=3 * ROWS)
    for x in np.split(used.x, 3):
        used.go_on(x)
    restored.restore(used)
    x, found = used.x[:ROWS], list[tuple[np.ndarray, Step]]()
    for trial in (restored, used):
        found.append((trial.network.propagate(x, training=False).copy(), trial.go_on(x)))
    (y, step), (y_used, step_used) = found
    text = unequal(y, y_used)
    differences = {**({"outputs without training": text} if text else {}), **differing(step, step_used)}
    for what, text in differences.items():
        why = "is something remembered that build does not declare by declare_state?"
        yield f"restored after 3 steps, {what} are others: {text}; {why}"
        return


def from_the_same_state_a_step_is_the_same(subject: LayerSubject) -> Problems:
    """Inputs, parameters, declared state and `self.rng`, which a run can restore, determine all that it computes."""
    trial = Trial(subject)
    expected = Trial(subject).step()
    for when, found in {"by another instance": trial.step(), "in a second step": trial.step()}.items():
        for what, text in differing(found, expected).items():
            why = "are random numbers from elsewhere than self.rng, or is something remembered?"
            yield f"{what} are others {when}: {text}; {why}"
            return


def layers_share_nothing(subject: LayerSubject) -> Problems:
    """What one layer computes leaves another of the same class and fields alone."""
    one, other = Trial(subject), Trial(subject)
    alone = one.step()
    y = one.forward()
    other.step(other.x[[2, 2, 1]])
    text = unequal(y, alone.y, 0.0)
    if not text:
        one.network.grads.flat[...] = 0.0
        dx = one.backward(alone.y)
        text = next(iter(differing(Step(alone.y, dx, one.network.grads.flat), alone).values()), None)
    if text:
        yield f"results change if another layer computes in between: {text}"


def declared_arrays_stay_those_of_the_network(subject: LayerSubject) -> Problems:
    """Parameters, gradients and running state are written to in place: other arrays are neither trained nor saved."""
    trial = Trial(subject)
    trial.step()
    network = trial.network
    for name, layer in network.named.items():
        views: list[tuple[Any, str, np.ndarray, str]] = [
            (layer, each.name, network.params[f"{name}.{each.name}"], "") for each in layer.parameters
        ]
        views += [(layer.grad, each.name, network.grads[f"{name}.{each.name}"], "grad.") for each in layer.parameters]
        views += [(layer, each.name, network.state[f"{name}.{each.name}"], "") for each in layer.states]
        for holder, attribute, view, prefix in views:
            if getattr(holder, attribute) is not view:
                yield f"self.{prefix}{attribute} is another array after a step: write self.{prefix}{attribute}[...] ="


def memory_does_not_grow(subject: LayerSubject) -> Problems:
    """A step keeps nothing but what the next one replaces."""
    trial = Trial(subject)
    yield from grown(trial.step)


FIRST: tuple[Check[LayerSubject], ...] = (
    outputs_and_gradients_can_be_computed,
    outputs_and_gradients_are_finite,
    inputs_and_parameters_are_left_alone,
    from_the_same_state_a_step_is_the_same,
)
CHECKS: tuple[Check[LayerSubject], ...] = (
    build_allocates_nothing,
    outputs_have_the_declared_shape,
    gradients_of_inputs_have_the_shape_of_inputs,
    the_dtype_stays,
    float32_agrees_with_float64,
    gradients_of_inputs_agree_with_central_differences,
    gradients_of_parameters_agree_with_central_differences,
    gradients_are_overwritten_not_added,
    where_dx_is_not_needed_gradients_are_the_same,
    outputs_stay_until_the_next_forward,
    buffers_are_written_before_they_are_read,
    a_batch_is_computed_as_by_a_fresh_layer,
    inference_is_deterministic_and_changes_nothing,
    in_inference_each_sample_is_computed_for_itself,
    what_a_run_saves_is_all_that_a_layer_remembers,
    layers_share_nothing,
    declared_arrays_stay_those_of_the_network,
    its_JSON_describes_it_in_full,
)
