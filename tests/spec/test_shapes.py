"""Shapes are followed through transforms and layers before any data are loaded."""

import pytest
from spec.checked import LINEAR, MINIMAL, SIXTEEN, TWO, mistakes, told

from specnet import load_spec

SHAPES = [
    ([TWO, SIXTEEN, "expecting"], "layers.2 expects 8 features; layers.1 returns 16", ("layers", 2, "features")),
    (["expecting"], "layers.0 expects 8 features; its input has 2", ("layers", 0, "features")),
    (
        [SIXTEEN, {"type": "residual", "layers": ["tanh", {"type": "repeat", "times": 2, "layers": ["expecting"]}]}],
        "layers.1.layers.1.layers.0 expects 8 features; its input has 16",
        ("layers", 1, "layers", 1, "layers", 0, "features"),
    ),
    (
        [{"type": "residual", "layers": [SIXTEEN]}],
        "layers.0 adds its input to the output of its layers, but they return 16; its input has 2",
        ("layers", 0),
    ),
    (
        ["failing"],
        "layers.0 (Failing of acme 1.0) fails in build: IndexError: tuple index out of range",
        ("layers", 0),
    ),
    (
        ["forgetting"],
        "layers.0 (Forgetting of acme 1.0) fails in build: TypeError: it returns None, which is not the shape of a "
        "sample",
        ("layers", 0),
    ),
    (["asking"], 'there is no initializer "zeross"', ("layers", 0)),
    (["holding"], "layers.0 is bad; its input has 2", ("layers", 0, "layers", 0)),
    ([{"type": "residual", "layers": ["asking"]}], 'there is no initializer "zeross"', ("layers", 0, "layers", 0)),
    (["idle", LINEAR], "layers.0 (Idle of acme 1.0) fails in flops: RuntimeError: no work", ("layers", 0)),
    (["lost", LINEAR], "layers.0 (Lost of acme 1.0) fails in forward: RuntimeError: no way", ("layers", 0)),
    (
        [TWO, {"type": "residual", "layers": ["stuck"]}, LINEAR],
        "layers.1.layers.0 (Stuck of acme 1.0) fails in backward: RuntimeError: no way back",
        ("layers", 1, "layers", 0),
    ),
    (["unkind", LINEAR], "layers.0 (Unkind of acme 1.0) fails in output: RuntimeError: no kind", ("layers", 0)),
]


@pytest.mark.parametrize(("layers", "message", "pointer"), SHAPES)
def test_shapes_are_followed_through_the_stack(plugin, layers, message, pointer):
    assert told(layers=layers, loss="mse") == (message, pointer)


@pytest.mark.parametrize(
    ("changes", "message", "pointer"),
    [
        (
            {"dataset": "outlining"},
            "dataset (Outlining of acme 1.0) fails in outline: RuntimeError: no outline",
            ("dataset",),
        ),
        (
            {"optimizer": {"type": "sgd", "learning_rate": "endless"}},
            "optimizer.learning_rate (Endless of acme 1.0) fails in length: RuntimeError: no end",
            ("optimizer", "learning_rate"),
        ),
        ({"transforms": {"inputs": ["picky"]}}, "needs images", ("transforms", "inputs", 0)),
    ],
)
def test_a_component_that_fails_when_it_is_asked_is_named(plugin, changes, message, pointer):
    assert told(**changes) == (message, pointer)


def test_what_follows_a_wrong_layer_is_not_judged_by_it(plugin):
    assert mistakes(layers=["sigmod", "expecting", SIXTEEN], loss="cross_entropy") == [
        ("unknown-component", ("layers", 0))
    ]


def test_shapes_that_only_the_data_know_are_not_judged():
    assert load_spec(MINIMAL | {"layers": [TWO], "loss": "mse", "transforms": {"targets": ["one_hot"]}})
