"""Layers whose gradients are wrong."""

import numpy as np
from testing.faulty.base import JSON, fault
from testing.faulty.layers import Both, Chain, Dense, Embedding, HardTanh, Tanh

DX_SHAPE = "gradients of inputs have the shape of inputs"
DX = "gradients of inputs agree with central differences"
DW = "gradients of parameters agree with central differences"
ADDED = "gradients are overwritten not added"
ALONE = "where dx is not needed gradients are the same"


@fault(DX, r"gradient of x\[0, 0\]: backward says -?[\d.]+, central differences say -?[\d.]+: the sign is wrong")
class WrongSign(Dense):
    def backward(self, dy):
        return -super().backward(dy)


@fault(DW, r"gradient of weight\[0, 0\]: backward says .*, central differences say .*: the sign is wrong")
class WrongSignOfWeight(Dense):
    def backward(self, dy):
        dx = super().backward(dy)
        self.grad.weight *= -1
        return dx


@fault(DW, r"gradient of weight\[0, 1\]: .*: the sign is wrong")
class WrongSignOfOneWeight(Dense):
    def backward(self, dy):
        dx = super().backward(dy)
        self.grad.weight[0, 1] *= -1
        return dx


@fault(DW, r"gradient of bias\[0\]: .*: it is divided by 3, the samples of the batch")
class AveragedBias(Dense):
    def backward(self, dy):
        dx = super().backward(dy)
        self.grad.bias[...] = dy.reshape(-1, self.units).sum(axis=0) / len(dy)
        return dx


@fault(DW, r"gradient of inner\.0\.weight\[0, 0\]: .*: the sign is wrong", JSON, inner=[WrongSignOfWeight()])
class WrongInside(Both):
    pass


@fault(DW, r"gradient of bias\[0\]: backward says 0, central differences say .*: is it written at all\?")
class OtherArray(Dense):
    def backward(self, dy):
        dx = super().backward(dy)
        wrong = self.grad.bias.copy()
        self.grad.bias[...] = 0
        self.grad.bias_ = wrong
        return dx


@fault(DX, r"gradient of x\[0, 0\]: .*: it is multiplied by 2")
class TwiceTheSlope(Tanh):
    def backward(self, dy):
        return 2 * super().backward(dy)


@fault(ADDED, r"gradient of weight\[0, 0\] is .* if it was 7 before, .* if it was 0 before")
class Adding(Dense):
    def backward(self, dy):
        before = self.grad.weight.copy()
        dx = super().backward(dy)
        self.grad.weight += before
        return dx


@fault(ALONE, r"if self\.needs_dx is False, gradients change")
class WrongAlone(Dense):
    def backward(self, dy):
        dx = super().backward(dy)
        if not self.needs_dx:
            self.grad.weight *= 2
        return dx


@fault(
    ALONE,
    "raises AttributeError: 'NoneType' object has no attribute",
    JSON,
    first=[Dense()],
    second=["tanh"],
    needs_second=False,
)
class Unchained(Chain):
    pass


@fault(DX_SHAPE, r"backward returns shape \(1, 5\), inputs have shape \(3, 5\)")
class Summed(Tanh):
    def backward(self, dy):
        return super().backward(dy).sum(axis=0, keepdims=True)


@fault(DX, r"gradient of x\[.*\]: backward says .*, central differences say 0")
class NoUpperGradient(HardTanh):
    limits: tuple[float, float] = (0.0, 6.0)

    def slope(self, x, y):
        return x > 0


@fault(DX, r"in a batch of 1, gradient of x\[0, 0\]: backward says nan, central differences say")
class NoGradientOfOne(Tanh):
    def backward(self, dy):
        return super().backward(dy) * (1 if len(dy) > 1 else np.nan)


@fault(DW, r"gradient of table\[\d, 0\]")
class OnceForEachRow(Embedding):
    def backward(self, dy):
        self.grad.table[...] = 0
        self.grad.table[self.rows] = dy
