"""The `training` section of a spec."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, NonNegativeFloat, PositiveFloat, PositiveInt

from specnet.component import Section
from specnet.improvement import Mode
from specnet.training.callbacks import Callback

BatchSize = Annotated[
    PositiveInt | None,
    BeforeValidator(lambda size: None if size == "full" else size, PositiveInt | Literal["full"] | None),
]


class EarlyStopping(Section):
    """Ends training when a monitored value has not improved for `patience` epochs."""

    monitor: str = Field(default="validation/loss", description="name of the value, as in the history")
    patience: PositiveInt = Field(default=10, description="epochs without improvement before training stops")
    min_delta: NonNegativeFloat = Field(default=0.0, description="absolute change that counts as improvement")
    mode: Mode | None = Field(default=None, description="which values are better; null: by the kind of value")


class Training(Section):
    """Length and batches of training."""

    epochs: PositiveInt = Field(default=100, description="passes over the training split")
    batch_size: BatchSize = Field(default=32, description='samples in a step; "full" or null: all of them')
    shuffle: bool = Field(default=True, description="whether batches are drawn in a new order each epoch")
    clip_norm: PositiveFloat | None = Field(
        default=None, description="largest norm of all gradients together; larger ones are scaled down"
    )
    early_stopping: EarlyStopping | None = Field(default=None, description="when to stop before the last epoch")
    callbacks: list[Callback] = Field(default=[], max_length=100, description="other code that runs during training")
    on_divergence: Literal["stop", "restore_best"] = Field(
        default="stop",
        description="final state if numbers are no longer finite: the latest saved one, or the best",
    )
