"""Each optimizer of the plugin against its formula, in the checks of specnet, and in training."""

from math import sqrt

import numpy as np
import pytest
from specnet_extras.matrices import orthogonal

import specnet
import specnet.testing
from specnet import registry
from specnet.optimizers.base import all_state_names, named_state
from specnet.runs.experiment import Experiment
from specnet.testing import take_steps
from specnet.training.loop import run_epoch

NAMES = [name for name, claims in registry.claims("optimizers").items() if claims[-1].distribution == "specnet-extras"]
GRADIENTS = np.random.default_rng(3).normal(size=(30, 4))
START = np.array([1.0, -2.0, 0.5, 3.0])


def build(name, **fields):
    return specnet.build("optimizers", {"type": name, **fields})


def test_the_checks_pass():
    for case in specnet.testing.cases("specnet-extras"):
        case()


def test_adabelief_divides_by_the_deviation_from_the_mean():
    w, _ = take_steps(build("adabelief", beta_2=0.9, weight_decay=0.1), START, GRADIENTS)
    for place in range(4):
        expected, m, s = float(START[place]), 0.0, 0.0
        for t, g in enumerate(GRADIENTS[:, place].tolist(), 1):
            m = 0.9 * m + 0.1 * g
            s = 0.9 * s + 0.1 * (g - m) ** 2 + 1e-8
            expected -= 1e-4 * expected + 1e-3 * m / (1 - 0.9**t) / (sqrt(s / (1 - 0.9**t)) + 1e-8)
        assert w[place] == pytest.approx(expected, rel=1e-12)


def test_steps_of_lamb_are_in_proportion_to_the_norm_of_each_parameter():
    rule = build("lamb", learning_rate=0.01, weight_decay=0.1)
    parts = [slice(0, 1), slice(1, 4)]
    rule.bind({"layers.0.weight": (1, 1), "layers.0.bias": (3,)})
    w, state = START.copy(), named_state(rule, np.zeros((2, 4)))
    state.decay = np.array([1.0, 0, 0, 0])
    expected, m, v = START.copy(), np.zeros(4), np.zeros(4)
    for step, g in enumerate(GRADIENTS):
        rule.apply(w, g, state, step)
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        r = m / (1 - 0.9 ** (step + 1)) / (np.sqrt(v / (1 - 0.999 ** (step + 1))) + 1e-6) + 0.1 * state.decay * expected
        for part in parts:
            expected[part] -= 0.01 * np.linalg.norm(expected[part]) / np.linalg.norm(r[part]) * r[part]
    np.testing.assert_allclose(w, expected, rtol=1e-12)


def test_muon_makes_singular_values_of_steps_equal_and_leaves_biases_to_another():
    for shape in ((6, 4), (4, 6)):
        x = np.random.default_rng(0).normal(size=shape)
        u, _, vt = np.linalg.svd(x, full_matrices=False)
        y = orthogonal(x, 5)
        assert np.all(np.abs(np.linalg.svd(y)[1] - 1) < 0.35)
        assert np.sum(y * (u @ vt)) > 0.9 * 4
    assert not orthogonal(np.zeros((2, 3)), 5).any()
    rule, adamw = build("muon", learning_rate=0.1, momentum=0.5), build("adamw")
    for each in (rule, adamw):
        each.bind({"layers.0.weight": (2, 1), "layers.0.bias": (2,)})
    states = [named_state(each, np.zeros((len(all_state_names(each)), 4))) for each in (rule, adamw)]
    states[0].decay = states[0].fallback.decay = states[1].decay = np.array([1.0, 1, 0, 0])
    w, expected = START.copy(), START.copy()
    for step, g in enumerate(GRADIENTS[:2]):
        before = w.copy()
        rule.apply(w, g, states[0], step)
        adamw.apply(expected, g, states[1], step)
        u = 0.5 * states[0].m + 0.5 * g
        np.testing.assert_allclose(w[:2] - before[:2], -0.1 * orthogonal(u[:2, None], 5).ravel())
    np.testing.assert_array_equal(w[2:], expected[2:])


def test_slow_weights_go_half_the_way_to_those_of_the_other_optimizer():
    w, state = take_steps(build("lookahead", sync_period=3, optimizer="adam"), START, GRADIENTS[:3])
    fast, _ = take_steps(build("adam"), START, GRADIENTS[:3])
    np.testing.assert_allclose(w, (START + fast) / 2)
    np.testing.assert_array_equal(state.slow, w)


def test_sam_takes_the_gradient_at_the_worst_point_nearby():
    class Cube:
        def evaluate(self, w):
            return float(np.sum(w**3)), 3 * w**2

    rule = build("sam", rho=0.3, optimizer={"type": "sgd", "learning_rate": 0.1})
    rule.bind({"layers.0.w": (4,)}, Cube())
    w, g = START.copy(), 3 * START**2
    rule.apply(w, g, named_state(rule, np.zeros((0, 4))), 0)
    np.testing.assert_allclose(w, START - 0.3 * (START + 0.3 * g / np.linalg.norm(g)) ** 2)


def test_what_is_evaluated_without_a_schedule_is_the_weighted_mean_of_the_other_optimizers_weights():
    for warmup in (0, 4):
        rule = build(
            "schedule_free", warmup_steps=warmup, momentum=0.8, optimizer={"type": "sgd", "learning_rate": 0.1}
        )
        w, state = take_steps(rule, START, GRADIENTS[:10])
        shares = np.minimum(1, np.arange(1, 11) / max(warmup, 1))
        z = START - 0.1 * np.cumsum(shares[:, None] * GRADIENTS[:10], axis=0)
        x = np.average(z, axis=0, weights=shares**2)
        np.testing.assert_allclose(rule.weights_for_evaluation(w, state), x)
        np.testing.assert_allclose(w, 0.2 * z[-1] + 0.8 * x)


def test_each_of_them_trains_a_network_and_resumes_to_the_same_bytes():
    rate = {"learning_rate": 0.05}
    inner = {"optimizer": {"type": "adam", **rate}}
    fields = {name: inner if name in ("lookahead", "sam", "schedule_free") else rate for name in NAMES}
    for name in NAMES:
        spec = specnet.load_spec({
            "dataset": {"type": "spiral", "n_samples": 100}, "loss": "bce", "record": None, "plots": [],
            "layers": [{"type": "linear", "units": 8}, "tanh", {"type": "linear", "units": 1}, "sigmoid"],
            "optimizer": {"type": name, **fields[name]}, "training": {"epochs": 20},
        })  # fmt: skip
        whole, resumed = Experiment(spec), Experiment(spec)
        losses = [run_epoch(whole.trainer)["train/loss"] for _ in range(4)]
        resumed.restore(whole.state().copy())
        losses += [run_epoch(whole.trainer)["train/loss"] for _ in range(16)]
        for _ in range(16):
            run_epoch(resumed.trainer)
        assert losses[-1] < 0.97 * losses[0], name
        ends = [each.state().copy() for each in (whole, resumed)]
        assert {key: array.tobytes() for key, array in ends[0].arrays.items()} == {
            key: array.tobytes() for key, array in ends[1].arrays.items()
        }, name
