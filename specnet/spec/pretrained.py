"""The `pretrained` section of a spec: initial weights from a file or another run."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from specnet.component import Section
from specnet.datasets.data_file import DataFile
from specnet.layer_numbers import LayerNumbers


class WeightsPath(DataFile):
    """The type of a field that names a run or a file of weights: it is needed when training begins, and not later."""

    __slots__ = ()


class Pretrained(Section):
    """Weights to begin with, from another run or a file. Only a new run reads them: they are in its checkpoints."""

    run: WeightsPath | None = Field(default=None, description="run directory or bundle, relative to the spec's folder")
    file: WeightsPath | None = Field(
        default=None, description="file of arrays, .safetensors or .npz, or a checkpoint; relative to the spec's folder"
    )
    layers: LayerNumbers | None = Field(
        default=None, description='layers that take weights, by number, or a range of them, "0:4"; null: all'
    )
    map: dict[str, str] | None = Field(
        default=None,
        description='names in the source by those here, of layers ("layers.0") or of single parameters; null: the same',
    )
    layout: Literal["specnet", "torch", "keras"] | None = Field(
        default=None, description="layout of the arrays in a file; null: that in its metadata, else that of specnet"
    )

    @model_validator(mode="after")
    def _has_one_source(self) -> Self:
        if (self.run is None) == (self.file is None):
            raise ValueError('weights come from a "run" or from a "file", one of the two')
        if self.run is not None and self.layout is not None:
            raise ValueError('"layout" is for a "file"')
        return self
