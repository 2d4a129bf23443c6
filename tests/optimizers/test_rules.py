"""Every optimizer against its textbook form, one number at a time, and on functions with a known minimum."""

import json
import runpy
from collections import defaultdict
from math import copysign, prod, sqrt
from pathlib import Path

import numpy as np
import pytest
from helpers import built_in, in_one_test

import specnet
from specnet.kernels.base import find_kernels
from specnet.optimizers.base import all_needs, all_state_names, named_state
from specnet.testing import take_steps


def sgd(a, g, t, old, momentum=0.0, nesterov=False, dampening=0.0, momentum_of="gradients"):
    if momentum_of == "steps":
        a, g = 1, a * g
    old["v"] = momentum * old["v"] + (g if t == 1 else (1 - dampening) * g)
    return a * (g + momentum * old["v"] if nesterov else old["v"])


def moments(g, t, old, beta_1, beta_2):
    old["m"] = beta_1 * old["m"] + (1 - beta_1) * g
    old["v"] = beta_2 * old["v"] + (1 - beta_2) * g * g
    return old["m"] / (1 - beta_1**t), old["v"] / (1 - beta_2**t)


def adam(a, g, t, old, beta_1=0.9, beta_2=0.999, epsilon=1e-8, amsgrad=False):
    m, v = moments(g, t, old, beta_1, beta_2)
    old["max"] = max(old["max"], old["v"])
    return a * m / (sqrt(old["max"] / (1 - beta_2**t) if amsgrad else v) + epsilon)


def nadam(a, g, t, old, beta_1=0.9, beta_2=0.999, epsilon=1e-8, momentum_decay=0.004):
    _, v = moments(g, t, old, beta_1, beta_2)
    betas = [beta_1 * (1 - 0.5 * 0.96 ** (i * momentum_decay)) for i in range(1, t + 2)]
    mean = betas[-1] * old["m"] / (1 - prod(betas)) + (1 - betas[-2]) * g / (1 - prod(betas[:-1]))
    return a * mean / (sqrt(v) + epsilon)


def radam(a, g, t, old, beta_1=0.9, beta_2=0.999, epsilon=1e-8):
    m, _ = moments(g, t, old, beta_1, beta_2)
    limit = 2 / (1 - beta_2) - 1
    r = limit - 2 * t * beta_2**t / (1 - beta_2**t)
    if r <= 5:
        return a * m
    rectified = sqrt((r - 4) * (r - 2) * limit / ((limit - 4) * (limit - 2) * r))
    return a * rectified * m * sqrt(1 - beta_2**t) / (sqrt(old["v"]) + epsilon)


def adamax(a, g, t, old, beta_1=0.9, beta_2=0.999, epsilon=1e-8):
    old["m"] = beta_1 * old["m"] + (1 - beta_1) * g
    old["u"] = max(beta_2 * old["u"], abs(g) + epsilon)
    return a / (1 - beta_1**t) * old["m"] / old["u"]


def adagrad(a, g, t, old, initial_accumulator_value=0.0, epsilon=1e-10):
    old["s"] += g * g
    return a * g / (sqrt(initial_accumulator_value + old["s"]) + epsilon)


def rmsprop(a, g, t, old, rho=0.9, momentum=0.0, epsilon=1e-8, centered=False):
    old["v"] = rho * old["v"] + (1 - rho) * g * g
    old["mean"] = rho * old["mean"] + (1 - rho) * g
    old["b"] = momentum * old["b"] + g / (sqrt(old["v"] - centered * old["mean"] ** 2) + epsilon)
    return a * old["b"]


def adadelta(a, g, t, old, rho=0.95, epsilon=1e-6):
    old["v"] = rho * old["v"] + (1 - rho) * g * g
    change = sqrt(old["u"] + epsilon) / sqrt(old["v"] + epsilon) * g
    old["u"] = rho * old["u"] + (1 - rho) * change**2
    return a * change


def sign(x):
    return copysign(1, x) if x else 0


def lion(a, g, t, old, beta_1=0.9, beta_2=0.99):
    change = a * sign(beta_1 * old["m"] + (1 - beta_1) * g)
    old["m"] = beta_2 * old["m"] + (1 - beta_2) * g
    return change


