"""Twins: layers, losses and optimizers written again in JavaScript, in `specnet/report/scripts/twins`."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from specnet.errors import SpecnetError
from specnet.words import show_pointer

_ACTIVATIONS = (
    "sigmoid", "tanh", "relu", "leaky_relu", "elu", "gelu", "silu", "softplus", "relu6", "selu", "mish", "hard_sigmoid",
    "hard_silu", "softsign", "sine", "square", "gaussian",
)  # fmt: skip
_MERGES = ("concat", "add", "average", "multiply", "maximum")
LAYER_TWINS: dict[str, tuple[str, ...]] = {
    "linear": ("linear.js",),
    **dict.fromkeys(_ACTIVATIONS, ("activation.js",)),
    **dict.fromkeys(("softmax", "log_softmax"), ("softmax.js",)),
    "dropout": ("dropout.js",),
    **dict.fromkeys(("identity", "flatten", "reshape"), ("shape.js",)),
    **dict.fromkeys(("conv1d", "conv2d"), ("windows.js", "convolution.js")),
    **dict.fromkeys(
        ("max_pool1d", "max_pool2d", "average_pool1d", "average_pool2d", "global_max_pool", "global_average_pool"),
        ("windows.js", "pooling.js"),
    ),
    **dict.fromkeys(("batch_norm", "layer_norm", "rms_norm"), ("normalization.js",)),
    **dict.fromkeys(("residual", "parallel", "sequential", "repeat", *_MERGES), ("composite.js",)),
}
"""Layers that have a twin, by their names in a spec, and the scripts that it needs."""
LOSS_TWINS = ("mse", "mae", "huber", "log_cosh", "bce", "bce_with_logits", "hinge", "cross_entropy")
OPTIMIZER_TWINS = ("sgd", "adam", "adamw", "rmsprop")
NETWORK_SCRIPTS = ("arrays.js", "network.js")
"""Scripts that every network needs, before those of its layers."""
TRAINING = ("random.js", "activation.js", "losses.js", "optimizers.js", "training.js")
"""Scripts that training needs, whatever the layers: another activation may be chosen."""
_FIXED: dict[str, dict[str, Any]] = {
    "conv1d": {"groups": 1, "padding_mode": "zeros"},
    "conv2d": {"groups": 1, "padding_mode": "zeros"},
    "softmax": {"axis": -1},
    "log_softmax": {"axis": -1},
    "concat": {"axis": -1},
    "cross_entropy": {"ignore_index": None},
}
"""Fields that twins have with this value alone."""
_TRAINING: dict[str, Any] = {
    "activity_l1": 0, "activity_l2": 0, "max_norm": None, "unit_norm": False, "non_negative": False,
    "groups": [],
}  # fmt: skip
"""The same for training, for all components that have such a field."""


def check_layers(layers: Sequence[Mapping[str, Any]], *place: str | int, training: bool = True) -> None:
    """Check that layers, given as JSON with all defaults, have twins, for training or for predictions alone.

    Raises:
        SpecnetError: naming the first layer that has none, or its field.
    """
    for where, layer in walk_layers(layers, *place):
        check_twin(layer, LAYER_TWINS, *where, training=training)
        if layer["type"] == "repeat" and any(each["type"] in _MERGES for each in layer["layers"]):
            message = f"{show_pointer(where)}: the twin of repeat in JavaScript takes no outputs by name"
            raise SpecnetError(message, pointer=where)


def check_twin(fields: Mapping[str, Any], known: Collection[str], *place: str | int, training: bool = True) -> None:
    """Check that a component, given as JSON with all defaults, has a twin among those `known`.

    Raises:
        SpecnetError: naming the component, or a field that its twin does not have.
    """
    name = fields["type"]
    if name not in known:
        raise SpecnetError(f"{show_pointer(place)}, {name}, has no twin in JavaScript", pointer=place)
    fixed = {"share": None, **(_TRAINING if training else {}), **_FIXED.get(name, {})}
    for field, value in fields.items():
        scheduled = isinstance(value, Mapping) and field in ("l1", "l2", "rate")
        if scheduled or value != fixed.get(field, value):
            message = f"{show_pointer(place)}: the twin of {name} in JavaScript does not support this {field}"
            raise SpecnetError(message, pointer=(*place, field))


def walk_layers(
    layers: Sequence[Mapping[str, Any]], *place: str | int
) -> Iterator[tuple[tuple[str | int, ...], Mapping[str, Any]]]:
    """Yield layers, given as JSON, and all inside them, each with its place."""
    for number, layer in enumerate(layers):
        here = (*place, number)
        yield here, layer
        yield from walk_layers(layer.get("layers", ()), *here, "layers")
        for branch, inner in enumerate(layer.get("branches", ())):
            yield from walk_layers(inner, *here, "branches", branch)
        if layer.get("projection"):
            yield (*here, "projection"), layer["projection"]
            yield from walk_layers(layer["projection"].get("layers", ()), *here, "projection", "layers")


def scripts_of(layers: Sequence[Mapping[str, Any]], others: Sequence[str] = ()) -> list[str]:
    """Return the scripts that layers, given as JSON, need, and others, each once and in order."""
    own = [name for _, layer in walk_layers(layers) for name in LAYER_TWINS[layer["type"]]]
    return [f"twins/{name}" for name in dict.fromkeys((*NETWORK_SCRIPTS, *own, *others))]
