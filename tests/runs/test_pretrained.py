"""Weights to begin with: from another run, or a file of specnet, PyTorch or Keras."""

import hashlib
import json
import shutil

import numpy as np
import pytest
from safetensors.numpy import save_file

import specnet
from specnet.errors import Interrupted, SpecnetError
from specnet.runs.pretrained import load_pretrained
from specnet.runs.verification.retraining import train_again
from specnet.spec.pretrained import Pretrained

RNG = np.random.default_rng(5)
SPEC = {
    "dataset": {"type": "spiral", "n_samples": 40},
    "layers": [{"type": "linear", "units": 3}, "batch_norm", "tanh",
               {"type": "linear", "units": 2}, {"type": "linear", "units": 1}],
    "loss": "bce_with_logits",
    "training": {"epochs": 3, "batch_size": 20},
    "record": None,
    "plots": [],
}  # fmt: skip


@pytest.fixture(scope="module")
def old(tmp_path_factory):
    return specnet.run(SPEC, tmp_path_factory.mktemp("old") / "run", report=False)


def take(network, path, arrays, **settings):
    """Load arrays into a network through a file."""
    save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, path)
    return load_pretrained(Pretrained(file=str(path), **settings), network)


def test_a_run_begins_with_the_weights_of_another_and_resumes_without_it(old, tmp_path, stop):
    source = tmp_path / "source"
    shutil.copytree(old.directory, source)
    spec = {**SPEC, "seed": 1, "pretrained": {"run": str(source), "layers": "0:4"}}
    spec["optimizer"] = {"type": "adam", "groups": [{"layers": "0:1", "trainable": False}]}
    whole = specnet.run(spec, tmp_path / "whole", report=False)
    first = specnet.load_run(whole.directory, 0)
    for name, array in old.params.items():
        assert np.array_equal(first.params[name], array) == (not name.startswith("layers.4")), name
    mean = old.model.network.state["layers.1.moving_mean"]
    assert np.array_equal(first.model.network.state["layers.1.moving_mean"], mean)
    assert whole.params["layers.0.weight"].tobytes() == old.params["layers.0.weight"].tobytes()  # frozen
    checkpoint = source / "checkpoints" / old.checkpoint.name
    digest = hashlib.sha256(checkpoint.read_bytes()).hexdigest()
    assert whole.manifest["pretrained"] == {"file": str(checkpoint), "sha256": digest, "arrays": 8}
    train_again(whole.directory, tmp_path / "again")
    again = specnet.load_run(tmp_path / "again")
    assert again.params["layers.4.weight"].tobytes() == whole.params["layers.4.weight"].tobytes()
    stop(3)
    with pytest.raises(Interrupted):
        specnet.run(spec, tmp_path / "run", report=False)
    shutil.rmtree(source)
    resumed = specnet.resume(tmp_path / "run", report=False)
    assert resumed.params["layers.4.weight"].tobytes() == whole.params["layers.4.weight"].tobytes()


def test_a_checkpoint_a_bundle_and_exported_arrays_are_sources_too(old, tmp_path):
    from specnet.exporters.base import export
    from specnet.runs.bundle import write_bundle

    write_bundle(old, tmp_path / "old.bundle")
    export(old, "safetensors", tmp_path / "old.safetensors")
    np.savez(tmp_path / "old.npz", **old.params, **old.model.network.state)
    checkpoint = old.directory / "checkpoints" / old.checkpoint.name
    for name in ("old.bundle", "old.safetensors", "old.npz", checkpoint):
        network = specnet.build_network(SPEC["layers"], (2,), seed=9)
        load_pretrained(Pretrained(file=str(tmp_path / name)), network)
        assert np.array_equal(network.params.flat, old.model.network.params.flat)
        assert np.array_equal(network.state.flat, old.model.network.state.flat)