def rprop(a, g, t, old, eta_minus=0.5, eta_plus=1.2, min_step=1e-6, max_step=50.0):
    size = a if t == 1 else old["size"]
    if old["g"] * g > 0:
        size = min(size * eta_plus, max_step)
    elif old["g"] * g < 0:
        size, g = max(size * eta_minus, min_step), 0.0
    old["size"], old["g"] = size, g
    return size * sign(g)


def textbook(rule, w, gradients, rate, weight_decay=0.0, **options):
    old = defaultdict(float)
    for step, g in enumerate(gradients):
        a = rate(step) if callable(rate) else rate
        w -= a * weight_decay * w
        w -= rule(a, g, step + 1, old, **options)
    return w


COSINE = {"type": "cosine", "initial": 0.3, "steps": 20, "warmup_steps": 5}
RULES = {"adamw": adam} | {
    rule.__name__: rule for rule in (sgd, adam, nadam, radam, adamax, adagrad, rmsprop, adadelta, lion, rprop)
}
DECAY = {"weight_decay": 0.1}
CASES = [
    *({"type": name} for name in RULES),
    *({"type": name, "learning_rate": COSINE, **DECAY} for name in RULES if name != "rprop"),
    {"type": "sgd", "momentum": 0.9},
    {"type": "sgd", "momentum": 0.9, "dampening": 0.5, **DECAY},
    {"type": "sgd", "momentum": 0.7, "nesterov": True, "learning_rate": COSINE},
    {"type": "sgd", "momentum": 0.7, "momentum_of": "steps", "learning_rate": COSINE, **DECAY},
    {"type": "sgd", "momentum": 0.7, "momentum_of": "steps", "nesterov": True, "learning_rate": COSINE},
    {"type": "adam", "beta_1": 0.0, "beta_2": 0.5, "epsilon": 0.1, "learning_rate": COSINE},
    {"type": "adam", "amsgrad": True, "beta_2": 0.5},
    {"type": "adamw", "amsgrad": True, "learning_rate": 0.1},
    {"type": "nadam", "momentum_decay": 1.0, "beta_1": 0.5},
    {"type": "radam", "beta_2": 0.9},
    {"type": "rmsprop", "centered": True, "momentum": 0.9, "rho": 0.5},
    {"type": "adagrad", "initial_accumulator_value": 0.5, "epsilon": 0.1},
    {"type": "rprop", "eta_minus": 0.2, "eta_plus": 3.0, "min_step": 1e-3, "max_step": 0.1, **DECAY},
]
FULL_BATCH = ["conjugate_gradient", "lbfgs", "levenberg_marquardt"]
every_rule = pytest.mark.parametrize("spec", [pytest.param(case, id=json.dumps(case)) for case in CASES])
SIZE = 135
"""Two pieces of 64, and a part of one."""


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch):
    monkeypatch.setattr("specnet.optimizers.base.PIECE", 64)


def test_every_built_in_optimizer_is_in_a_table():
    assert sorted([*{spec["type"] for spec in CASES}, *FULL_BATCH]) == built_in("optimizers")


@in_one_test
@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 2e-5), ("float64", 1e-12)])
@every_rule
def test_thirty_steps_over_several_pieces_are_those_of_the_textbook(spec, dtype, tolerance):
    rng = np.random.default_rng(11)
    optimizer = specnet.build("optimizers", spec)
    rate = optimizer.learning_rate
    start, gradients = rng.normal(size=SIZE).astype(dtype), rng.normal(size=(30, SIZE)).astype(dtype)
    kept = gradients.tobytes()
    w, state = take_steps(optimizer, start, gradients)
    arrays = [getattr(state, name) for name in optimizer.state_names]
    assert {w.dtype, *(array.dtype for array in arrays)} == {np.dtype(dtype)}
    assert gradients.tobytes() == kept
    options = {"weight_decay": optimizer.weight_decay} | spec
    rule = RULES[options.pop("type")]
    options.pop("learning_rate", None)
    for place in (0, 1, 63, 64, 127, 128, SIZE - 1):
        expected = textbook(rule, float(start[place]), gradients[:, place].tolist(), rate, **options)
        assert w[place] == pytest.approx(expected, rel=tolerance, abs=tolerance)


