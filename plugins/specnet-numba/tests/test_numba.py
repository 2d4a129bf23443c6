"""Compiled kernels compute what the definitions do, for every component, and are kept from process to process."""

import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from helpers import sampled

import specnet
import specnet.testing
from specnet import build, build_network, registry
from specnet.component import find_class
from specnet.distributions import is_installed
from specnet.kernels.base import Textbook, find_kernels
from specnet.testing.cases import example_cases
from specnet.testing.examples import examples

numba = find_kernels("numba")
CASES = {str(case): case for case in specnet.testing.kernel_cases("numba")}
OWN = [name for name in numba.replaces.values() if name.startswith("specnet_numba")]
DTYPES = pytest.mark.parametrize("dtype", ["float32", pytest.param("float64", marks=pytest.mark.long)])
AGREEMENT = {"float64": 1e-12, "float32": 1e-5}


@pytest.mark.parametrize("name", sampled(CASES, 60))
def test_a_kernel_keeps_the_contract_of_its_definition(name):
    CASES[name]()


@pytest.mark.long
@pytest.mark.parametrize("group", ["layers", "losses", "optimizers"])
def test_every_registered_component_runs_under_the_set(group):
    for name in registry.claims(group).keys() - {"dice"}:  # whose weights are not those that kernels are compared with
        for case in example_cases(f"{group} {name}", examples(find_class(group, name)), kernels=numba):
            case()


def results(layers, x, dtype, kernels):
    network = build_network(layers, x.shape[1:], dtype, seed=1, kernels=kernels)
    network.params.flat[...] = np.random.default_rng(1).normal(size=network.params.flat.shape)
    y = network.forward(x, training=True)
    dx = network.backward(np.random.default_rng(2).normal(size=y.shape).astype(dtype))
    return y, dx, network.grads.flat, network.state.flat


def agree(found, expected, dtype):
    for one, other in zip(found, expected, strict=True):
        if other is not None:
            np.testing.assert_allclose(one, other, rtol=0, atol=AGREEMENT[dtype] * max(1, np.abs(other).max(initial=0)))


LINEAR = {"type": "linear", "units": 9}
NETWORKS = [
    ([LINEAR, "sigmoid", LINEAR, "tanh", {**LINEAR, "units": 3}, "relu"], (5,)),
    ([LINEAR, "tanh", {**LINEAR, "use_bias": False}, "relu", {**LINEAR, "units": 1}, "sigmoid"], (4, 3)),
    ([{**LINEAR, "name": "a"}, "tanh", {**LINEAR, "name": "b"}, {"type": "add", "from": ["a", "b"]}, "tanh"], (7,)),
    ([{"type": "permute", "dims": [1, 0]}, "tanh", "layer_norm", LINEAR], (4, 9)),
    (["layer_norm", {"type": "rms_norm", "center": True}, "batch_norm"], (3, 11)),
    (["batch_norm", {"type": "group_norm", "groups": 3}, "sigmoid"], (4, 5, 9)),
    ([{"type": "lstm", "units": 3, "return_sequences": True}, {"type": "gru", "units": 5}], (6, 4)),
]  # fmt: skip


@DTYPES
@pytest.mark.parametrize("batch", [1, 7])
def test_networks_of_odd_shapes_compute_what_the_definitions_do(dtype, batch):
    for layers, shape in NETWORKS:
        x = np.random.default_rng(0).normal(size=(batch, *shape)).astype(dtype)
        agree(results(layers, x, dtype, "numba"), results(layers, x, dtype, "textbook"), dtype)


@DTYPES
def test_arrays_that_are_not_contiguous_are_taken(dtype):
    x = np.random.default_rng(0).normal(size=(6, 10, 8)).astype(dtype)[:, ::2].swapaxes(1, 2)
    for layer in ("tanh", "relu", "layer_norm", "batch_norm"):
        agree(results([layer], x, dtype, "numba"), results([layer], x, dtype, "textbook"), dtype)
    for name in ("bce", "cross_entropy"):
        y = np.random.default_rng(1).uniform(0.1, 0.9, size=(5, 12)).astype(dtype)[:, ::2].T
        target = y.argmax(axis=-1)[::1] if name == "cross_entropy" else np.round(y)
        pair = [kernels.instantiate(build("losses", name)) for kernels in (numba, Textbook)]
        found, expected = [(np.array(loss.forward(y, target)), loss.backward()) for loss in pair]
        agree(found, expected, dtype)


