"""Kernels that Numba compiles, for `--kernels numba`: fewer passes over memory than NumPy needs.

What they do not replace is computed by the default kernels.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import llvmlite.binding
import numba

from specnet import KernelSet
from specnet.kernels.numpy import Numpy


class Numba(KernelSet):
    """Compiled loops that pass over their arrays once, where NumPy takes several passes."""

    replaces: ClassVar[Mapping[str, str]] = {
        **Numpy.replaces,
        "specnet.layers.stack:Stack": "specnet_numba.dense:StackKernel",
        "specnet.layers.linear:Linear": "specnet_numba.dense:LinearKernel",
        "specnet.layers.activation:Sigmoid": "specnet_numba.dense:SigmoidKernel",
        "specnet.layers.activation:Tanh": "specnet_numba.dense:TanhKernel",
        "specnet.layers.activation:Relu": "specnet_numba.dense:ReluKernel",
        "specnet.layers.normalization:LayerNorm": "specnet_numba.row_norms:LayerNormKernel",
        "specnet.layers.normalization:RmsNorm": "specnet_numba.row_norms:RmsNormKernel",
        "specnet.layers.normalization:GroupNorm": "specnet_numba.normalization:GroupNormKernel",
        "specnet.layers.normalization:BatchNorm": "specnet_numba.normalization:BatchNormKernel",
        "specnet.layers.gated:Lstm": "specnet_numba.recurrent:LstmKernel",
        "specnet.layers.gated:Gru": "specnet_numba.recurrent:GruKernel",
        "specnet.losses.binary:Bce": "specnet_numba.losses:BceKernel",
        "specnet.losses.classification:CrossEntropy": "specnet_numba.losses:CrossEntropyKernel",
        "specnet.optimizers.sgd:Sgd": "specnet_numba.optimizers:SgdKernel",
        "specnet.optimizers.adam:Adam": "specnet_numba.optimizers:AdamKernel",
        "specnet.optimizers.adam:AdamW": "specnet_numba.optimizers:AdamWKernel",
        "specnet.optimizers.adam:Nadam": "specnet_numba.optimizers:NadamKernel",
        "specnet.optimizers.adam:Radam": "specnet_numba.optimizers:RadamKernel",
        "specnet.optimizers.adam:Adamax": "specnet_numba.optimizers:AdamaxKernel",
        "specnet.optimizers.adaptive:Adagrad": "specnet_numba.optimizers:AdagradKernel",
        "specnet.optimizers.adaptive:Rmsprop": "specnet_numba.optimizers:RmspropKernel",
        "specnet.optimizers.adaptive:Adadelta": "specnet_numba.optimizers:AdadeltaKernel",
        "specnet.optimizers.sign:Lion": "specnet_numba.optimizers:LionKernel",
    }
    facts: ClassVar[Mapping[str, str]] = {
        "numba": numba.__version__,
        "llvm": ".".join(map(str, llvmlite.binding.llvm_version_info)),
        "cpu": llvmlite.binding.get_host_cpu_name(),
    }
    start_seconds: ClassVar[float] = 1.5

    @classmethod
    def about(cls) -> str:
        from specnet_numba.compiling import describe_cache

        return f"{super().about()}; {describe_cache()}"
