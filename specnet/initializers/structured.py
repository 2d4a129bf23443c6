"""Initializers of whole matrices.

The matrix of a parameter (..., out) has a row for each input and a column for each output: its leading axes are one.
"""

from __future__ import annotations

import math

import numpy as np
from pydantic import Field

from specnet.errors import ShapeError
from specnet.initializers.base import Initializer


class Orthogonal(Initializer):
    """Orthonormal columns, or rows where these are fewer, times `gain`: Q of the QR decomposition of normal numbers.

    The signs of R's diagonal make Q uniformly distributed. Saxe et al., "Exact solutions to the nonlinear dynamics of
    learning in deep linear neural networks", 2014.
    """

    examples = ({"gain": 1.5},)
    gain: float = Field(default=1.0, description="factor; sqrt(2) suits relu")

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...], fan_in: int, fan_out: int) -> np.ndarray:
        rows, columns = math.prod(shape[:-1]), math.prod(shape[-1:])
        q, r = np.linalg.qr(rng.normal(size=(max(rows, columns), min(rows, columns))))
        q *= np.where(np.diag(r) < 0, -self.gain, self.gain)
        return (q if rows >= columns else q.T).reshape(shape)


class Identity(Initializer):
    """Ones on the diagonal of the last two axes, else zeros; in a convolution's kernel, at its centre.

    Le, Jaitly & Hinton, "A simple way to initialize recurrent networks of rectified linear units", 2015.
    """

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...], fan_in: int, fan_out: int) -> np.ndarray:
        if len(shape) < 2:
            raise ShapeError(f"identity initializes parameters of two or more axes, not one of shape {shape}")
        values = np.zeros(shape)
        values[tuple(size // 2 for size in shape[:-2])] = np.eye(shape[-2], shape[-1])
        return values


class Sparse(Initializer):
    """Normal numbers, with a share `sparsity` of each column set to 0, so each output has few inputs.

    Martens, "Deep learning via Hessian-free optimization", 2010.
    """

    examples = ({"sparsity": 0.5, "std": 0.1},)
    sparsity: float = Field(ge=0, lt=1, description="share of zeros in each column, rounded up", examples=[0.9])
    std: float = Field(default=0.01, ge=0, description="standard deviation of the other numbers")

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...], fan_in: int, fan_out: int) -> np.ndarray:
        values = rng.normal(0.0, self.std, shape).reshape(math.prod(shape[:-1]), -1)
        values[: math.ceil(self.sparsity * len(values))] = 0.0
        return rng.permuted(values, axis=0).reshape(shape)
