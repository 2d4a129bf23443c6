"""What a check has found, and the error that lists every check that failed."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np

from specnet.component import Component, build
from specnet.errors import SpecnetError, show_pointer

SHOWN = 3
"""Problems that are told of one check."""
NOT_ITS_OWN = ("specnet.testing", "numpy")
"""Modules in which no mistake of a component lies."""


class Outcome(NamedTuple):
    """One check of a component: what should hold and, where it does not, why.

    A check that has passed and has a reason could not be made, or found what might be better.
    """

    check: str
    passed: bool
    reason: str = ""


class ConformanceError(AssertionError):
    """A component breaks its contract; `outcomes` are the checks that failed."""

    def __init__(self, name: str, outcomes: Sequence[Outcome]) -> None:
        self.name = name
        self.outcomes = list(outcomes)
        lines = [f"- {outcome.check}:\n{indented(outcome.reason, 4)}" for outcome in outcomes]
        count = f"{len(lines)} of its checks fail" if len(lines) > 1 else "a check fails"
        super().__init__("\n".join([f"{name}: {count}", *lines]))


class Subject(Protocol):
    """A component in one of the situations that it is checked in."""

    @property
    def component(self) -> Component:
        """What is checked."""

    @property
    def situation(self) -> str:
        """What stands in front of a problem, such as "inputs of shape (4, 3)"; may be empty."""


S = TypeVar("S", bound=Subject)
Problems = Iterator[str]
Check = Callable[[S], Problems]
"""Gives every problem that it finds, in words; its name, with spaces, says what should hold."""


def outcomes(
    first: Iterable[Check[S]], others: Iterable[Check[S]], subjects: Sequence[S], once: Iterable[Check[S]] = ()
) -> Iterator[Outcome]:
    """Make checks, each on all subjects, but `once` on one alone. If one of the first fails, no other is made."""
    for check in first:
        outcome = make(check, subjects)
        yield outcome
        if not outcome.passed:
            return
    for check in others:
        yield make(check, subjects)
    for check in once:
        yield make(check, subjects[:1])


def make(check: Check[S], subjects: Sequence[S]) -> Outcome:
    """Make one check; what a component raises is a problem, too."""
    problems: list[str] = []
    for subject in subjects:
        found = attempt(lambda subject=subject: check(subject))  # type: ignore[misc]
        problems += [f"{subject.situation}: {each}" if subject.situation else each for each in found]
    return concluded(check.__name__.replace("_", " "), problems)


def concluded(check: str, problems: Sequence[str]) -> Outcome:
    """Return the outcome of a check that found these problems."""
    more = [f"… and {len(problems) - SHOWN} more problems"] if len(problems) > SHOWN else []
    return Outcome(check, not problems, "\n".join([*problems[:SHOWN], *more]))


def attempt(call: Callable[[], Iterable[str]]) -> list[str]:
    """Return the problems that a call gives, what it raises among them."""
    problems: list[str] = []
    try:
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):  # as in training
            for problem in call():
                problems.append(problem)
    except MemoryError:
        raise
    except (Exception, SystemExit) as error:
        problems.append(show_error(error))
    return problems


def sift(
    check: str, tried: Iterable[S], call: Callable[[S], object], refusal: type[SpecnetError] = SpecnetError
) -> tuple[list[S], Outcome]:
    """Return the subjects for which a call succeeds: there should be one, and the others should be refused properly."""
    taken: list[S] = []
    refused: list[str] = []
    broken: list[str] = []
    for subject in tried:
        try:
            with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
                call(subject)
            taken.append(subject)
        except MemoryError:
            raise
        except refusal as error:
            refused.append(f"{subject.situation}: {error.message}".removeprefix(": "))
        except (Exception, SystemExit) as error:
            broken.append(f"{subject.situation}: {show_error(error)}".removeprefix(": "))
    return taken, concluded(check, broken or ([] if taken else refused))


def show_error(error: BaseException) -> str:
    """Return what was raised, and in which line of the component."""
    if isinstance(error, SpecnetError):
        found = error.diagnostics[0]
        at = f" at {show_pointer(found.pointer)}" if found.pointer else ""
        text = f"{type(error).__name__}{at}: {found.message}"
    else:
        text = f"{type(error).__name__}: {error}".rstrip(": ")
    cause = error.__cause__ if isinstance(error.__cause__, Exception) else error
    frames = [
        (frame, line)
        for frame, line in traceback.walk_tb(cause.__traceback__)
        if not str(frame.f_globals.get("__name__", "")).startswith(NOT_ITS_OWN)
    ]
    if not frames:
        return f"raises {text}"
    frame, line = frames[-1]
    return f"raises {text}, in {frame.f_globals.get('__name__')}, line {line}, in {frame.f_code.co_name}"


def demand(name: str, found: Iterable[Outcome]) -> None:
    """Return if all outcomes are good.

    Raises:
        ConformanceError: listing those that are not.
    """
    failed = [outcome for outcome in found if not outcome.passed]
    if failed:
        raise ConformanceError(name, failed)


def demand_of(group: str, value: Any, examine: Callable[[Any], Iterable[Outcome]]) -> None:
    """Examine a component of a group, given as in a spec or as an instance.

    Raises:
        ConformanceError: listing what is wrong with it.
    """
    component = build(group, value)
    demand(repr(component), examine(component))


def indented(text: str, width: int) -> str:
    """Return a text with each line moved to the right."""
    return "\n".join(" " * width + line for line in text.split("\n"))
