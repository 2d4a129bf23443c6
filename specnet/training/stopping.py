"""When to stop before the last epoch."""

from __future__ import annotations

from pydantic import Field, NonNegativeFloat, PositiveInt

from specnet.component import Section
from specnet.watch import Mode


class EarlyStopping(Section):
    """Ends training when a monitored value has not improved for `patience` epochs."""

    monitor: str = Field(default="validation/loss", description="name of the value, as in the history")
    patience: PositiveInt = Field(default=10, description="epochs without improvement that are borne")
    min_delta: NonNegativeFloat = Field(default=0.0, description="change that counts as improvement")
    mode: Mode | None = Field(default=None, description="which is better; null: as the value's kind says")
