"""The `training` section of a spec."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal, Self

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

from specnet.component import Section, fresh_copy
from specnet.diagnostics import custom_error, show_value
from specnet.improvement import Mode
from specnet.schedules.base import Schedule, scheduled
from specnet.training.callbacks import Callback

_Size = Annotated[int, scheduled(whole=True, ge=1)]


def _all_or_size(size: Any) -> Any:
    """Return a batch size with None instead of "full"."""
    if isinstance(size, str) and size != "full":
        raise custom_error("wrong-type", f'expected a whole number, a schedule or "full", not {show_value(size)}')
    return None if size == "full" else size


BatchSize = Annotated[_Size | None, BeforeValidator(_all_or_size, _Size | Literal["full"] | None)]
Limit = Annotated[float, scheduled(gt=0)]
Penalty = Annotated[float, scheduled(ge=0)]


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

    model_config = ConfigDict(frozen=False)  # a trainer sets scheduled fields of its copy
    epochs: PositiveInt = Field(default=100, le=1_000_000_000, description="passes over the training split")
    batch_size: BatchSize = Field(
        default=32, description='samples in a step, or a schedule over epochs; "full" or null: all of them'
    )
    shuffle: bool = Field(default=True, description="whether batches are drawn in a new order each epoch")
    clip_norm: Limit | None = Field(
        default=None, description="largest norm of all gradients together; larger ones are scaled down"
    )
    clip_norm_per_weight: Limit | None = Field(
        default=None, description="largest norm of the gradient of each parameter; larger ones are scaled down"
    )
    clip_value: Limit | None = Field(
        default=None, description="largest size of a number in a gradient; larger ones are cut off"
    )
    gradient_accumulation_steps: Annotated[int, Field(ge=1, le=10_000)] = Field(
        default=1,
        description="batches whose gradients are averaged for a step; a full batch is computed in this number of parts",
    )
    l1: Penalty = Field(default=0.0, description="c of c sum |w| in the loss, for weights of all layers")
    l2: Penalty = Field(default=0.0, description="c of c sum w^2 in the loss, for weights of all layers")
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
    def varies(self) -> bool:
        """Whether the batch size changes from epoch to epoch."""
        return isinstance(self.batch_size, Schedule)

    def batch_in(self) -> Callable[[int], int | None]:
        """Return the samples of a batch as a function of the epoch, which counts from 0; None: all."""
        size: Any = fresh_copy(self.batch_size)
        if not isinstance(size, Schedule):
            return lambda epoch: size
        size.bind(1, self.epochs)
        return lambda epoch: max(round(size(epoch)), 1)

    @property
    def largest_batch(self) -> int | None:
        """The samples in the largest batch of a run; None: all."""
        size = self.batch_in()
        return max(size(epoch) or 0 for epoch in range(self.epochs)) if self.varies else size(0)

    @property
    def step_size(self) -> int | None:
        """The samples in the largest step of the optimizer; None: all."""
        return self.in_step(self.largest_batch)

    def in_step(self, batch: int | None) -> int | None:
        """Return the samples in a step of the optimizer, for those in a batch; None: all."""
        return batch and batch * self.gradient_accumulation_steps
