"""Every optimizer against its textbook form, one number at a time."""

import json
import math

import numpy as np
import pytest
from helpers import built_in

import specnet
from specnet.optimizers.base import PIECE
from specnet.testing import take_steps


def sgd(w, gradients, rate, momentum=0.0, nesterov=False):
    velocity = 0.0
    for step, g in enumerate(gradients):
        velocity = momentum * velocity + g
        w -= rate(step) * (g + momentum * velocity if nesterov else velocity)
    return w


def adam(w, gradients, rate, *, beta_1=0.9, beta_2=0.999, epsilon=1e-8):
    m = v = 0.0
    for step, g in enumerate(gradients):
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g * g
        m_hat, v_hat = m / (1 - beta_1 ** (step + 1)), v / (1 - beta_2 ** (step + 1))
        w -= rate(step) * m_hat / (math.sqrt(v_hat) + epsilon)
    return w


COSINE = {"type": "cosine", "initial": 0.3, "steps": 20, "warmup_steps": 5}
CASES = [
    ({"type": "sgd"}, sgd, {}),
    ({"type": "sgd", "learning_rate": COSINE}, sgd, {}),
    ({"type": "sgd", "momentum": 0.9}, sgd, {"momentum": 0.9}),
    (
        {"type": "sgd", "momentum": 0.7, "nesterov": True, "learning_rate": COSINE},
        sgd,
        {"momentum": 0.7, "nesterov": True},
    ),
    ({"type": "adam"}, adam, {}),
    (
        {"type": "adam", "beta_1": 0.0, "beta_2": 0.5, "epsilon": 0.1, "learning_rate": COSINE},
        adam,
        {"beta_1": 0.0, "beta_2": 0.5, "epsilon": 0.1},
    ),
]
every_rule = pytest.mark.parametrize(
    ("spec", "textbook", "options"), [pytest.param(*case, id=json.dumps(case[0])) for case in CASES]
)
SIZE = 2 * PIECE + 7
WATCHED = [0, 1, PIECE - 1, PIECE, 2 * PIECE - 1, 2 * PIECE, SIZE - 1]


def test_every_built_in_optimizer_is_in_the_table():
    assert sorted({spec["type"] for spec, *_ in CASES}) == built_in("optimizers")


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 2e-5), ("float64", 1e-12)])
@every_rule
def test_thirty_steps_over_several_pieces_are_those_of_the_textbook(spec, textbook, options, dtype, tolerance):
    rng = np.random.default_rng(11)
    optimizer = specnet.build("optimizers", spec)
    rate = optimizer.learning_rate
    start, gradients = rng.normal(size=SIZE).astype(dtype), rng.normal(size=(30, SIZE)).astype(dtype)
    kept = gradients.tobytes()
    w, state = take_steps(optimizer, start, gradients)
    assert {w.dtype, *(array.dtype for array in vars(state).values())} == {np.dtype(dtype)}
    assert gradients.tobytes() == kept
    for place in WATCHED:
        expected = textbook(
            float(start[place]),
            gradients[:, place].tolist(),
            rate if callable(rate) else lambda step: rate,
            **options,
        )
        assert w[place] == pytest.approx(expected, rel=tolerance, abs=tolerance)


@every_rule
def test_the_rule_is_elementwise_so_pieces_do_not_show(spec, textbook, options, monkeypatch):
    rng = np.random.default_rng(12)
    optimizer = specnet.build("optimizers", spec)
    start, gradients = rng.normal(size=SIZE), rng.normal(size=(3, SIZE))
    w, state = take_steps(optimizer, start, gradients)
    monkeypatch.setattr("specnet.optimizers.base.PIECE", SIZE)
    whole, whole_state = take_steps(optimizer, start, gradients)
    np.testing.assert_allclose(w, whole, rtol=1e-14)
    for name in optimizer.state_names:
        np.testing.assert_allclose(getattr(state, name), getattr(whole_state, name), rtol=1e-14)


def test_adam_keeps_the_moments_of_the_paper():
    gradients = np.random.default_rng(13).normal(size=(5, 3))
    _, state = take_steps(specnet.build("optimizers", "adam"), np.zeros(3), gradients)
    weights = 0.9 ** np.arange(5)[::-1], 0.999 ** np.arange(5)[::-1]
    np.testing.assert_allclose(state.m, 0.1 * weights[0] @ gradients, rtol=1e-12)
    np.testing.assert_allclose(state.v, 0.001 * weights[1] @ gradients**2, rtol=1e-12)


def test_only_rules_with_a_memory_have_state():
    names = {json.dumps(spec): specnet.build("optimizers", spec).state_names for spec, *_ in CASES}
    assert all(
        (names[json.dumps(spec)] == ()) == (textbook is sgd and not options) for spec, textbook, options in CASES
    )


@every_rule
def test_json_round_trip_gives_the_same_optimizer(spec, textbook, options):
    written = json.loads(json.dumps(specnet.build("optimizers", spec).to_spec()))
    assert specnet.build("optimizers", written).to_spec() == written
    assert {**spec, "learning_rate": 0} == {name: written[name] for name in spec} | {"learning_rate": 0}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@every_rule
def test_a_gradient_of_0_moves_nothing(spec, textbook, options, dtype):
    optimizer = specnet.build("optimizers", spec)
    w, _ = take_steps(optimizer, np.full(5, 3, dtype), np.zeros((1, 5), dtype))
    assert w.tolist() == [3] * 5


@pytest.mark.parametrize(
    "spec",
    [
        {"type": "sgd", "momentum": 1},
        {"type": "sgd", "momentum": -0.1},
        {"type": "sgd", "nesterov": 1},
        {"type": "adam", "beta_1": 1},
        {"type": "adam", "beta_2": -0.1},
        {"type": "adam", "epsilon": 0},
    ],
)
def test_what_is_out_of_bounds_is_refused_where_it_stands(spec):
    with pytest.raises(specnet.SpecnetError) as caught:
        specnet.build("optimizers", spec)
    assert caught.value.diagnostics[0].pointer == (list(spec)[1],)