def test_adam_keeps_the_moments_of_the_paper():
    gradients = np.random.default_rng(13).normal(size=(5, 3))
    _, state = take_steps(specnet.build("optimizers", "adam"), np.zeros(3), gradients)
    weights = 0.9 ** np.arange(5)[::-1], 0.999 ** np.arange(5)[::-1]
    np.testing.assert_allclose(state.m, 0.1 * weights[0] @ gradients, rtol=1e-12)
    np.testing.assert_allclose(state.v, 0.001 * weights[1] @ gradients**2, rtol=1e-12)


def test_the_factors_of_nadam_are_the_same_after_a_resume():
    steadily, resumed = (specnet.build("optimizers", "nadam") for _ in range(2))
    products = [steadily.product(t) for t in (1, 2, 3, 3, 4, 5)]
    assert resumed.product(5) == products[-1]
    assert resumed.product(2) == products[1]


def test_only_options_that_need_state_have_it():
    names = {json.dumps(spec): specnet.build("optimizers", spec).state_names for spec in CASES}
    assert names['{"type": "sgd"}'] == ()
    assert names['{"type": "adam"}'] == names['{"type": "adamw"}'] == ("m", "v")
    assert names['{"type": "rmsprop"}'] == ("v",)


def test_json_round_trip_gives_the_same_optimizer():
    for spec in CASES:
        written = json.loads(json.dumps(specnet.build("optimizers", spec).to_spec()))
        assert specnet.build("optimizers", written).to_spec() == written
        assert {**spec, "learning_rate": 0} == {name: written[name] for name in spec} | {"learning_rate": 0}


def test_a_gradient_of_0_moves_nothing_but_weights_that_decay():
    for spec in CASES:
        optimizer = specnet.build("optimizers", spec)
        w, _ = take_steps(optimizer, np.full(5, 3.0, "float32"), np.zeros((1, 5), "float32"))
        rate = optimizer.learning_rate
        kept = 1 - (rate(0) if callable(rate) else rate) * optimizer.weight_decay
        np.testing.assert_allclose(w, 3 * kept, rtol=1e-6, err_msg=str(spec))


@pytest.mark.parametrize(
    "spec",
    [
        {"type": "sgd", "momentum": 1},
        {"type": "sgd", "momentum": -0.1},
        {"type": "sgd", "nesterov": 1},
        {"type": "adam", "beta_1": 1},
        {"type": "adam", "beta_2": -0.1},
        {"type": "adam", "epsilon": 0},
        {"type": "adamw", "weight_decay": -0.1},
        {"type": "rprop", "eta_plus": 1},
        {"type": "lbfgs", "history_size": 0},
        {"type": "lbfgs", "line_search": "armijo"},
        {"type": "levenberg_marquardt", "damping": 0},
    ],
)
def test_what_is_out_of_bounds_is_refused_where_it_stands(spec):
    with pytest.raises(specnet.SpecnetError) as caught:
        specnet.build("optimizers", spec)
    assert caught.value.diagnostics[0].pointer == (list(spec)[1],)


class Squares:
    """The sum of squares of residuals of w, as an objective."""

    def __init__(self, residuals, jacobian):
        self.residuals, self.slopes, self.count = residuals, jacobian, 0

    def evaluate(self, w):
        self.count += 1
        r = self.residuals(w)
        return float(r @ r), 2 * self.slopes(w).T @ r

    def jacobian(self):
        return self.slopes(self.w)

    def curvature(self):
        return np.full(len(self.residuals(self.w)), 2.0)


def rosenbrock():
    """(1 - a)^2 + 100 (b - a^2)^2, least at (1, 1)."""
    return Squares(
        lambda w: np.array([1 - w[0], 10 * (w[1] - w[0] ** 2)]), lambda w: np.array([[-1.0, 0], [-20 * w[0], 10]])
    )


def quadratic():
    """Two squares whose curvatures differ by a factor of 20."""
    slopes = np.array([[1.0, 0.5], [0.0, 0.3]])
    return Squares(lambda w: slopes @ (w - [1.0, 1.0]), lambda w: slopes)


