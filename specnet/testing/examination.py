"""Check the claims about a component one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial, wraps
from inspect import signature
from typing import Any, Concatenate, ParamSpec

from specnet import registry
from specnet.component import build
from specnet.testing.base import C, Checks
from specnet.testing.outcomes import Outcome, concluded, demand, show_error
from specnet.testing.surroundings import attempt, watched

EXAMINERS: dict[str, Callable[..., Iterator[Outcome]]] = {}
"""For each group, the function that yields the outcome of each check of a component."""
P = ParamSpec("P")
Examine = Callable[Concatenate[C, P], Iterator[Outcome]]


def examine_all(
    tried: Iterable[Checks[Any]], refuse: bool = True, also: Callable[[list[Any]], Iterable[Outcome]] = lambda taken: ()
) -> Iterator[Outcome]:
    """Yield the outcome of each claim, checked with the data that the component accepts.

    With `refuse` False it has to accept all of them. `also` returns further outcomes from the accepted ones.
    """
    taken, changes = [*tried], list[str]()
    if taken[0].accepted:
        with watched(changes):
            outcome, taken = _accept(taken, refuse)
        yield outcome
    yield from also(taken)
    for number, claim in enumerate(taken[0].claims() if taken else ()):
        if taken[0].applies(claim):
            chosen = taken[:1] if claim in taken[0].once else taken
            with watched(changes):
                outcome = conclude(getattr(type(taken[0]), claim), chosen)
            yield outcome
            if not outcome.passed and number < taken[0].first + 2:
                break
    yield concluded("its surroundings are not changed", [*dict.fromkeys(changes)])


def _accept(tried: list[Any], refuse: bool) -> tuple[Outcome, list[Any]]:
    """Return whether a component accepts some of the data and refuses the others, and the accepted ones."""
    taken, refused, broken = list[Any](), list[str](), list[str]()
    for each in tried:
        error = attempt(each.accept)
        if isinstance(error, each.refusal):
            refused.append(_about(each, error.message))
        elif isinstance(error, BaseException):
            broken.append(_about(each, show_error(error)))
        else:
            taken.append(each)
    if not refuse:
        broken += refused
    elif not taken and not broken:
        broken = ["none of those tried is accepted: choose some that are", *refused]
    return concluded(tried[0].accepted, broken), taken


def conclude(claim: Callable[[Any], Iterable[str]], tried: Sequence[Checks[Any]]) -> Outcome:
    """Check one claim; an exception that the component raises is a problem as well."""
    group, problems = tried[0].component.group, []
    name = claim.__name__.replace("_", " ").replace("components", group).replace("component", registry.SINGULAR[group])
    for each in tried:
        found = attempt(partial(lambda each: next(iter(claim(each)), None), each))
        if found is not None:
            problems.append(_about(each, show_error(found) if isinstance(found, BaseException) else found))
    return concluded(name, problems)


def _about(checks: Checks[Any], problem: str) -> str:
    return f"{checks.about}: {problem}".removeprefix(": ")


def checker(
    group: str,
) -> Callable[[Examine[C, P]], Callable[Concatenate[C | str | dict[str, Any], P], None]]:
    """Turn a function that yields outcomes of a component of `group` into one that raises an error if any fails.

    The new function takes the component as in a spec or as an instance. `EXAMINERS` keeps the original.
    """

    def decorate(examine: Examine[C, P]) -> Callable[Concatenate[C | str | dict[str, Any], P], None]:
        @wraps(examine)
        def check(component: C | str | dict[str, Any], /, *args: P.args, **kwargs: P.kwargs) -> None:
            built: Any = build(group, component)
            demand(repr(built), examine(built, *args, **kwargs))

        EXAMINERS[group] = examine
        check.__signature__ = signature(examine).replace(return_annotation=None)  # type: ignore[attr-defined]
        return check

    return decorate