def test_arrays_of_pytorch_are_turned(tmp_path):
    conv, linear = RNG.normal(size=(3, 2, 2, 2)), RNG.normal(size=(4, 3 * 3 * 2))
    layers = [{"type": "conv2d", "filters": 3, "kernel_size": 2}, "flatten", "relu", {"type": "linear", "units": 4}]
    network = specnet.build_network(layers, (4, 3, 2), "float64")
    biases = {"0.bias": RNG.normal(size=3), "3.bias": RNG.normal(size=4)}
    take(network, tmp_path / "w.safetensors", {"0.weight": conv, "3.weight": linear, **biases}, layout="torch")
    x = RNG.normal(size=(5, 2, 4, 3))  # channels first, as in PyTorch
    h = np.empty((5, 3, 3, 2))
    for i, j in np.ndindex(3, 2):
        h[:, :, i, j] = np.einsum("nchw,ochw->no", x[:, :, i : i + 2, j : j + 2], conv) + biases["0.bias"]
    expected = np.maximum(h.reshape(5, -1), 0) @ linear.T + biases["3.bias"]
    np.testing.assert_allclose(network.forward(x.transpose(0, 2, 3, 1)), expected, rtol=1e-12)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def test_recurrent_layers_of_pytorch_have_two_biases(tmp_path):
    w, u, b, c = (RNG.normal(size=shape) for shape in ((8, 3), (8, 2), (8,), (8,)))
    names = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
    arrays = {
        f"{name}{way}": array for name, array in zip(names, (w, u, b, c), strict=True) for way in ("", "_reverse")
    }
    network = specnet.build_network([{"type": "lstm", "units": 2, "bidirectional": True}], (5, 3), "float64")
    file = {f"rnn.{name}{way}": array for name, array in arrays.items() for way in ("", "_reverse")}
    take(network, tmp_path / "w.safetensors", file, layout="torch", map={"layers.0": "rnn"})
    x = RNG.normal(size=(4, 5, 3))
    ends = []
    for steps in (range(5), reversed(range(5))):
        h = cell = np.zeros((4, 2))
        for t in steps:
            i, f, g, o = np.split(x[:, t] @ w.T + b + h @ u.T + c, 4, axis=1)
            cell = sigmoid(f) * cell + sigmoid(i) * np.tanh(g)
            h = sigmoid(o) * np.tanh(cell)
        ends.append(h)
    np.testing.assert_allclose(network.forward(x), np.concatenate(ends, axis=1), rtol=1e-10)


def test_the_gates_of_a_gru_of_keras_are_put_in_order(tmp_path):
    w, u, b = RNG.normal(size=(3, 6)), RNG.normal(size=(2, 6)), RNG.normal(size=(2, 6))
    network = specnet.build_network([{"type": "gru", "units": 2}], (5, 3), "float64")
    file = {"gru/gru_cell/kernel": w, "gru/gru_cell/recurrent_kernel": u, "gru/gru_cell/bias": b}
    take(network, tmp_path / "w.safetensors", file, layout="keras", map={"layers.0": "gru/gru_cell"})
    x, h = RNG.normal(size=(4, 5, 3)), np.zeros((4, 2))
    for t in range(5):
        (z, r, v), (hz, hr, hv) = np.split(x[:, t] @ w + b[0], 3, axis=1), np.split(h @ u + b[1], 3, axis=1)
        z = sigmoid(z + hz)
        h = z * h + (1 - z) * np.tanh(v + sigmoid(r + hr) * hv)
    np.testing.assert_allclose(network.forward(x), h, rtol=1e-10)


HEADS = ("query", "key", "value")
SHAPES = [
    ("torch", {"type": "conv1d_transpose", "filters": 4, "kernel_size": 3, "groups": 2}, (6, 2),
     {"weight": (2, 2, 3), "bias": (4,)}),
    ("torch", {"type": "depthwise_conv2d", "kernel_size": 2, "depth_multiplier": 3}, (4, 4, 2),
     {"weight": (6, 1, 2, 2), "bias": (6,)}),
    ("torch", {"type": "multi_head_attention", "num_heads": 2}, (5, 4),
     {"in_proj_weight": (12, 4), "in_proj_bias": (12,), "out_proj.weight": (4, 4), "out_proj.bias": (4,)}),
    ("torch", "batch_norm", (3,), dict.fromkeys(("weight", "bias", "running_mean", "running_var"), (3,))),
    ("torch", "prelu", (3,), {"weight": (3,)}),
    ("torch", {"type": "gru", "units": 2}, (5, 3),
     {"weight_ih_l0": (6, 3), "weight_hh_l0": (6, 2), "bias_ih_l0": (6,), "bias_hh_l0": (6,)}),
    ("keras", {"type": "conv2d_transpose", "filters": 4, "kernel_size": 3}, (6, 6, 2),
     {"kernel": (3, 3, 4, 2), "bias": (4,)}),
    ("keras", {"type": "separable_conv2d", "filters": 4, "kernel_size": 2, "depth_multiplier": 3}, (4, 4, 2),
     {"depthwise_kernel": (2, 2, 2, 3), "pointwise_kernel": (1, 1, 6, 4), "bias": (4,)}),
    ("keras", {"type": "embedding", "input_dim": 7, "output_dim": 2}, (5,), {"embeddings": (7, 2)}),
    ("keras", {"type": "rms_norm"}, (5,), {"scale": (5,)}),
    ("keras", {"type": "multi_head_attention", "num_heads": 2}, (5, 4),
     {**{f"{part}/kernel": (4, 2, 2) for part in HEADS}, **{f"{part}/bias": (2, 2) for part in HEADS},
      "attention_output/kernel": (2, 2, 4), "attention_output/bias": (4,)}),
]  # fmt: skip


