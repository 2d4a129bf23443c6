"""The loss suits the last layer and the targets."""

import pytest
from spec.checked import LINEAR, MINIMAL, SIXTEEN, TWO, told

from specnet import load_spec


def test_a_loss_that_prepares_targets_in_its_own_way_is_not_judged_by_the_usual_one(plugin):
    assert load_spec(MINIMAL | {"layers": [SIXTEEN], "loss": "preparing"})


ARMS = '; the classes are ["arm 0", "arm 1"]'
LOSSES = [
    ([TWO], "mse", f"the last layer returns shape (2,), but the targets have one number each{ARMS}", ("layers", 0)),
    (
        [LINEAR],
        "cross_entropy",
        f"this loss needs an output for each class, but the last layer returns 1{ARMS}",
        ("layers", 0),
    ),
    ([LINEAR], "bce", "bce expects probabilities, but layers.0 (linear) returns numbers of any size", ("loss",)),
    ([LINEAR, "relu"], "bce", "bce expects probabilities, but layers.1 (relu) returns numbers of any size", ("loss",)),
    ([LINEAR, "swish"], "bce", "bce expects probabilities, but layers.1 (swish) returns numbers of any size",
     ("loss",)),
    ([LINEAR, "sigmoid", "dropout"], "bce",
     "bce expects probabilities, but layers.2 (dropout) returns numbers of any size", ("loss",)),
    ([TWO, "softmax"], "cross_entropy",
     "cross_entropy expects logits, layers.1 (softmax) returns probabilities", ("loss",)),
    ([LINEAR, "sigmoid", "flatten"], "bce_with_logits",
     "bce_with_logits expects logits, layers.2 (flatten) returns probabilities", ("loss",)),
]  # fmt: skip


@pytest.mark.parametrize(("layers", "loss", "message", "pointer"), LOSSES)
def test_a_loss_suits_the_last_layer(layers, loss, message, pointer):
    assert told(layers=layers, loss=loss) == (message, pointer)


@pytest.mark.parametrize(
    ("layers", "loss"),
    [
        ([LINEAR, "sigmoid"], "bce"),
        ([LINEAR, "sigmoid", {"type": "dropout", "rate": 0.0}, "flatten"], "bce"),
        ([LINEAR], "bce_with_logits"),
        ([TWO], "cross_entropy"),
        ([{"type": "linear", "units": 7}, "relu"], "cross_entropy"),
        ([LINEAR, "sigmoid"], "mse"),
    ],
)
def test_what_suits_is_not_complained_about(layers, loss):
    assert load_spec(MINIMAL | {"layers": layers, "loss": loss}).warnings == []


def test_a_layer_of_a_plugin_that_does_not_say_what_its_outputs_are_suits_any_loss(plugin):
    for loss in ("bce", "bce_with_logits"):
        load_spec(MINIMAL | {"layers": [LINEAR, {"type": "expecting", "features": 1}], "loss": loss})


def test_a_binary_loss_tells_two_classes_apart():
    layers, message = ["flatten", LINEAR], "the targets have 4 classes, but a binary loss needs two; the classes are "
    message += '["disc", "square", "cross", "triangle"]'
    assert told(dataset="shapes", layers=layers, loss="bce_with_logits") == (message, ("layers", 1))
    # What a transform makes of class numbers are no class numbers any more.
    assert load_spec(
        MINIMAL | {"dataset": "shapes", "layers": [*layers, "sigmoid"], "transforms": {"targets": ["minmax"]}}
    )
