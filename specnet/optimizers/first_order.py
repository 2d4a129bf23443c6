"""The contract of optimizers that take one step for each gradient."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import groupby
from typing import Annotated, Any

import numpy as np
from pydantic import ConfigDict, Field

from specnet.component import Section
from specnet.layer_numbers import LayerNumbers, layer_numbers
from specnet.optimizers.base import Objective, Optimizer, State
from specnet.schedules.base import scheduled

Beta = Annotated[float, scheduled(ge=0, lt=1)]
"""The share of a running mean that is kept in each step."""
Epsilon = Annotated[float, scheduled(gt=0), Field(description="keeps the division finite: a number or a schedule")]
LearningRate = Annotated[float, scheduled(gt=0), Field(description="step size: a number or a schedule")]
WeightDecay = Annotated[
    float,
    scheduled(ge=0),
    Field(
        description="share of each weight that is subtracted in each step, times the learning rate; biases and gains "
        "do not decay"
    ),
]


class LayerGroup(Section):
    """Layers that are trained with another learning rate or weight decay, or not at all."""

    model_config = ConfigDict(frozen=False)
    layers: LayerNumbers = Field(
        description='numbers of layers in the spec\'s list, or a range of them: "0:3" is 0, 1 and 2', examples=["0:3"]
    )
    trainable: bool = Field(default=True, description="whether their parameters change")
    learning_rate: Annotated[float, scheduled(gt=0)] | None = Field(
        default=None, description="a number or a schedule; null: that of the optimizer"
    )
    weight_decay: Annotated[float, scheduled(ge=0)] | None = Field(
        default=None, description="a number or a schedule; null: that of the optimizer"
    )

    def numbers(self, count: int) -> list[int]:
        """Return the numbers of its layers in a network of `count` layers, or more if the spec says so."""
        return layer_numbers(self.layers, count)


class FirstOrder(Optimizer):
    """An optimizer with a learning rate, weight decay and groups of layers.

    A subclass defines `update`, which calls `self.decay(w, state)` before its own change of w:
    w <- w - a d w for parameters that decay, with the learning rate a and the weight decay d. This is decoupled from
    the gradient. Loshchilov & Hutter, "Decoupled weight decay regularization", 2019.
    """

    learning_rate: LearningRate = 0.001
    weight_decay: WeightDecay = 0.0
    groups: list[LayerGroup] = Field(
        default=[], max_length=1000, description="groups of layers with different settings"
    )

    @property
    def decays(self) -> bool:
        """Whether anything decays."""
        return any(rate not in (None, 0) for rate in (self.weight_decay, *(each.weight_decay for each in self.groups)))

    def decay(self, w: np.ndarray, state: State) -> None:
        """Subtract a d w from w where parameters decay."""
        if self.weight_decay:
            w -= self.learning_rate * self.weight_decay * state.decay * w

    def bind(self, shapes: Mapping[str, tuple[int, ...]], objective: Objective | None = None) -> None:
        super().bind(shapes, objective)
        if self.groups:
            self.grouped = [*self._divide(shapes)]

    def _divide(
        self, shapes: Mapping[str, tuple[int, ...]]
    ) -> Iterator[tuple[LayerGroup | None, slice, tuple[int, ...]]]:
        """Yield the parts of the flat vector that are trained, each with its group."""
        count = max((_number(name) for name in shapes), default=0) + 1
        groups = {number: group for group in self.groups for number in group.numbers(count)}
        start = 0
        for _, names in groupby(shapes, lambda name: id(groups.get(_number(name)))):
            run = {name: shapes[name] for name in names}
            group = groups.get(_number(next(iter(run))))
            for part, cut in self.cut(run):
                if group is None or group.trainable:
                    yield group, slice(start + part.start, start + part.stop), cut
            start += sum(map(math.prod, run.values()))

    @property
    def ranges(self) -> list[slice]:
        return [part for _, part, _ in self.grouped] if self.groups else super().ranges

    def steps(self, w: np.ndarray, g: np.ndarray, state: State) -> list[Callable[[int], None]]:
        if not self.groups:
            return super().steps(w, g, state)
        return [
            partial(self.update_group, group, w[part].reshape(shape), g[part].reshape(shape), state.cut(part, shape))
            for group, part, shape in self.grouped
        ]

    def update_group(self, group: LayerGroup | None, w: np.ndarray, g: np.ndarray, state: State, step: int) -> None:
        """Take a step with the values of a group."""
        own: dict[str, Any] = {"learning_rate": self.learning_rate, "weight_decay": self.weight_decay}
        for name in own:
            if group and (value := getattr(group, name)) is not None:
                setattr(self, name, value)
        self.update(w, g, state, step)
        vars(self).update(own)


def _number(name: str) -> int:
    """Return the number of the layer of a parameter, such as "layers.2.weight"."""
    return int(name.split(".")[1])
