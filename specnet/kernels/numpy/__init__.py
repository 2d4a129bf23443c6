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
        "specnet.layers.convolution:Conv1d": f"{HERE}.convolution:Conv1dKernel",
        "specnet.layers.convolution:Conv2d": f"{HERE}.convolution:Conv2dKernel",
        "specnet.layers.transposed:Conv1dTranspose": f"{HERE}.convolution:Conv1dTransposeKernel",
        "specnet.layers.transposed:Conv2dTranspose": f"{HERE}.convolution:Conv2dTransposeKernel",
        "specnet.layers.pooling:MaxPool1d": f"{HERE}.pooling:MaxPool1dKernel",
        "specnet.layers.pooling:MaxPool2d": f"{HERE}.pooling:MaxPool2dKernel",
        "specnet.layers.pooling:AveragePool1d": f"{HERE}.pooling:AveragePool1dKernel",
        "specnet.layers.pooling:AveragePool2d": f"{HERE}.pooling:AveragePool2dKernel",
        "specnet.layers.normalization:BatchNorm": f"{HERE}.normalization:BatchNormKernel",
        "specnet.layers.normalization:LayerNorm": f"{HERE}.normalization:LayerNormKernel",
        "specnet.layers.normalization:RmsNorm": f"{HERE}.normalization:RmsNormKernel",
        "specnet.layers.embedding:Embedding": f"{HERE}.embedding:EmbeddingKernel",
        "specnet.layers.attention:MultiHeadAttention": f"{HERE}.attention:MultiHeadAttentionKernel",
        "specnet.layers.gated:Lstm": f"{HERE}.recurrent:LstmKernel",
        "specnet.layers.gated:Gru": f"{HERE}.recurrent:GruKernel",
        "specnet.losses.regression:Huber": f"{HERE}.regression:HuberKernel",
        "specnet.losses.regression:Mse": f"{HERE}.regression:MseKernel",
        "specnet.losses.binary:Bce": f"{HERE}.classification:BceKernel",
        "specnet.losses.classification:CrossEntropy": f"{HERE}.classification:CrossEntropyKernel",
        "specnet.optimizers.sgd:Sgd": f"{HERE}.sgd:SgdKernel",
        "specnet.optimizers.adam:Adam": f"{HERE}.adam:AdamKernel",
        "specnet.optimizers.adam:AdamW": f"{HERE}.adam:AdamWKernel",
        "specnet.optimizers.adam:Nadam": f"{HERE}.adam:NadamKernel",
        "specnet.optimizers.adam:Radam": f"{HERE}.adam:RadamKernel",
        "specnet.optimizers.adam:Adamax": f"{HERE}.adam:AdamaxKernel",
        "specnet.optimizers.adaptive:Adagrad": f"{HERE}.adaptive:AdagradKernel",
        "specnet.optimizers.adaptive:Rmsprop": f"{HERE}.adaptive:RmspropKernel",
        "specnet.optimizers.adaptive:Adadelta": f"{HERE}.adaptive:AdadeltaKernel",
        "specnet.optimizers.sign:Lion": f"{HERE}.sign:LionKernel",
    }
