"""The contract of schedules, and the field type of hyper-parameters that may vary with time."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler, TypeAdapter, ValidationInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from specnet.component import REFERENCE, Component, call_validating, reference
from specnet.diagnostics import custom_error, show_value
from specnet.watch import Mode

NUMBER = re.compile(r"[-+]?[\d.]+([eE][-+]?\d+)?")


class Schedule(Component):
    """A hyper-parameter as a function of time.

    Time is the number of optimizer steps already taken: the first step asks for `schedule(0)`. One that depends on
    more than that keeps state, which `save` and `restore` carry over from a run that was stopped.
    """

    group: ClassVar[str] = "schedules"

    @abstractmethod
    def __call__(self, step: int) -> float:
        """Return the value for the step after `step` steps."""

    def length(self) -> int | None:
        """Return how many steps of training it is made for; None where it suits any number."""
        return None

    def look(self, values: Mapping[str, Any]) -> None:
        """Take in an epoch's line of the history, after the epoch."""

    def save(self) -> dict[str, Any]:
        """Return the state as JSON values, empty where there is none."""
        return {}

    def restore(self, saved: dict[str, Any]) -> None:
        """Go back to a state that `save` returned."""


class WatchingSchedule(Schedule):
    """A schedule that depends on a value of the history, which `monitor` names.

    A run makes sure that the value will exist, calls `begin` before training and `look` after each epoch. State is
    set in `begin`, changed in `look`, and carried over by `save` and `restore`. A schedule begins when it is built,
    too, so that it has a value without a run: then with "min" where `mode` is null.
    """

    monitor: str = Field(default="validation/loss", description="name of the value, as in the history")
    mode: Mode | None = Field(default=None, description="which is better; null: as the value's kind says")

    def model_post_init(self, context: Any) -> None:
        self.begin(self.mode or "min")

    @abstractmethod
    def begin(self, mode: Mode) -> None:
        """Set the state that training begins with; `mode` says which monitored values are better."""


class scheduled:
    """The type of a field that takes a number or a schedule: `Annotated[float | Schedule, scheduled(gt=0)]`.

    The bounds (`gt`, `ge`, `lt`, `le`) hold for the number, and for the value a schedule starts with.
    """

    def __init__(self, **bounds: float) -> None:
        limits: dict[str, Any] = {"strict": True, "allow_inf_nan": False, **bounds}
        self._number: TypeAdapter[float] = TypeAdapter(Annotated[float, Field(**limits)])
        self._schedule = reference("schedules")

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.with_info_plain_validator_function(
            self._validate,
            serialization=core_schema.plain_serializer_function_ser_schema(
                lambda value: value.to_spec() if isinstance(value, Schedule) else value
            ),
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"anyOf": [handler(self._number.core_schema), {REFERENCE: "#/$defs/schedules"}]}

    def _validate(self, value: Any, info: ValidationInfo) -> float | Schedule:
        if isinstance(value, str) and NUMBER.fullmatch(value):
            message = f"a number or a schedule belongs here, not {show_value(value)}"
            raise custom_error("wrong-type", message, "a number is written like 0.1 or 1e-3, without quotes")
        if isinstance(value, (str, dict, Schedule)):
            schedule = self._schedule.resolve(value, info)
            assert isinstance(schedule, Schedule)
            self._number.validate_python(call_validating(schedule, lambda: schedule(0)))
            return schedule
        return self._number.validate_python(value)


def value_at(hyper: float | Schedule, step: int) -> float:
    """Return the value of a number or a schedule after `step` steps."""
    return hyper(step) if callable(hyper) else hyper
