"""Activation functions of each number separately."""

from __future__ import annotations

import math

import numpy as np
from pydantic import Field

from specnet.functions import normal_cdf, sigmoid, softplus
from specnet.layers.base import Activation

SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772


class Sigmoid(Activation):
    """y = 1 / (1 + exp(-x)), in (0, 1); dy/dx = y (1 - y)."""

    output = "probabilities"

    def f(self, x: np.ndarray) -> np.ndarray:
        return sigmoid(x)

    def slope(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return y * (1 - y)


class Tanh(Activation):
    """y = tanh(x), in (-1, 1); dy/dx = 1 - y^2."""

    def f(self, x: np.ndarray) -> np.ndarray:
        return np.tanh(x)

    def slope(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return 1 - y * y


class Relu(Activation):
    """y = max(x, 0); dy/dx = 1 where y > 0, else 0. Nair & Hinton, 2010."""

    def f(self, x: np.ndarray) -> np.ndarray:
        return np.maximum(x, 0)

    def slope(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return y > 0


class LeakyRelu(Activation):
    """y = x for x > 0, else a x with a = negative_slope; dy/dx = 1 or a. Maas et al., 2013."""

    examples = ({"negative_slope": 0.3},)
    negative_slope: float = Field(default=0.01, ge=0, lt=1, description="slope for x < 0")

    def f(self, x: np.ndarray) -> np.ndarray:
        return np.maximum(x, self.negative_slope * x)

    def slope(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.maximum(x > 0, x.dtype.type(self.negative_slope))  # 1 or a, as a < 1


class Elu(Activation):
    """y = x for x > 0, else alpha (exp(x) - 1); dy/dx = 1 or y + alpha. Clevert et al., 2016."""

    examples = ({"alpha": 0.7},)
    alpha: float = Field(default=1.0, gt=0, description="y approaches -alpha as x goes to minus infinity")

    def f(self, x: np.ndarray) -> np.ndarray:
        return np.where(x > 0, x, self.alpha * np.expm1(np.minimum(x, 0)))

    def slope(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.where(x > 0, 1, y + self.alpha)


class Gelu(Activation):
    """y = x Phi(x) with the normal distribution Phi(x) = (1 + erf(x / sqrt(2))) / 2; dy/dx = Phi(x) + x Phi'(x).

    With `approximate`, Phi(x) is approximated by p = sigmoid(2 u), u = sqrt(2 / pi) (x + 0.044715 x^3), and y is at
    most 5e-4 from x Phi(x); dp/dx = 2 p (1 - p) u'. Hendrycks & Gimpel, "Gaussian error linear units", 2016.
    """

    examples = ({"approximate": True},)
    approximate: bool = Field(default=False, description="whether to use the tanh approximation")

    def f(self, x: np.ndarray) -> np.ndarray:
        return x * self.phi(x)

    def slope(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        p, near = self.phi(x), np.clip(x, -40, 40)
        if self.approximate:
            return p + near * 2 * p * (1 - p) * math.sqrt(2 / math.pi) * (1 + 3 * 0.044715 * near * near)
        return p + near * np.exp(-0.5 * near * near) / math.sqrt(2 * math.pi)

    def phi(self, x: np.ndarray) -> np.ndarray:
        """Return Phi(x), or its approximation."""
        if not self.approximate:
            return normal_cdf(x)
        near = np.clip(x, -40, 40)  # beyond it p is 0 or 1, and the cube would overflow
        return sigmoid(2 * math.sqrt(2 / math.pi) * (near + 0.044715 * near * near * near))


class Silu(Activation):
    """y = x s with s = sigmoid(x); dy/dx = s + y (1 - s). Also called swish. Elfwing et al., 2017."""

    def f(self, x: np.ndarray) -> np.ndarray:
        return x * sigmoid(x)

    def slope(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        s = sigmoid(x)
        return s + y * (1 - s)


class Softplus(Activation):
    """y = log(1 + exp(x)); dy/dx = sigmoid(x). Dugas et al., 2001."""

    def f(self, x: np.ndarray) -> np.ndarray:
        return softplus(x)

    def slope(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return sigmoid(x)


class Relu6(Activation):
    """y = min(max(x, 0), 6); dy/dx = 1 where 0 < x < 6, else 0. Krizhevsky, 2010."""

    def f(self, x: np.ndarray) -> np.ndarray:
        return np.clip(x, 0, 6)

    def slope(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return (y > 0) & (y < 6)


class Selu(Activation):
    """y = s x for x > 0, else s a (exp(x) - 1); dy/dx = s or y + s a, with s = 1.0507 and a = 1.6733.

    With initial weights of mean 0 and variance 1 / inputs, outputs tend to mean 0 and variance 1. Klambauer et al.,
    "Self-normalizing neural networks", 2017.
    """

    def f(self, x: np.ndarray) -> np.ndarray:
        return SELU_SCALE * np.where(x > 0, x, SELU_ALPHA * np.expm1(np.minimum(x, 0)))

    def slope(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.where(x > 0, SELU_SCALE, y + SELU_SCALE * SELU_ALPHA)


class Mish(Activation):
    """y = x t with t = tanh(softplus(x)); dy/dx = t + x sigmoid(x) (1 - t^2). Misra, 2020."""

    def f(self, x: np.ndarray) -> np.ndarray:
        return x * np.tanh(softplus(x))

    def slope(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        t = np.tanh(softplus(x))
        return t + x * (sigmoid(x) * (1 - t * t))


class HardSigmoid(Activation):
    """y = x / 6 + 1 / 2, cut off at 0 and 1; dy/dx = 1 / 6 where 0 < y < 1, else 0. Howard et al., 2019."""

    output = "probabilities"

    def f(self, x: np.ndarray) -> np.ndarray:
        return np.clip(x / 6 + 0.5, 0, 1)

    def slope(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return ((y > 0) & (y < 1)) * x.dtype.type(1 / 6)


class HardSilu(Activation):
    """y = x h with h = x / 6 + 1 / 2, cut off at 0 and 1; dy/dx = 0, x / 3 + 1 / 2 or 1. Howard et al., 2019."""

    def f(self, x: np.ndarray) -> np.ndarray:
        return x * np.clip(x / 6 + 0.5, 0, 1)

    def slope(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.where(np.abs(x) < 3, x / 3 + 0.5, x > 0)


class Softsign(Activation):
    """y = x / (1 + |x|), in (-1, 1); dy/dx = 1 / (1 + |x|)^2. Turian et al., 2009."""

    def f(self, x: np.ndarray) -> np.ndarray:
        return x / (1 + np.abs(x))

    def slope(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        inverse = 1 / (1 + np.abs(x))
        return inverse * inverse


class Sine(Activation):
    """y = sin(x); dy/dx = cos(x). Sitzmann et al., "Implicit neural representations", 2020."""

    def f(self, x: np.ndarray) -> np.ndarray:
        return np.sin(x)

    def slope(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.cos(x)


class Square(Activation):
    """y = x^2; dy/dx = 2 x."""

    def f(self, x: np.ndarray) -> np.ndarray:
        return x * x

    def slope(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return 2 * x


class Gaussian(Activation):
    """y = exp(-x^2), in (0, 1]; dy/dx = -2 x y."""

    output = "probabilities"

    def f(self, x: np.ndarray) -> np.ndarray:
        near = np.clip(x, -40, 40)  # beyond it y is 0, and the square would overflow
        return np.exp(-near * near)

    def slope(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return -2 * x * y
