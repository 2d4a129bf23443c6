"""Networks of PyTorch in eager mode, with the weights of ours."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F

from benchmarks.peers.torch_layers import apply, parameters_of

if TYPE_CHECKING:
    from benchmarks.networks import NetworkWork


class Layers:
    """Layers one after the other, as in a spec; images have channels first until they are flat."""

    def __init__(self, layers: Sequence[Any], params: Mapping[str, np.ndarray], place: str) -> None:
        self.layers: list[tuple[dict[str, Any], Any]] = []
        for number, each in enumerate(layers):
            layer, name = {"type": each} if isinstance(each, str) else each, f"{place}.{number}."
            if layer["type"] == "residual":
                self.layers.append((layer, Layers(layer["layers"], params, f"{name}layers")))
            else:
                own = {key.removeprefix(name): array for key, array in params.items() if key.startswith(name)}
                self.layers.append((layer, parameters_of(layer, own)))

    def parameters(self) -> list[torch.Tensor]:
        """Return all parameters."""
        parts = (each.parameters() if isinstance(each, Layers) else [*each.values()] for _, each in self.layers)
        return [tensor for part in parts for tensor in part]

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        for layer, inside in self.layers:
            x = self.call(layer, inside, x)
        return x

    def call(self, layer: dict[str, Any], inside: Any, x: torch.Tensor) -> torch.Tensor:
        """Return the outputs of one of them."""
        match layer["type"]:
            case "residual":
                return x + inside(x)
            case "relu":
                return F.relu(x)
            case "flatten":
                return x.movedim(1, -1).flatten(1)
            case "linear":
                return F.linear(x, inside["weight"], inside["bias"])
            case "positional_encoding":
                return x + waves(*x.shape[1:])
        return apply(layer, x, inside)


def waves(time: int, features: int) -> torch.Tensor:
    """Return the sinusoidal encoding of positions."""
    angle = torch.arange(time)[:, None] * 10000.0 ** (-2 * torch.arange(features // 2) / features)
    return torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(1)


def make(work: NetworkWork, params: Mapping[str, np.ndarray], x: np.ndarray, target: np.ndarray) -> Callable[[], float]:
    """Return what trains for an epoch, and returns its loss."""
    torch.set_num_threads(1)
    network = Layers(work.layers, params, "layers")
    optimizer = torch.optim.Adam(network.parameters(), lr=0.001)
    inputs, targets = torch.from_numpy(x.copy()), torch.from_numpy(target.copy())
    if inputs.ndim == 4:
        inputs = inputs.movedim(-1, 1).contiguous()

    def epoch() -> float:
        losses = []
        for batch, wanted in zip(inputs.split(work.batch), targets.split(work.batch), strict=True):
            optimizer.zero_grad()
            y = network(batch)
            loss = F.mse_loss(y, wanted) if work.loss == "mse" else F.cross_entropy(y.flatten(0, -2), wanted.flatten())
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        return float(np.mean(losses))

    return epoch
