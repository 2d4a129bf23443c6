"""One way to check a component of any group, and `Case`: a check with a name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from specnet import registry
from specnet.component import Component
from specnet.errors import UnknownComponentError
from specnet.testing.callbacks import examine_callback
from specnet.testing.datasets import examine_dataset
from specnet.testing.initializers import examine_initializer
from specnet.testing.layers import examine_layer
from specnet.testing.losses import examine_loss
from specnet.testing.metrics import examine_metric
from specnet.testing.optimizers import examine_optimizer
from specnet.testing.outcome import Outcome, concluded, demand, show_error
from specnet.testing.plots import examine_plot
from specnet.testing.schedules import examine_schedule
from specnet.testing.transforms import examine_transform

EXAMINERS: dict[str, Callable[..., Iterator[Outcome]]] = {
    "layers": examine_layer,
    "losses": examine_loss,
    "metrics": examine_metric,
    "optimizers": examine_optimizer,
    "schedules": examine_schedule,
    "initializers": examine_initializer,
    "datasets": examine_dataset,
    "transforms": examine_transform,
    "plots": examine_plot,
    "callbacks": examine_callback,
}


@dataclass(frozen=True)
class Case:
    """A component to be checked, in one configuration; a call does it, and `outcomes` tells what is found.

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
        """Give the outcome of each check, even where the component ends them by an error."""
        try:
            yield from self.examine()
        except MemoryError:
            raise
        except (Exception, SystemExit) as error:
            yield concluded("it can be checked", [show_error(error)])


def examine(component: Component, **situation: Any) -> Iterator[Outcome]:
    """Give the outcome of each check of a component; `situation` are arguments of `check_layer` and its like."""
    return EXAMINERS[component.group](component, **situation)


def check(component: Component, **situation: Any) -> None:
    """Check that a component keeps the contract of its group; further arguments as of `check_layer` and its like.

    Raises:
        ConformanceError: naming every check that fails, and why.
    """
    demand(repr(component), examine(component, **situation))


def name_of(component: Component) -> str:
    """Return the name by which a spec gets a component, or that of its class."""
    try:
        return registry.name_of(component.group, type(component))
    except UnknownComponentError:
        return type(component).__name__
