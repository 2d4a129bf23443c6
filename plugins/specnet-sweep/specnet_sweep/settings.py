"""`Settings`: the content of a sweep file, and the mistakes in its ranges that need no spec."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PositiveInt, ValidationError, ValidationInfo
from pydantic_core import to_json

from specnet.component import Section
from specnet.diagnostics import custom_error, explain_invalid, explain_unknown_keys, show_value
from specnet.errors import Diagnostic, SpecError
from specnet.spec.document import Document
from specnet.spec.overrides import OVERRIDE_PATH
from specnet.spec.text import read_json
from specnet.words import Pointer, quote

MOST_TRIALS = 10_000
"""Trials of a sweep at most."""
MOST_SEEDS = 1000
"""Seeds of a trial at most."""
GENERATION = 4
"""Trials that are chosen together, unless the file says otherwise."""


def _check_number(value: Any, info: ValidationInfo) -> Any:
    if type(value) not in (int, float):
        raise custom_error("wrong-type", f"{info.field_name} should be a number, not {show_value(value)}")
    return value


def _check_seeds(value: Any) -> Any:
    if type(value) is int and 1 <= value <= MOST_SEEDS:
        return value
    if not (isinstance(value, list) and value and all(type(seed) is int and 0 <= seed < 2**63 for seed in value)):
        message = f"seeds should be a number from 1 to {MOST_SEEDS:,}, or a list of seeds, not {show_value(value)}"
        raise custom_error("wrong-type", message)
    if len({*value}) < len(value):
        raise custom_error("wrong-value", "a seed is listed twice")
    return value


_NO_OBJECTIVE = Diagnostic("missing-key", 'the key "minimize" or "maximize" is missing')
_Number = Annotated[int | float, BeforeValidator(_check_number)]


class Searched(Section):
    """The values of one parameter: a list, or the numbers from `low` to `high`."""

    choices: list[Any] | None = Field(default=None, min_length=1, max_length=1000, description="values to choose from")
    low: _Number | None = Field(default=None, description="lowest number")
    high: _Number | None = Field(default=None, description="highest number")
    step: Annotated[_Number, Field(gt=0)] | None = Field(
        default=None,
        description="distance between the numbers; null: any number, or any whole one if the spec needs it",
    )
    log: bool = Field(default=False, description="whether to search the logarithm of the number")
    when: dict[str, Any] = Field(
        default={}, description="paths, and the value or list of values that each must have for this one to be searched"
    )


class Settings(Section):
    """A sweep: which values of a spec to try, and what is measured."""

    description: str = Field(default="", description="what the sweep is about, in a sentence")
    spec: str = Field(min_length=1, description="path of the spec, relative to this file")
    minimize: str | None = Field(default=None, min_length=1, description="value to minimize, such as validation/loss")
    maximize: str | None = Field(
        default=None, min_length=1, description="value to maximize, such as validation/accuracy"
    )
    search: dict[str, Searched] = Field(min_length=1, max_length=100, description="values by their path, as in --set")
    trials: Annotated[PositiveInt, Field(le=MOST_TRIALS)] | None = Field(
        default=None, description="number of trials; null: the whole grid"
    )
    seeds: Annotated[int | list[int], BeforeValidator(_check_seeds)] | None = Field(
        default=None, description="seeds of a trial's runs, or how many; null: the spec's own"
    )
    folds: Annotated[int, Field(ge=2, le=1000)] | None = Field(
        default=None, description="number of folds, each the test split of one of a trial's runs"
    )
    sampler: Literal["tpe", "random", "grid"] = Field(default="tpe", description="how values are chosen")
    pruner: Literal["median"] | None = Field(default=None, description="which runs are stopped early")
    seed: Annotated[int, Field(ge=0, lt=2**32)] = Field(default=0, description="seed of the sampler")
    generation: Annotated[PositiveInt, Field(le=1000)] = Field(
        default=GENERATION, description="trials that are chosen together, before any of them is trained"
    )

    @property
    def objective(self) -> str:
        """The name of the value to minimize or maximize."""
        return self.minimize or self.maximize or ""


def read_settings(path: Path) -> tuple[Settings, Document]:
    """Return the content of a sweep file, and its document, which finds the lines.

    Raises:
        SpecError: with every mistake that was found.
    """
    parsed = read_json(path)
    document = Document(parsed.value, str(path), path.parent, parsed.spans, parsed.mistakes)
    mistakes = list(document.mistakes)
    if not mistakes and not isinstance(parsed.value, dict):
        help = '{"spec": "base.json", "minimize": "validation/loss", "search": {…}, "trials": 50}'
        message = f"a sweep should be an object, not {show_value(parsed.value)}"
        mistakes = [Diagnostic("wrong-type", message, (), help)]
    elif not mistakes and {"dataset", "layers"} <= parsed.value.keys():
        help = f'specnet run {path} trains it; a sweep names it, in "spec": "{path.name}"'
        mistakes = [Diagnostic("wrong-type", "this is a spec, not a sweep", ("layers",), help)]
    elif not mistakes:
        try:
            settings = Settings.model_validate_json(to_json(document.value), strict=True)
            mistakes = [*_check(settings)]
        except ValidationError as error:
            mistakes = explain_invalid(explain_unknown_keys(error, Settings)).diagnostics
            misspelt = any(found.code == "unknown-key" for found in mistakes)
            if not (misspelt or {"minimize", "maximize"} & {*parsed.value}):
                mistakes.append(_NO_OBJECTIVE)
    if mistakes:
        raise SpecError([document.locate(found) for found in mistakes], file=str(path))
    return settings, document


def _check(settings: Settings) -> Iterator[Diagnostic]:
    if not settings.objective:
        yield _NO_OBJECTIVE
    elif settings.minimize and settings.maximize:
        yield Diagnostic("wrong-value", "a sweep minimizes or maximizes, not both", ("maximize",))
    if settings.seeds is not None and settings.folds is not None:
        yield Diagnostic("wrong-value", "a trial has a run for each seed, or for each fold, not both", ("folds",))
    for path, about in settings.search.items():
        place: Pointer = ("search", path)
        if path.endswith("+") or not OVERRIDE_PATH.fullmatch(path):
            message = f"{quote(path)} is not a path, such as training.batch_size or layers.0.units"
            yield Diagnostic("wrong-value", message, place)
        yield from (found._replace(pointer=(*place, *found.pointer)) for found in _check_range(about, settings.sampler))


def _check_range(about: Searched, sampler: str) -> Iterator[Diagnostic]:
    """Yield what is wrong with a range by itself."""
    low, high, step = about.low, about.high, about.step
    if about.choices is not None:
        if further := {"low", "high", "step", "log"} & about.model_fields_set:
            yield Diagnostic("wrong-value", "choices have no low, high, step or log", (min(further),))
        texts = [show_value(choice) for choice in about.choices]
        twice = next((number for number, text in enumerate(texts) if text in texts[:number]), None)
        if twice is not None:
            yield Diagnostic("wrong-value", f"{texts[twice]} is listed twice", ("choices", twice))
    elif low is None or high is None:
        help = '{"low": 0.001, "high": 0.1}, or {"choices": ["tanh", "relu"]}'
        yield Diagnostic("missing-key", "expected low and high, or choices", (), help)
    elif high < low:
        yield Diagnostic("out-of-range", f"high should not be less than low, {low}", ("high",))
    elif about.log and low <= 0:
        help = "low and high are the numbers themselves, not exponents"
        yield Diagnostic("out-of-range", "with log, low should be greater than 0", ("low",), help)
    elif about.log and step is not None:
        yield Diagnostic("wrong-value", "a range with log has no step", ("step",), "name the numbers as choices")
    elif step is not None and (rest := (exact(high) - exact(low)) % exact(step)):
        last = exact(high) - rest
        help = " or ".join(str(int(end) if end.denominator == 1 else float(end)) for end in (last, last + exact(step)))
        help = f"high could be {help}"
        yield Diagnostic("out-of-range", f"high is not a whole number of steps above low, {low}", ("high",), help)
    elif sampler == "grid" and step is None and (about.log or not (type(low) is type(high) is int)):
        what = "the numbers as choices" if about.log else "a step, or choices"
        yield Diagnostic("missing-key", "a grid cannot contain all numbers of this range", (), f"give it {what}")


def exact(number: int | float) -> Fraction:
    """Return a number as it is written: steps of 0.1 do not add up in binary."""
    return Fraction(repr(number))
