"""The contract of optimizers."""

from __future__ import annotations

import itertools
import math
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from types import SimpleNamespace
from typing import Any, ClassVar, Literal, Protocol, cast

import numpy as np

from specnet.component import Component
from specnet.schedules.base import Schedule
from specnet.words import Pointer

PIECE = 131_072
"""Elements that are updated at a time: a few arrays of this length stay in a core's cache."""


class State(SimpleNamespace):
    """An optimizer's arrays by name: `state.m`; an optimizer inside it has its own state."""

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"the optimizer has no state {name!r}; state_names should contain it")

    def cut(self, part: slice, shape: tuple[int, ...]) -> State:
        """Return views of a part of each flat array, in a shape."""
        return State(
            **{
                name: array.cut(part, shape) if isinstance(array, State) else array[part].reshape(shape)
                for name, array in vars(self).items()
            }
        )


class Objective(Protocol):
    """The loss of the current batch as a function of all parameters, a flat vector."""

    def evaluate(self, w: np.ndarray) -> tuple[float, np.ndarray]:
        """Return loss and gradient at w; the gradient is a new array."""
        ...

    def jacobian(self) -> np.ndarray:
        """Return the derivatives (outputs, parameters) of all outputs of the batch at the current parameters."""
        ...

    def curvature(self) -> np.ndarray:
        """Return the second derivative of the loss by each output of the batch; the loss is `quadratic`."""
        ...


class Optimizer(Component):
    """Turns gradients into steps.

    `update(w, g, state, step)` changes the parameters w and the state in place, given the gradient g. The rule is
    elementwise: it is applied to cache-sized pieces of the flat vectors. A rule that needs each parameter in its shape
    sets `whole_tensors`; one that needs the flat vector of all parameters sets `whole_vector`, implied for
    rules that evaluate the loss again or wrap another optimizer.

    `state_names` lists the arrays that a rule keeps between steps. They are like w, start at 0 and are saved with the
    run: `state.m` for the name `m`. `step` counts the steps already taken.

    A field that may vary with time is `Annotated[float, scheduled(gt=0)]`. If the spec has a schedule, the field is
    a plain number in `update`, its value in that step.

    A rule that evaluates the loss again lists it in `needs` and calls `self.objective.evaluate(w)`, on the same batch
    with the same random numbers, or `self.objective.jacobian()` and `curvature()`. A rule that wraps another has a
    field of type `Optimizer` and calls its `apply`; the state of that field `optimizer` is `state.optimizer`.

    Most rules are derived from `specnet.optimizers.first_order.FirstOrder`, which has the fields `learning_rate`,
    `weight_decay` and `groups`.
    """

    group: ClassVar[str] = "optimizers"
    run_time = ("objective",)
    whole_tensors: ClassVar[bool] = False
    whole_vector: ClassVar[bool] = False
    needs: ClassVar[tuple[Literal["evaluate", "jacobian"], ...]] = ()
    full_batch: ClassVar[bool] = False
    """Whether every step needs the same samples, that is `"batch_size": "full"`."""
    adaptive: ClassVar[bool] = False
    """Whether each parameter has its own step length, divided by its `preconditioner`."""
    decays: ClassVar[Any] = False
    """Whether the rule decays parameters: `state.decay` is then 1 where one decays and 0 elsewhere.

    May be a property that depends on the rule's fields.
    """
    state_names: ClassVar[Any] = ()
    """The arrays that the rule keeps between steps. May be a property, as `decays`."""

    @abstractmethod
    def update(self, w: np.ndarray, g: np.ndarray, state: State, step: int) -> None:
        """Take one step: change w and the state in place, but not g."""

    def weights_for_evaluation(self, w: np.ndarray, state: State) -> np.ndarray | None:
        """Return the parameters to evaluate, save as best and export; None if they are w.

        w is the flat vector of all parameters, and must not be changed.
        """
        for name, inner in vars(state).items():
            if isinstance(inner, State):  # that of an optimizer inside this one
                weights: np.ndarray | None = getattr(self, name).weights_for_evaluation(w, inner)
                if weights is not None:
                    return weights
        return None

    def preconditioner(self, state: State, step: int) -> np.ndarray | None:
        """Return P (n,) after `step` steps: a rule divides the steps of gradient descent by P.

        None means that it does not. Required if `adaptive` is True.
        """
        return None

    def stable_curvature(self) -> float | None:
        """Return the curvature of a loss above which steps along it grow, where all fields are numbers.

        Of an `adaptive` rule it is that of P^-1 H, with its preconditioner P and the Hessian H. None means that there
        is no such number.
        """
        return None

    def stable_curvature_at(self, learning_rate: float) -> float | None:
        """Return the same for a learning rate; None, too, if layers have others, or if another field has a schedule."""
        copied = self.model_copy(update={"learning_rate": learning_rate})
        groups = getattr(self, "groups", [])
        varying = any(isinstance(value, Schedule) for name, value in copied if name != "weight_decay")
        return None if varying or any(each.learning_rate is not None for each in groups) else copied.stable_curvature()

    def bind(self, shapes: Mapping[str, tuple[int, ...]], objective: Objective | None = None) -> None:
        """Prepare for parameters of these shapes, in their order in the flat vector."""
        self.objective = cast(Objective, objective)
        self.parts = self.cut(shapes)
        for _, optimizer in inner_optimizers(self):
            optimizer.bind(shapes, objective)

    def cut(self, shapes: Mapping[str, tuple[int, ...]]) -> list[tuple[slice, tuple[int, ...]]]:
        """Return the parts of a flat vector of parameters of these shapes, as the rule takes them."""
        total = sum(math.prod(shape) for shape in shapes.values())
        cuts: list[tuple[int, ...]] = [(min(PIECE, total - start),) for start in range(0, total, PIECE)]
        if self.whole_vector or self.needs or any(inner_optimizers(self)):
            cuts = [(total,)]
        elif self.whole_tensors:
            cuts = [*shapes.values()]
        ends = itertools.accumulate(map(math.prod, cuts))
        return [(slice(end - math.prod(shape), end), shape) for end, shape in zip(ends, cuts, strict=True)]

    @property
    def ranges(self) -> list[slice]:
        """Where in the flat vectors each of `steps` is, in order."""
        return [part for part, _ in self.parts]

    def steps(self, w: np.ndarray, g: np.ndarray, state: State) -> list[Callable[[int], None]]:
        """Return `update` for each part of the flat vectors and of the state that the rule needs, as views."""
        return [
            partial(self.update, w[part].reshape(shape), g[part].reshape(shape), state.cut(part, shape))
            for part, shape in self.parts
        ]

    def apply(self, w: np.ndarray, g: np.ndarray, state: State, step: int) -> None:
        """Take one step on the flat vectors of all parameters and gradients."""
        for update in self.steps(w, g, state):
            update(step)


