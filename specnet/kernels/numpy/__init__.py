"""The default set of kernels: plain NumPy that writes to buffers where that is faster."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from specnet.kernels.base import KernelSet

HERE = "specnet.kernels.numpy"


class Numpy(KernelSet):
    """NumPy that writes to the same buffers in each step, with fewer passes over them."""

    replaces: ClassVar[Mapping[str, str]] = {
        "specnet.layers.stack:Stack": f"{HERE}.stack:StackKernel",
        "specnet.layers.linear:Linear": f"{HERE}.linear:LinearKernel",
        "specnet.layers.activation:Sigmoid": f"{HERE}.activation:SigmoidKernel",
        "specnet.layers.activation:Gelu": f"{HERE}.activation:GeluKernel",
        "specnet.layers.activation:Silu": f"{HERE}.activation:SiluKernel",
        "specnet.layers.activation:Tanh": f"{HERE}.activation:TanhKernel",
        "specnet.layers.activation:Relu": f"{HERE}.activation:ReluKernel",
        "specnet.losses.regression:Huber": f"{HERE}.regression:HuberKernel",
        "specnet.losses.regression:Mse": f"{HERE}.regression:MseKernel",
        "specnet.losses.classification:Bce": f"{HERE}.classification:BceKernel",
        "specnet.losses.classification:CrossEntropy": f"{HERE}.classification:CrossEntropyKernel",
        "specnet.optimizers.sgd:Sgd": f"{HERE}.sgd:SgdKernel",
        "specnet.optimizers.adam:Adam": f"{HERE}.adam:AdamKernel",
    }
