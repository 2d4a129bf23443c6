"""The contract of schedules, and the field type of hyper-parameters that may vary with time."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar

from pydantic import (
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainSerializer,
    TypeAdapter,
    ValidationInfo,
    WithJsonSchema,
    WrapValidator,
    field_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from specnet.component import REFERENCE, Component, Section, construct
from specnet.diagnostics import custom_error, show_value
from specnet.errors import BrokenComponentError
from specnet.faults import blaming, plugin_of
from specnet.improvement import Mode

Length = Annotated[int, Field(gt=0, le=10**12)]
"""A number of epochs or steps; the bound, more than any run has, keeps the arithmetic of schedules finite."""

PERCENT = r"^(100|[1-9][0-9]?(\.[0-9]{1,4})?|0\.[0-9]{0,3}[1-9])%$"
"""A share of the run."""


def _epochs(value: Any, validate: Callable[[Any], Any]) -> Any:
    """Return valid epochs, or a share of the run as it is; a union would report every mistake twice."""
    if not isinstance(value, str):
        return validate(value)
    if not re.search(PERCENT, value):
        message = f"expected a number of epochs or a share of the run, not {show_value(value)}"
        raise custom_error("wrong-value", message, 'a tenth of the run is "10%"')
    return value


LengthOrZero = Annotated[int, Field(ge=0, le=10**12)]


def _or_share(**bounds: int) -> Any:
    """Return what makes a share of the run valid besides a number of epochs within these bounds."""
    number = {"type": "integer", **bounds, "maximum": 10**12}
    share = {"type": "string", "pattern": PERCENT}
    return WithJsonSchema({"anyOf": [number, share]})


_AS_IT_IS = PlainSerializer(lambda value: value)
Epochs = Annotated[Length, WrapValidator(_epochs), _AS_IT_IS, _or_share(exclusiveMinimum=0)]
"""A number of epochs, or a share of the run such as "10%"."""
EpochsOrZero = Annotated[LengthOrZero, WrapValidator(_epochs), _AS_IT_IS, _or_share(minimum=0)]

NUMBER = re.compile(r"[-+]?[\d.]+([eE][-+]?\d+)?")


class Schedule(Component):
    """A hyper-parameter as a function of time.

    Time is the number of optimizer steps already taken: the first step uses `schedule(0)`. `bind` is called once before
    training, and converts lengths in epochs and those to the end of the run to steps. Before that, an epoch and the run
    are one step long. Where the batch size changes from epoch to epoch, time is counted in training samples instead of
    steps. When a run is resumed with more epochs, a schedule that reaches the end of the run follows the
    new end: later values are those of the longer run, earlier ones do not change.

    A schedule that depends on more than the step has state, which `save` and `restore` carry over when a run is
    resumed.
    """

    group: ClassVar[str] = "schedules"

    def model_post_init(self, context: Any) -> None:
        """Set the run-time attributes of the schedule."""
        self.bind(1, 1)

    def bind(self, steps_per_epoch: int, total_steps: int) -> None:
        """Prepare for a run of this length."""

    @abstractmethod
    def __call__(self, step: int) -> float:
        """Return the value for the step after `step` steps."""

    def length(self) -> int | None:
        """Return how many training steps the bound schedule needs; None if any number will do."""
        return None

    def look(self, values: Mapping[str, Any]) -> None:
        """Update the state from an epoch's line of the history, after the epoch."""

    def save(self) -> dict[str, Any]:
        """Return the state as JSON values; by default the schedule has none, and the result is empty."""
        return {}

    def restore(self, saved: dict[str, Any]) -> None:
        """Restore a state that `save` returned."""


class WatchingSchedule(Schedule):
    """A schedule that depends on a value of the history, which `monitor` names.

    A run ensures that the value will exist, calls `begin` before training and `look` after each epoch. State is set in
    `begin`, changed in `look`, and carried over by `save` and `restore`. `begin` is also called when a schedule is
    built, so that it has a value without a run: with "min" if `mode` is null.
    """

    monitor: str = Field(default="validation/loss", description="name of the value, as in the history")
    mode: Mode | None = Field(default=None, description="which values are better; null: by the kind of value")

    def model_post_init(self, context: Any) -> None:
        super().model_post_init(context)
        self.begin(self.mode or "min")

    @abstractmethod
    def begin(self, mode: Mode) -> None:
        """Set the initial state; `mode` is which monitored values are better."""