def inner_optimizers(optimizer: Optimizer) -> Iterator[tuple[str, Optimizer]]:
    """Yield the optimizers that fields of an optimizer hold, by name."""
    for name in type(optimizer).model_fields:
        if isinstance(inner := getattr(optimizer, name), Optimizer):
            yield name, inner


def rated_optimizer(optimizer: Optimizer) -> tuple[Pointer, Optimizer]:
    """Return the place in the spec of the optimizer with the learning rate, the given one or one inside it, and it.

    If none has a learning rate, that is the innermost.
    """
    place: Pointer = ("optimizer",)
    while not hasattr(optimizer, "learning_rate") and (found := next(inner_optimizers(optimizer), None)):
        place, optimizer = (*place, found[0]), found[1]
    return place, optimizer


def all_state_names(optimizer: Optimizer) -> tuple[str, ...]:
    """Return the names of an optimizer's arrays; for an optimizer inside it by place, such as `optimizer.m`."""
    names = [
        f"{name}.{inner_name}" for name, inner in inner_optimizers(optimizer) for inner_name in all_state_names(inner)
    ]
    return (*optimizer.state_names, *names)


def all_needs(optimizer: Optimizer) -> set[str]:
    """Return what an optimizer and those inside it need from the objective."""
    return {*optimizer.needs}.union(*(all_needs(inner) for _, inner in inner_optimizers(optimizer)))


def named_state(optimizer: Optimizer, arrays: np.ndarray) -> State:
    """Return the state of an optimizer whose arrays are the rows of `arrays`, in the order of `all_state_names`."""
    rows = iter(arrays)

    def named(optimizer: Optimizer) -> State:
        own = {name: next(rows) for name in optimizer.state_names}
        return State(**own, **{name: named(inner) for name, inner in inner_optimizers(optimizer)})

    return named(optimizer)


def decaying(optimizer: Optimizer, state: State) -> Iterator[State]:
    """Yield the state of an optimizer, and of those inside it, that decay parameters."""
    if optimizer.decays:
        yield state
    for name, inner in inner_optimizers(optimizer):
        yield from decaying(inner, getattr(state, name))


def frozen_layers(optimizer: Optimizer, count: int) -> set[int]:
    """Return the numbers of layers, of `count`, that an optimizer or one inside it does not train."""
    groups = [group for group in getattr(optimizer, "groups", []) if not group.trainable]
    found = {number for group in groups for number in group.numbers(count)}
    return found.union(*(frozen_layers(inner, count) for _, inner in inner_optimizers(optimizer)))
