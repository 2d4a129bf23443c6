"""One way to check a component of any group, and `Case`: a check with a name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from specnet.component import Component
from specnet.testing.examination import EXAMINERS
from specnet.testing.examples import show_fields
from specnet.testing.outcomes import Outcome, concluded, demand, show_error


@dataclass(frozen=True)
class Case:
    """A component to check in one configuration: by a call, or by `outcomes` for each result.

    As an argument of a test, `str(case)` is its name.
    """

    name: str
    examine: Callable[[], Iterator[Outcome]]

    def __str__(self) -> str:
        return self.name

    def __call__(self) -> None:
        """Check the component.

        Raises:
            ConformanceError: naming every check that fails, and why.
        """
        demand(self.name, self.outcomes())

    def outcomes(self) -> Iterator[Outcome]:
        """Yield the outcome of each check, even if the component raises an error."""
        try:
            yield from self.examine()
        except MemoryError:
            raise
        except (Exception, SystemExit) as error:
            yield concluded("it can be checked", [show_error(error)])


def examine(component: Component, **situation: Any) -> Iterator[Outcome]:
    """Yield the outcome of each check of a component; `situation` are arguments of `check_layer` and the like."""
    return EXAMINERS[component.group](component, **situation)


def example_cases(name: str, components: Sequence[Component], **situation: Any) -> Iterator[Case]:
    """Yield a case for each component, named by its fields that are not defaults."""
    for component in components:
        fields = component.model_dump(mode="json", by_alias=True, exclude_unset=True)
        yield Case(f"{name} {show_fields(fields)}" if fields else name, partial(examine, component, **situation))


def check(component: Component, **situation: Any) -> None:
    """Check that a component keeps the contract of its group; further arguments as in `check_layer` and the like.

    Raises:
        ConformanceError: naming every check that fails, and why.
    """
    demand(repr(component), examine(component, **situation))