def lengths_in_steps(schedule: Section) -> list[str]:
    """Return the names of fields that give a length of a schedule in steps."""
    fields = type(schedule).model_fields if isinstance(schedule, Schedule) else ()
    return [name for name in fields if name.endswith("steps") and getattr(schedule, name) is not None]


def percent(share: str) -> float:
    """Return the number of a share such as "10%"."""
    return float(share.partition("%")[0])


def in_steps(epochs: int | str | None, steps: int | None, steps_per_epoch: int, total_steps: int) -> int | None:
    """Return a length in steps, given in epochs or as a share of the run, in steps or not at all."""
    if isinstance(epochs, str):
        return max(1, round(percent(epochs) / 100 * total_steps))
    return steps if epochs is None else epochs * steps_per_epoch


def one_of(first: str, second: str) -> Any:
    """Return a validator for a schedule class: of two lengths, `first` declared first, one must be null."""

    def check(cls: Any, value: Any, info: ValidationInfo) -> Any:
        if value is not None and info.data.get(first) is not None:
            raise custom_error("wrong-value", f"{second} cannot be combined with {first}", "leave one of them out")
        return value

    return field_validator(second)(classmethod(check))


def not_both(*pairs: tuple[str, str]) -> dict[str, Any]:
    """Return the meaning of `one_of` in a JSON Schema, for some pairs."""
    given = {"type": ["integer", "string", "array"]}
    return {"allOf": [{"not": {"properties": dict.fromkeys(pair, given), "required": [*pair]}} for pair in pairs]}


class scheduled:
    """The type of a field that takes a number or a schedule: `Annotated[float, scheduled(gt=0)]`.

    The bounds (`gt`, `ge`, `lt`, `le`) apply to the number, and to the values of a schedule, which may end at that of
    `gt`. In training the field is a number: the value of each step. With `whole`, the number is a whole one, to which
    the values of a schedule are rounded.
    """

    def __init__(self, whole: bool = False, **bounds: float) -> None:
        self.bounds, self.whole = bounds, whole
        limits: dict[str, Any] = {"strict": True} | ({} if whole else {"allow_inf_nan": False}) | bounds
        kind: Any = int if whole else float
        self._number: TypeAdapter[float] = TypeAdapter(Annotated[kind, Field(**limits)])

    def broken(self, value: float) -> str:
        """Return which bound a later value of a schedule breaks, in words; "" if none."""
        low = self.bounds.get("ge", self.bounds.get("gt"))
        below, most = self.bounds.get("lt"), self.bounds.get("le")
        wrong = {
            f"at least {low}": low is not None and value < low,
            f"less than {below}": below is not None and value >= below,
            f"at most {most}": most is not None and value > most,
        }
        return next((words for words, found in wrong.items() if found), "")

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            self._validate,
            serialization=core_schema.plain_serializer_function_ser_schema(
                lambda value: value.to_spec() if isinstance(value, Schedule) else value
            ),
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"anyOf": [handler(self._number.core_schema), {REFERENCE: "#/$defs/schedules"}]}

    def _validate(self, value: Any) -> float | Schedule:
        if isinstance(value, str) and NUMBER.fullmatch(value):
            message = f"expected a number or a schedule, not {show_value(value)}"
            raise custom_error("wrong-type", message, "write a number as 0.1 or 1e-3, without quotes")
        if isinstance(value, (str, dict, Schedule)):
            schedule = construct("schedules", value)
            assert isinstance(schedule, Schedule)
            try:
                with blaming(plugin_of(schedule), "fails in __call__"):
                    initial = schedule(0)
            except BrokenComponentError as error:
                raise custom_error(error.code, error.message, error.help) from error
            self._number.validate_python(round(initial) if self.whole else initial)
            return schedule
        return self._number.validate_python(value)