@DTYPES
def test_nan_and_infinity_go_where_they_go_in_the_definitions(dtype):
    x = np.array([[np.nan, np.inf, -np.inf, 0.0, -0.0, 1e30, -1e30, 100.0, -100.0]], dtype)
    with np.errstate(all="ignore"):
        for name in ("sigmoid", "tanh", "relu"):
            for layers in ([name], [{**LINEAR, "weight_init": "identity"}, name]):
                inputs = x if layers == [name] else x[:, [0, 3, 4, 5, 6, 7, 8, 3, 3]]  # infinity times 0 is NaN
                found, expected = (
                    build_network(layers, (9,), dtype, kernels=each).forward(inputs, True)
                    for each in ("numba", "textbook")
                )
                np.testing.assert_allclose(found, expected, rtol=0, atol=AGREEMENT[dtype])
        for y in (x, x[:, 3:], np.full((2, 9), -np.inf, dtype)):
            pair = [kernels.instantiate(build("losses", "cross_entropy")) for kernels in (numba, Textbook)]
            target = np.zeros(len(y), np.int64)
            found, expected = [(loss.forward(y, target), loss.backward()) for loss in pair]
            np.testing.assert_allclose(found[1], expected[1], atol=AGREEMENT[dtype])
            assert np.isfinite(found[0]) == np.isfinite(expected[0])


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("cross_entropy", np.array([0, 1, 4])),
        ("cross_entropy", np.array([0, 1, -1])),
        ("cross_entropy", np.array([0, 1])),
        ("bce", np.ones((2, 4))),
        ("bce", np.ones(3)),
    ],
)
def test_targets_that_do_not_fit_are_refused_and_not_read_beyond_their_end(name, target):
    y = np.full((3, 4), 0.5, np.float32)
    with pytest.raises((IndexError, ValueError)):
        numba.instantiate(build("losses", name)).forward(y, target)


@pytest.mark.parametrize("target", [np.array([0, 1, 3], np.uint8), np.array([False, True, True])])
def test_class_numbers_of_any_dtype_are_taken(target):
    y = np.random.default_rng(0).normal(size=(3, 4))
    pair = [kernels.instantiate(build("losses", "cross_entropy")) for kernels in (numba, Textbook)]
    found, expected = [(np.array(loss.forward(y, target)), loss.backward()) for loss in pair]
    agree(found, expected, "float64")


@pytest.mark.long
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_exponential_functions_have_all_digits(kind):
    from specnet_numba import functions
    from specnet_numba.compiling import compiled

    @compiled
    def all_of(x, exps, sigmoids, tanhs):
        for i in range(x.size):
            exps[i], sigmoids[i], tanhs[i] = functions.exp(x[i]), functions.sigmoid(x[i]), functions.tanh(x[i])

    x = np.concatenate([np.linspace(-80, 80, 99_991), np.geomspace(1e-30, 1, 999)]).astype(kind)
    found, wide = np.empty((3, x.size), kind), x.astype(np.longdouble)
    all_of(x, *found)
    for one, other in zip(found, (np.exp(wide), 1 / (1 + np.exp(-wide)), np.tanh(wide)), strict=True):
        np.testing.assert_allclose(one, other.astype(kind), rtol=3 * np.finfo(kind).eps, atol=0)


def test_an_empty_batch_of_gradients_changes_nothing():
    w, optimizer = np.zeros(0, np.float32), numba.instantiate(build("optimizers", "sgd"))
    optimizer.update(w, w.copy(), specnet.optimizers.base.State(), 0)
    assert w.size == 0


def python(code, **environment):
    variables = {**os.environ, "OPENBLAS_NUM_THREADS": "1", **environment}
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=variables, check=False)


STEP = """
import numpy as np
from specnet_numba import compiling, rules
w = np.ones(3, np.float32)
rules.sgd(w, w.copy(), w, 0.0, 0.1)
print(w[0], sum(rules.sgd.stats.cache_hits.values()), compiling.describe_cache())
"""


@pytest.mark.long
def test_machine_code_is_kept_and_a_folder_that_cannot_be_written_only_costs_time(tmp_path):
    first, second = (python(STEP, NUMBA_CACHE_DIR=str(tmp_path / "cache")).stdout for _ in range(2))
    assert first.startswith("0.9 0 machine code is kept in ") and second.startswith("0.9 1 ")
    for index in (tmp_path / "cache").rglob("*.nb?"):
        index.write_bytes(b"damaged")
    assert python(STEP, NUMBA_CACHE_DIR=str(tmp_path / "cache")).stdout.startswith("0.9 0 ")
    (tmp_path / "file").touch()
    refused = python(STEP, NUMBA_CACHE_DIR=str(tmp_path / "file" / "below")).stdout
    assert refused.startswith("0.9 0 ") and "cannot be written" in refused


def test_summary_says_from_how_many_steps_on_it_pays(tmp_path):
    from click.testing import CliRunner

    from specnet.cli.summary import summary

    spec = Path(__file__).parents[3] / "specs" / "spiral.json"
    found = CliRunner().invoke(summary, [str(spec), "--kernels", "numba"])
    assert "numba starts about 1.5 s later: it " in found.output, found.output


def test_a_pickle_names_the_set_and_says_what_to_install_where_it_is_missing(monkeypatch):
    network = build_network([LINEAR, "tanh"], (3,), kernels="numba")
    content = pickle.dumps(network)
    assert b"specnet_numba" not in content
    assert pickle.loads(content).kernels is numba
    claims = {group: dict(found) for group, found in registry._claims().items()}
    del claims["kernels"]["numba"]
    monkeypatch.setattr(registry, "_claims", lambda: claims)
    monkeypatch.setattr(registry, "is_installed", lambda name: name != "specnet-numba" and is_installed(name))
    for call in (lambda: pickle.loads(content), lambda: build_network([LINEAR], (3,), kernels="numba")):
        with pytest.raises(specnet.SpecnetError, match='there is no set of kernels "numba"') as error:
            call()
        assert "pip install specnet-numba" in str(error.value)
