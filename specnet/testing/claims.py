"""Checks of what a layer's class says of it: what outputs are, what it writes over, what it keeps, what it costs."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from specnet.layers.base import Layer
from specnet.testing.outcome import Check, Problems
from specnet.testing.trial import LayerSubject, Trial, differing, unequal


def claim_checks(layer: Layer) -> Iterator[Check[LayerSubject]]:
    """Give the checks of what a layer says of itself."""
    yield costs_are_told_as_they_are
    if layer.output_kind(None) == "probabilities":
        yield probabilities_are_in_0_to_1
    if layer.elementwise:
        yield each_output_is_a_function_of_one_input
    if vars(type(layer)).get("in_place"):
        yield written_over_inputs_it_computes_the_same
    if vars(type(layer)).get("disposable"):
        yield its_outputs_can_be_written_over


def costs_are_told_as_they_are(subject: LayerSubject) -> Problems:
    """Operations are a whole number."""
    layer = Trial(subject).layer
    flops = layer.flops()
    if not isinstance(flops, (int, np.integer)) or flops < 0:
        yield f"flops returns {flops!r}, which is no number of operations"


def probabilities_are_in_0_to_1(subject: LayerSubject) -> Problems:
    """A layer that gives probabilities gives numbers from 0 to 1, whatever inputs are."""
    trial = Trial(subject, rows=20)
    for training in (False, True):
        for scale in (1.0, 30.0) if type(trial.layer).example_inputs is Layer.example_inputs else (1.0,):
            y = trial.forward(trial.x * scale, training)
            if not ((y >= 0) & (y <= 1)).all():
                yield f"an output is {y[~((y >= 0) & (y <= 1))][0]:.6g}"
                return


def each_output_is_a_function_of_one_input(subject: LayerSubject) -> Problems:
    """An elementwise layer has no parameters, and gives the same outputs in another order for inputs in that order."""
    trial = Trial(subject)
    y = trial.forward().copy()
    if trial.parameters:
        yield "an elementwise layer has no parameters"
    elif y.shape != trial.x.shape:
        yield f"inputs have shape {trial.x.shape}, outputs {y.shape}"
    else:
        order = np.random.default_rng(4).permutation(y.size)
        turned = trial.forward(trial.x.reshape(-1)[order].reshape(trial.x.shape))
        if text := unequal(turned, y.reshape(-1)[order].reshape(y.shape)):
            yield f"it is not elementwise: for inputs in another order {text}"


class Giver(Layer):
    """The identity, in an array of its own that may be written over."""

    disposable = True

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        y = self.workspace("y", x.shape, x.dtype)
        y[...] = x
        return y

    def backward(self, dy: np.ndarray) -> np.ndarray:
        return dy


def written_over_inputs_it_computes_the_same(subject: LayerSubject) -> Problems:
    """A layer that is `in_place` writes y over x where it may, and does not need x again."""
    over, plain = Trial(subject, below=[Giver()]), Trial(subject)
    for what, text in differing(over.step(), plain.step()).items():
        yield f"{what} change where y may be written over x: {text}"
    y = over.forward()
    given = over.network.layers[0].workspace("y", over.x.shape, over.x.dtype)
    if not np.shares_memory(y, given):
        yield "it says that it is in_place, but y is not written to output_like(x)"


def its_outputs_can_be_written_over(subject: LayerSubject) -> Problems:
    """A layer whose y is `disposable` gives an array of its own, and does not need it again."""
    trial = Trial(subject)
    plain = trial.step()
    y = trial.forward()
    for name, array in {"inputs": trial.x, "parameters": trial.network.params.flat}.items():
        if np.shares_memory(y, array):
            yield f"it says that its outputs are disposable, but they lie in its {name}"
            return

    def spoil(y: np.ndarray) -> None:
        y[...] = np.nan

    for what, text in differing(trial.step(between=spoil), plain).items():
        yield f"{what} change where the layer behind writes over the outputs: {text}"
