"""The `training` section of a spec."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    FiniteFloat,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    model_validator,
)

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
    min_epochs: NonNegativeInt = Field(default=0, description="epochs before training may stop")


class StopAt(Section):
    """Ends training when a monitored value has reached another."""

    monitor: str = Field(default="validation/loss", description="name of the value, as in the history")
    value: FiniteFloat = Field(description="value at which training stops")
    mode: Mode | None = Field(default=None, description="which values are better; null: by the kind of value")


class WeightAveraging(Section):
    """An average of the weights, which is evaluated, saved and exported beside those that are trained."""

    model_config = ConfigDict(
        json_schema_extra={
            "if": {"properties": {"type": {"const": "swa"}}, "required": ["type"]},
            "then": {"properties": {"start_epoch": {"type": "integer"}}, "required": ["start_epoch"]},
        }
    )
    type: Literal["ema", "swa"] = Field(
        description='"ema": a moving average after each step; "swa": the mean after each epoch'
    )
    momentum: float = Field(default=0.99, ge=0, lt=1, description="share of the moving average that is kept; of ema")
    start_epoch: PositiveInt | None = Field(
        default=None, description="first epoch that counts, needed for swa; null: the first of all"
    )

    @model_validator(mode="after")
    def _swa_has_a_start(self) -> Self:
        if self.type == "swa" and self.start_epoch is None:
            raise ValueError("swa needs a start_epoch, such as three quarters of all epochs")
        return self


class Training(Section):
    """Length and batches of training."""

    epochs: PositiveInt = Field(default=100, description="passes over the training split")
    batch_size: BatchSize = Field(default=32, description='samples in a step; "full" or null: all of them')
    shuffle: bool = Field(default=True, description="whether batches are drawn in a new order each epoch")
    clip_norm: PositiveFloat | None = Field(
        default=None, description="largest norm of all gradients together; larger ones are scaled down"
    )
    clip_norm_per_weight: PositiveFloat | None = Field(
        default=None, description="largest norm of the gradient of each parameter; larger ones are scaled down"
    )
    clip_value: PositiveFloat | None = Field(
        default=None, description="largest size of a number in a gradient; larger ones are cut off"
    )
    gradient_accumulation_steps: Annotated[int, Field(ge=1, le=10_000)] = Field(
        default=1,
        description="batches whose gradients are averaged for a step; a full batch is computed in as many parts",
    )
    l1: NonNegativeFloat = Field(default=0.0, description="c of c sum |w| in the loss, for weights of all layers")
    l2: NonNegativeFloat = Field(default=0.0, description="c of c sum w^2 in the loss, for weights of all layers")
    weight_averaging: WeightAveraging | None = Field(default=None, description="whether to average weights")
    early_stopping: EarlyStopping | None = Field(default=None, description="when to stop before the last epoch")
    stop_at: StopAt | None = Field(default=None, description="value at which to stop before the last epoch")
    max_seconds: PositiveFloat | None = Field(
        default=None, description="time after which training stops, at the end of an epoch"
    )
    history: list[Literal["test"]] = Field(
        default=[], max_length=1, description='splits to measure after each epoch besides validation: ["test"]'
    )
    callbacks: list[Callback] = Field(default=[], max_length=100, description="other code that runs during training")
    on_divergence: Literal["stop", "restore_best"] = Field(
        default="stop",
        description="final state if numbers are no longer finite: the latest saved one, or the best",
    )

    @property
    def step_size(self) -> int | None:
        """The samples in a step of the optimizer; None: all."""
        return self.batch_size and self.batch_size * self.gradient_accumulation_steps