def test_arrays_of_all_other_shapes_are_taken(tmp_path):
    for layout, layer, shape, arrays in SHAPES:
        network = specnet.build_network([layer], shape)
        values = {f"a{'/' if layout == 'keras' else '.'}{name}": RNG.normal(size=size) for name, size in arrays.items()}
        take(network, tmp_path / "w.safetensors", values, layout=layout, map={"layers.0": "a"})
        found = np.concatenate([each.ravel() for each in (*network.params.values(), *network.state.values())])
        expected = np.concatenate([each.ravel() for each in values.values()])
        np.testing.assert_allclose(np.sort(found), np.sort(expected), rtol=1e-6)


MISTAKES = {
    "no file": ({"file": "none.npz"}, "file", "there is no file"),
    "no run": ({"file": None, "run": "none"}, "run", "there is no run"),
    "another name": ({"map": {"layers.0": "fc0"}}, "map", 'has no array "fc0.weight"'),
    "no such layer": ({"map": {"layers.9": "0"}}, "map", "there is no layer or parameter layers.9"),
    "another shape": ({"map": {"layers.0.weight": "wide"}}, "map", r"shape \(2, 3\), but .* \(5, 5\)"),
    "too few layers": ({"layers": "0:9"}, "layers", "there is no layer 5: the network has 5"),
    "no weights": ({"layers": [2]}, "layers", "none of these layers has weights"),
    "not a number": ({"map": {"layers.0.bias": "nan"}}, "map", "not finite"),
    "too large": ({"map": {"layers.0.bias": "large"}}, "map", "not finite in float32"),
    "text": ({"map": {"layers.0.bias": "text"}}, "map", "values of type <U1, not floating-point"),
    "integers": ({"map": {"layers.0.bias": "whole"}}, "map", "int8, not floating-point numbers"),
    "not an archive": ({"file": "text.npz"}, "file", "is not an .npz file"),
    "a single array": ({"file": "array.npz"}, "file", "is not an .npz file"),
    "a damaged checkpoint": ({"file": "damaged.npz"}, "file", "is damaged: its SHA-256 does not match"),
    "not safetensors": ({"file": "text.safetensors"}, "file", "cannot be read"),
}


def test_what_does_not_fit_is_located_before_a_directory_is_made(old, tmp_path):
    np.savez(
        tmp_path / "w.npz",
        **old.params,
        wide=np.ones((5, 5)),
        nan=np.full(3, np.nan),
        large=np.full(3, 1e99),
        text=np.full(3, "x"),
        whole=np.ones(3, np.int8),
    )
    with (tmp_path / "array.npz").open("wb") as file:
        np.save(file, np.ones(3))
    checkpoint = bytearray((old.directory / "checkpoints" / old.checkpoint.name).read_bytes())
    checkpoint[100] ^= 1
    (tmp_path / "damaged.npz").write_bytes(checkpoint)
    for suffix in ("npz", "safetensors"):
        (tmp_path / f"text.{suffix}").write_text("no arrays")
    for case, (settings, key, message) in MISTAKES.items():
        path = tmp_path / "spec.json"
        path.write_text(json.dumps({**SPEC, "pretrained": {"file": "w.npz", **settings}}))
        with pytest.raises(SpecnetError, match=message) as caught:
            specnet.run(path, tmp_path / "run")
        (found,) = caught.value.diagnostics
        assert found.pointer[:2] == ("pretrained", key), case
        missing = case in ("no file", "no run")
        assert found.code == ("missing-file" if missing else "pretrained"), case
        assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "settings", [{}, {"run": "a", "file": "b"}, {"run": "a", "layout": "torch"}, {"file": "b", "layers": "x"}]
)
def test_a_source_is_a_run_or_a_file(settings):
    with pytest.raises(SpecnetError):
        specnet.load_spec({**SPEC, "pretrained": settings})
