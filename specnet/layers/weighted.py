"""The contracts of layers that are trained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import Field, NonNegativeFloat, PositiveFloat, model_validator

from specnet.errors import ShapeError
from specnet.initializers.base import Initializer
from specnet.layers.base import Layer, Parameter
from specnet.layers.sharing import check_settings, find_named, shared_parameter
from specnet.schedules.base import scheduled
from specnet.task import Shape

if TYPE_CHECKING:
    from specnet.layers.stack import Stack

Rate = Annotated[float, scheduled(ge=0)]


class TrainableLayer(Layer):
    """A layer with parameters, its own or of layers inside it, which may be frozen, or shared with an earlier layer.

    What a layer with `share` declares are views of the parameters of another one, whose gradients get its own added.
    """

    trainable: bool = Field(default=True, description="whether parameters change in training")
    share: str | None = Field(
        default=None,
        exclude_if=lambda share: share is None,
        repr=False,
        description="name of an earlier layer, whose parameters this one uses; running state is its own",
    )

    def model_post_init(self, context: Any) -> None:
        super().model_post_init(context)
        self.frozen = not self.trainable
        self.owner: Layer | None = None
        self.transposed = False

    def find_owner(self) -> Layer | None:
        """Return the layer whose parameters are used, if there is one."""
        if self.owner is None and self.share is not None:
            self.owner, self.transposed = find_named(self), getattr(self, "transpose", False)
            check_settings(self, self.owner)
        return self.owner

    def stack(
        self, layers: Sequence[Layer] | Layer, *place: str | int, times: int | None = None, needs_dx: bool = False
    ) -> Stack:
        stack = super().stack(layers, *place, times=times, needs_dx=needs_dx)
        if owner := self.find_owner():
            stacks = owner.stacks[len(self.stacks) - 1 :]
            theirs = stacks[0].layers if stacks else []
            if len(theirs) != len(stack.layers):
                raise ShapeError("does not have the same layers inside as the one that it shares", pointer=("share",))
            for layer, other in zip(stack.layers, theirs, strict=True):
                layer.owner = other
        return stack

    def declare(
        self, name: str, shape: Shape, initializer: Initializer | str | dict[str, Any], **options: Any
    ) -> Parameter:
        parameter = super().declare(name, shape, initializer, **options)
        owner = self.find_owner()
        if owner and not (self.transposed and (name != "weight" or len(shape) < 2)):
            self.parameters.pop()
            self.shared.append(shared_parameter(self, parameter, owner, self.transposed))
        return parameter


class WeightedLayer(TrainableLayer):
    """A layer with weights, which may be penalized, limited, kept as they are or shared, transposed or not.

    Training does all this: penalties are added to the loss, and weights are limited after each step. It applies to the
    parameters that decay, not to biases and gains.
    """

    transpose: bool = Field(
        default=False,
        exclude_if=lambda transpose: not transpose,
        repr=False,
        description="whether to share only the weight, with its last two axes exchanged",
    )
    l1: Rate | None = Field(default=None, description="c of c sum |w| in the loss; null: that of training")
    l2: Rate | None = Field(default=None, description="c of c sum w^2 in the loss; null: that of training")
    activity_l1: NonNegativeFloat = Field(default=0.0, description="c of c sum |y| in the loss, a mean over samples")
    activity_l2: NonNegativeFloat = Field(default=0.0, description="c of c sum y^2 in the loss, a mean over samples")
    max_norm: PositiveFloat | None = Field(default=None, description="largest norm of the weights of a unit")
    unit_norm: bool = Field(default=False, description="whether the weights of each unit have norm 1")
    non_negative: bool = Field(default=False, description="whether negative weights become 0")

    @model_validator(mode="after")
    def _transposes_what_it_shares(self) -> Self:
        if self.transpose and self.share is None:
            raise ValueError('"transpose" needs "share": name the layer whose weight is transposed')
        return self
