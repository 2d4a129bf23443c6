"""The loss that training minimizes, on samples that stay the same, as a function of all parameters."""

from __future__ import annotations

import numpy as np

from specnet.component import fresh_copy
from specnet.errors import SpecnetError
from specnet.kernels.base import Textbook
from specnet.network.network import Network
from specnet.schedules.base import Schedule
from specnet.training.batches import Batch, map_arrays
from specnet.training.model import Model
from specnet.training.regularization import Regularization
from specnet.training.settings import Training
from specnet.training.update import trained_mask


class FixedLoss:
    """Loss with penalties, and its gradient, of some samples in float64, by the definitions of all components.

    It has copies of the model's network and loss: using it changes nothing of the model. Layers run as in training,
    batch normalization with the statistics of these samples, and dropout with the same random numbers each time. A loss
    that sums over samples is scaled to `batch_size` samples. `trained` (n,) is True where a parameter is trained.

    Raises:
        SpecnetError: if the penalties of `training` have schedules, and so no single number.
    """

    def __init__(self, model: Model, training: Training, batch: Batch) -> None:
        for name in ("l1", "l2"):
            if isinstance(getattr(training, name), Schedule):
                message = f"training.{name} has a schedule: the loss changes with time"
                raise SpecnetError(message, pointer=("training", name), code="schedule")
        network = model.network
        self.network = Network(network.layers, network.input_shape, "float64", None, Textbook)
        for name, layer in self.network.named.items():
            layer.frozen = network.named[name].frozen
        self.network.freeze(())
        self.state = network.state.flat
        self.trained = trained_mask(network)
        self.model = Model(self.network, Textbook.instantiate(fresh_copy(model.loss)), model.inputs, model.targets)
        self.model.loss.task = model.task
        self.batch = map_arrays(batch, lambda array: array.astype(np.float64) if array.dtype.kind == "f" else array)
        self.scale = 1.0
        if model.loss.reduction == "sum":
            self.scale = (training.step_size or batch.rows) / batch.rows
        self.regularization = Regularization(self.network, training, self.model.loss, 1)

    def evaluate(self, w: np.ndarray) -> tuple[float, np.ndarray]:
        """Return loss and gradient at parameters w (n,); the gradient is a new array."""
        network, loss = self.network, self.model.loss
        network.params.flat[...], network.state.flat[...] = w, self.state
        network.draw_from(0)
        with np.errstate(over="ignore", invalid="ignore"):
            y, batch = self.model.forward(self.batch)
            value, weight = self.scale * self.model.loss_of(y, batch), self.model.weight_of(batch)
            self.regularization.divide(weight)
            network.backpropagate(self.scale * loss.backward())
            value += sum(self.regularization.add(weight).values())
        return value, network.grads.flat.copy()

    def gradient(self, w: np.ndarray) -> np.ndarray:
        """Return the gradient at parameters w (n,)."""
        return self.evaluate(w)[1]
