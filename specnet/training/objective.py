"""The loss of one batch as a function of all parameters, for optimizers that evaluate it again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from specnet.training.trainer import Trainer

from specnet.network.network import Network
from specnet.randomness import restore_stream, save_stream
from specnet.training.batches import Batch


class BatchObjective:
    """Loss, gradient and Jacobian of the current batch, at any parameters.

    `gradient` returns the loss of the batch and writes the gradient of the network's parameters, `outputs` returns the
    network's outputs for the batch, `slope` the derivative of the loss by such outputs. `begin` is called before a
    step's own forward pass: later passes draw the same random numbers from `generators` and start from the same
    running state. Parameters, gradients, running state and generators are then restored.
    """

    def __init__(
        self,
        network: Network,
        generators: Sequence[np.random.Generator],
        gradient: Callable[[], float],
        outputs: Callable[[], np.ndarray],
        slope: Callable[[np.ndarray], np.ndarray] = np.array,
    ) -> None:
        self.network = network
        self.generators = generators
        self.gradient = gradient
        self.outputs = outputs
        self.slope = slope

    def begin(self) -> None:
        """Save running state and generators at the start of a step."""
        self.start = self._remember()

    def evaluate(self, w: np.ndarray) -> tuple[float, np.ndarray]:
        """Return loss and gradient at w; the gradient is a new array."""
        with self._at(w):
            return self.gradient(), self.network.grads.flat.copy()

    def jacobian(self) -> np.ndarray:
        """Return dy/dw (outputs, parameters) of all outputs of the batch, a backward pass for each."""
        w = self.network.params.flat
        with self._at(w):
            size = self.outputs().size
        rows = np.empty((size, w.size), w.dtype)
        for number, row in enumerate(rows):
            with self._at(w):
                dy = np.zeros_like(self.outputs())
                dy.flat[number] = 1
                self.network.backpropagate(dy)
                row[...] = self.network.grads.flat
        return rows

    def curvature(self) -> np.ndarray:
        """Return the second derivative of the loss by each output of the batch; the loss is `quadratic`."""
        with self._at(self.network.params.flat):
            y = self.outputs().copy()
            return (self.slope(y + 0.5).copy() - self.slope(y - 0.5)).ravel()

    @contextmanager
    def _at(self, w: np.ndarray) -> Iterator[None]:
        """Set parameters w and the step's initial generators and running state; restore everything afterwards."""
        kept = [(flat, flat.copy()) for flat in (self.network.params.flat, self.network.grads.flat)]
        now = self._remember()
        try:
            self._restore(self.start)
            self.network.params.flat[...] = w
            yield
        finally:
            for flat, values in kept:
                flat[...] = values
            self._restore(now)

    def _remember(self) -> tuple[np.ndarray, list[dict[str, Any]]]:
        return self.network.state.flat.copy(), [save_stream(rng) for rng in self.generators]

    def _restore(self, saved: tuple[np.ndarray, list[dict[str, Any]]]) -> None:
        state, streams = saved
        self.network.state.flat[...] = state
        for rng, stream in zip(self.generators, streams, strict=True):
            restore_stream(rng, stream)


def loss_and_gradient(trainer: Trainer, batch: Batch, again: bool = False) -> tuple[float, float]:
    """Return loss and weight of a batch, or of a shard of one, and write the gradient: a step without its metrics.

    With `again`, the random transforms are those of the last step.
    """
    model = trainer.model
    y, batch = model.forward(trainer.last_randomized(batch) if again else trainer.randomized(batch))
    value, weight = model.loss_of(y, batch), model.weight_of(batch)
    trainer.regularization.divide(weight)
    model.network.backpropagate(model.loss.backward())
    return value, weight


def batch_objective(trainer: Trainer) -> BatchObjective:
    """Return the loss of a trainer's current batch as a function of the parameters, with penalties."""
    network, model = trainer.model.network, trainer.model

    def gradient() -> float:
        value, weight = trainer.communicator.reduce(trainer, trainer.batch, loss_and_gradient)
        return value + sum(trainer.regularization.add(weight).values())

    def outputs() -> np.ndarray:
        return model.forward(trainer.randomized(trainer.batch))[0]

    def slope(y: np.ndarray) -> np.ndarray:
        model.loss_of(y, trainer.last_randomized(trainer.batch).masked(network.stack.mask_out()))
        return model.loss.backward()

    generators = [rng for generators in trainer.generators for rng in generators.values()]
    return BatchObjective(network, generators, gradient, outputs, slope)