def minimized(spec, objective, steps):
    """Return the largest distance from (1, 1) after some steps, and the evaluations that they took."""
    optimizer = specnet.build("optimizers", spec)
    w = objective.w = np.array([-1.2, 1.0])
    optimizer.bind({"layers.0.w": (2,)}, objective if all_needs(optimizer) else None)
    state = named_state(optimizer, np.zeros((len(all_state_names(optimizer)), 2)))
    for step in range(steps):
        optimizer.apply(w, objective.evaluate(w)[1], state, step)
    return np.abs(w - 1).max(), objective.count


FAST = {"learning_rate": 0.03, "beta_2": 0.99}
MINIMA = {  # steps on the quadratic and its fields, then those on Rosenbrock's function
    "sgd": (300, {"learning_rate": 0.2}, 2000, {"momentum": 0.95, "learning_rate": 2e-4}),
    "adam": (600, FAST, 2000, FAST),
    "adamw": (600, {**FAST, "weight_decay": 0.0}, 2000, {**FAST, "weight_decay": 0.0}),
    "nadam": (600, FAST, 2000, {**FAST, "learning_rate": 0.01}),
    "radam": (600, FAST, 2000, {"learning_rate": 3e-3, "beta_2": 0.9}),
    "adamax": (600, FAST, 2000, FAST),
    "adagrad": (600, {"learning_rate": 0.5}, 2000, {"learning_rate": 0.5}),
    "rmsprop": (600, {"learning_rate": 0.005}, 2000, {"learning_rate": 0.002}),
    "adadelta": (600, {"learning_rate": 0.3, "epsilon": 1e-3}, 3000, {"learning_rate": 0.3}),
    "lion": (600, {"learning_rate": 0.01, "beta_2": 0.9}, 2000, {"learning_rate": 0.002}),
    "rprop": (100, {}, 2000, {}),
    "lbfgs": (3, {}, 4, {}),
    "conjugate_gradient": (4, {}, 60, {}),
    "levenberg_marquardt": (5, {}, 20, {}),
}


def test_momentum_follows_a_schedule_that_begins_and_ends_with_0():
    rng = np.random.default_rng(0)
    start, gradients = rng.normal(size=5), rng.normal(size=(9, 5))
    values = [0, 0.2, 0.4, 0.6, 0.8, 0.6, 0.4, 0.2, 0]
    tent = {"type": "piecewise", "boundary_steps": [*range(1, 9)], "values": values}
    for kernels in ("textbook", "numpy"):
        optimizer = find_kernels(kernels).instantiate(specnet.build("optimizers", {"type": "sgd", "momentum": tent}))
        found, _ = take_steps(optimizer, start, gradients)
        w, v = start.copy(), np.zeros(5)
        for momentum, g in zip(values, gradients, strict=True):
            v = momentum * v + g
            w -= 0.01 * v
        np.testing.assert_allclose(found, w, rtol=1e-12)


def test_every_optimizer_finds_the_minimum_of_a_quadratic_and_of_rosenbrocks_function():
    assert sorted(MINIMA) == built_in("optimizers")
    for name, (few, easy, many, hard) in MINIMA.items():
        tolerance = 1e-6 if name in FULL_BATCH else 0.1
        assert minimized({"type": name, **easy}, quadratic(), few)[0] < tolerance, name
        assert minimized({"type": name, **hard}, rosenbrock(), many)[0] < 4 * tolerance, name


def test_a_line_search_ends_where_steps_are_lost_in_rounding():
    exact = {"tolerance_grad": 0, "tolerance_change": 0}
    for seed in range(5):
        rng = np.random.default_rng(seed)
        a, b = rng.normal(size=(40, 15)), rng.normal(size=40)
        least = np.linalg.lstsq(a, b)[0]
        optimizer, w = specnet.build("optimizers", {"type": "lbfgs", **exact}), np.zeros(15)
        objective = Squares(lambda w, a=a, b=b: a @ w - b, lambda w, a=a: a)
        optimizer.bind({"layers.0.w": (15,)}, objective)
        state = named_state(optimizer, np.zeros((len(all_state_names(optimizer)), 15)))
        for step in range(5):
            optimizer.apply(w, objective.evaluate(w)[1], state, step)
        np.testing.assert_allclose(w, least, rtol=1e-6, atol=1e-8)


@pytest.mark.long
def test_steps_are_those_of_pytorch():
    pytest.importorskip("torch")
    runpy.run_path(str(Path(__file__).parent / "against_torch.py"), run_name="__main__")
