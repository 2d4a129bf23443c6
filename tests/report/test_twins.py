"""Twins in JavaScript compute what their components compute, and train as a run was trained."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

import specnet
from specnet import registry
from specnet.component import build
from specnet.errors import SpecnetError
from specnet.report.javascript import (
    LAYER_TWINS,
    LOSS_TWINS,
    NETWORK_SCRIPTS,
    OPTIMIZER_TWINS,
    TRAINING,
    check_layers,
    check_twin,
)
from specnet.report.laboratory import generator_state, laboratory, prepare, rates
from specnet.report.page import resource
from specnet.training.update import Updater

SCRIPTS = dict.fromkeys([*NETWORK_SCRIPTS, *(name for names in LAYER_TWINS.values() for name in names), *TRAINING])
WITHOUT_NODE = pytest.mark.skipif(not shutil.which("node"), reason="Node.js is not installed")
ENGINES = ["chromium", pytest.param("node", marks=[WITHOUT_NODE, pytest.mark.long])]
SHAPES = {"height": [(6, 4, 3), (7, 6, 4)], "time": [(7, 3), (9, 2)], "positions": [(4, 3), (3, 4, 2)]}
"""Shapes of samples for layers whose inputs have such an axis."""


@pytest.fixture(params=ENGINES)
def javascript(request, tmp_path):
    """Runs the body of a function of each of several `given` values after the twins, in a browser or in Node.js."""
    twins = "\n".join(resource(f"twins/{name}") for name in SCRIPTS)

    def in_browser(body, *given):
        chrome = request.getfixturevalue("chrome")
        chrome.end()
        return chrome.driver.execute_script(f"{twins}\nreturn arguments[0].map((given) => {{{body}}});", given)

    def in_node(body, *given):
        file = tmp_path / "twins.js"
        text = f"{twins}\nconst found = {json.dumps(given)}.map((given) => {{{body}}});\n"
        file.write_text(f"{text}console.log(JSON.stringify(found));\n", encoding="utf-8")
        done = subprocess.run(["node", file], check=False, capture_output=True, text=True, encoding="utf-8")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return in_browser if request.param == "chromium" else in_node


def same(found, expected, tolerance=1e-12):
    """Whether numbers agree, relative to the largest one."""
    expected = np.asarray(expected, float)
    np.testing.assert_allclose(
        found, expected.ravel(), rtol=0, atol=tolerance * max(1.0, np.abs(expected).max(initial=0))
    )


STEP = """
const network = new Network(given.layers, given.shape);
network.w.set(given.w);
network.state.set(given.state);
for (const [name, layer] of Object.entries(network.named)) layer.rng = new Generator(given.generators[name]);
const y = network.forward(Float64Array.from(given.x), given.n, given.training);
const dx = network.backward(Float64Array.from(given.dy), given.n);
return {
  y: [...y], dx: [...dx], g: [...network.g], state: [...network.state],
  output: network.output, names: network.slots.map(({ place }) => place),
};"""


def cases(name):
    """Networks of one layer, from its examples and for some shapes, in training and not."""
    cls = registry.find("layers", name).load()
    axis = next((axis for axis in map(str, cls.axes) if axis in SHAPES), "")
    for example in [*cls.examples, {}] if name != "reshape" else [{"target_shape": [-1]}, {"target_shape": [2, -1]}]:
        for shape in SHAPES.get(axis, [(4,), (3, 4)]):
            try:
                network = specnet.build_network([{"type": name, **example}], shape, dtype="float64", seed=1)
                check_layers([fields := build("layers", {"type": name, **example}).to_spec()])
            except SpecnetError:  # fields that it needs, shapes that it does not take, or what the twin does not have
                continue
            for training in (True, False):
                yield network, fields, training


@pytest.mark.parametrize("name", LAYER_TWINS)
def test_a_layer_and_its_twin_agree_forward_and_backward(name, javascript):
    rng, given, expected = np.random.default_rng(5), [], []
    for network, fields, training in cases(name):
        network.params.flat[...] = rng.normal(size=network.params.flat.shape)
        x = np.asarray(network.layers[0].example_inputs(rng, (3, *network.input_shape)), float)
        dy = rng.normal(size=(3, *network.output_shape))
        arrays = {"w": network.params.flat, "state": network.state.flat, "x": x, "dy": dy}
        generators = {place: generator_state(layer.rng.bit_generator.state) for place, layer in network.named.items()}
        each = {
            "layers": [fields],
            "shape": network.input_shape,
            "n": 3,
            "training": training,
            "generators": generators,
        }
        given.append(each | {name: array.ravel().tolist() for name, array in arrays.items()})
        y = network.forward(x, training)
        dx = network.backward(dy)
        computed = {"y": y, "dx": dx, "g": network.grads.flat.copy(), "state": network.state.flat.copy()}
        expected.append(computed | {"output": [*network.output_shape], "names": [*network.params]})
    assert len(given) >= 2
    for found, wanted in zip(javascript(STEP, *given), expected, strict=True):
        for part, value in wanted.items():
            if part in ("output", "names"):
                assert found[part] == value
            else:
                same(found[part], value)


LOSS = """
const loss = buildLoss(given.loss, given.output);
const value = loss.forward(Float64Array.from(given.y), Float64Array.from(given.t));
return [[value], [...loss.backward()], [...loss.predictions(Float64Array.from(given.y))]];"""


@pytest.mark.parametrize("name", LOSS_TWINS)
def test_a_loss_and_its_twin_agree(name, javascript):
    rng, given, expected, numbers = np.random.default_rng(6), [], [], name == "cross_entropy"
    for example in [*registry.find("losses", name).load().examples, {}, {"reduction": "sum"}]:
        for width in (2, 4) if numbers else (1, 3):
            loss = build("losses", {"type": name, **example})
            check_twin(loss.to_spec(), LOSS_TWINS, "loss")
            y = loss.example_outputs(rng, (5, width))
            raw = rng.integers(width, size=5) if numbers else rng.integers(2, size=(5, width)) + 0.0
            t = loss.prepare(raw, (width,), np.dtype(float))
            given.append({"loss": loss.to_spec(), "output": [width], "y": y.ravel().tolist(), "t": t.ravel().tolist()})
            expected.append([[loss.forward(y, t)], loss.backward(), loss.predictions(y)])
    for found, wanted in zip(javascript(LOSS, *given), expected, strict=True):
        for one, other in zip(found, wanted, strict=True):
            same(one, np.asarray(other))


RULES = [
    ("sgd", {}), ("sgd", {"momentum": 0.9, "dampening": 0.5}), ("sgd", {"momentum": 0.7, "nesterov": True}),
    ("sgd", {"momentum": 0.7, "nesterov": True, "momentum_of": "steps"}),
    ("adam", {}), ("adam", {"amsgrad": True, "weight_decay": 0.1}), ("adamw", {}),
    ("rmsprop", {}), ("rmsprop", {"centered": True, "momentum": 0.5, "weight_decay": 0.1}),
]  # fmt: skip
UPDATE = """
const network = new Network(given.layers, [3]);
network.w.set(given.w);
const optimizer = new OptimizerTwin(given.optimizer, network);
given.gs.forEach((g, i) => {
  network.g.set(g);
  optimizer.step(i + 1, given.optimizer.learning_rate, given.optimizer.weight_decay);
});
return [...network.w];"""


@pytest.mark.parametrize(("name", "fields"), RULES)
def test_an_optimizer_and_its_twin_agree(name, fields, javascript):
    assert {name for name, _ in RULES} == {*OPTIMIZER_TWINS}
    rng = np.random.default_rng(7)
    layer = build("layers", {"type": "linear", "units": 2})
    network = specnet.build_network([layer], (3,), dtype="float64")
    optimizer = build("optimizers", {"type": name, **fields})
    slots, w = np.zeros((len(optimizer.state_names), 8)), network.params.flat.tolist()
    gs = rng.normal(size=(6, 8))
    update = Updater(network, optimizer, slots)
    for step, g in enumerate(gs):
        network.grads.flat[...] = g
        update(step)
    given = {"layers": [layer.to_spec()], "w": w, "gs": gs.tolist(), "optimizer": optimizer.to_spec()}
    (found,) = javascript(UPDATE, given)
    same(found, network.params.flat)


def test_what_a_twin_is_without_fields_is_what_its_component_is(javascript):
    body = "return Object.fromEntries(Object.entries(OPTIMIZERS).map(([name, { fields }]) => [name, fields]));"
    (found,) = javascript(body, None)
    for name, fields in found.items():
        expected = build("optimizers", name).to_spec()
        assert fields == {
            each: value for each, value in expected.items() if each not in ("type", "learning_rate", "groups")
        }
    xs = np.linspace(-3, 3, 13)
    body = "return Object.entries(ACTIVATIONS).map(([name, make]) => [name, given.map((x) => make({})[0](x))]);"
    (values,) = javascript(body, xs.tolist())
    for name, ys in values:
        same(ys, build("layers", name).f(xs))


def test_the_generator_draws_what_numpy_draws(javascript):
    rng = np.random.default_rng(8)
    rng.random(3, np.float32)  # half of a number is left over
    given = generator_state(rng.bit_generator.state)
    body = """
    const rng = new Generator(given);
    const orders = [1, 2, 5, 300, 70000].map((count) => [...rng.permutation(count)]);
    return [orders, [1, 2, 3].map(() => rng.uniform(true)), [1, 2, 3].map(() => rng.uniform())];"""
    ((orders, single, double),) = javascript(body, given)
    assert orders == [rng.permutation(count).tolist() for count in (1, 2, 5, 300, 70000)]
    assert single == rng.random(3, np.float32).astype(float).tolist()
    assert double == rng.random(3).tolist()


def spec(layers, loss="bce_with_logits", optimizer="adam", dataset=None, **training):
    return {
        "dtype": "float64", "seed": 4, "dataset": dataset or {"type": "spiral", "n_samples": 90}, "record": None,
        "plots": [], "split": {"validation": 0.2}, "transforms": {"inputs": ["standardize"]}, "layers": layers,
        "loss": loss, "optimizer": optimizer, "training": {"epochs": 8, "batch_size": 16, **training},
    }  # fmt: skip


SHAPES_DATA = {"type": "shapes", "n_samples": 60}
RUNS = {
    "adam with a schedule": spec([{"type": "linear", "units": 8}, "tanh", "linear"], optimizer={
        "type": "adam", "learning_rate": {"type": "cosine", "initial": 0.05}}),
    "dropout and penalties": spec([{"type": "linear", "units": 8}, "relu", {"type": "dropout", "rate": 0.3}, "linear"],
        optimizer={"type": "sgd", "learning_rate": 0.3, "momentum": 0.9}, l2=0.01, l1=0.001, clip_norm=0.5),
    "batch norm and frozen layers": spec([
        {"type": "linear", "units": 8, "trainable": False}, "batch_norm", "gelu", "linear"], optimizer="adamw"),
    "residual, parallel and repeat": spec([
        {"type": "linear", "units": 4}, {"type": "residual", "layers": [{"type": "linear", "units": 4}, "tanh"]},
        {"type": "parallel", "branches": [["relu"], []]}, {"type": "repeat", "times": 2, "layers": ["layer_norm"]},
        "linear"], optimizer="rmsprop", clip_value=0.1),
    "outputs by name": spec([
        {"type": "linear", "units": 4, "name": "wide"}, {"type": "tanh", "name": "first"},
        {"type": "concat", "from": ["input", "first", "first"], "name": "null"},
        {"type": "linear", "units": 4, "name": "third"},
        {"type": "multiply", "from": ["wide", "first", "third"], "name": "both"},
        {"type": "add", "from": ["both", "wide"]}, {"type": "sequential", "layers": [
            {"type": "relu", "name": "a"}, {"type": "maximum", "from": ["input", "a", "a"]}]}, "linear"]),
    "convolution of images": spec([
        {"type": "conv2d", "filters": 3, "kernel_size": 3, "padding": "same", "strides": 2}, "relu", "max_pool2d",
        "flatten", {"type": "dropout", "rate": 0.2}, "linear"], "cross_entropy", dataset=SHAPES_DATA, epochs=3),
    "numbers in a full batch": spec([{"type": "linear", "units": 6}, "sigmoid", "linear"], "huber", "adam",
        {"type": "waves", "n_samples": 50}, batch_size="full"),
    "weights of classes": spec([
        {"type": "conv2d", "filters": 3, "kernel_size": 3, "strides": 2}, "relu", "flatten", "linear"],
        {"type": "cross_entropy", "label_smoothing": 0.1, "class_weight": {"disc": 3, "cross": 0.2}},
        dataset=SHAPES_DATA, epochs=3),
    "weights of two classes": spec([{"type": "linear", "units": 6}, "tanh", "linear"],
        {"type": "bce_with_logits", "class_weight": {"arm 1": 0.3}, "label_smoothing": 0.1}),
    "weights of distributions": spec([{"type": "linear", "units": 6}, "tanh", "linear"],
        {"type": "cross_entropy", "class_weight": "balanced"}) | {
            "transforms": {"inputs": ["standardize"], "targets": ["one_hot"]}},
    "weights in a sum": spec([{"type": "linear", "units": 6}, "tanh", "linear"],
        {"type": "hinge", "class_weight": "balanced", "reduction": "sum"}),
    "a class that does not count": spec([{"type": "linear", "units": 6}, "tanh", "linear"],
        {"type": "bce_with_logits", "class_weight": {"arm 1": 0}}, batch_size=2),
    "a schedule that watches": spec([{"type": "linear", "units": 6}, "tanh", "linear"], optimizer={
        "type": "adam", "learning_rate": {"type": "reduce_on_plateau", "initial": 0.1, "patience": 1}}),
}  # fmt: skip
"""Runs that twins follow."""
FOLLOW = """
const network = new Network(given.layers, given.input);
network.w.set(given.w);
network.state.set(given.state0);
for (const [name, { rate }] of Object.entries(network.named)) {
  if (rate) network.named[name].rng = new Generator(given.generators[name]);
}
const trainer = new TrainerTwin({
  network, loss: buildLoss(given.loss, network.output), optimizer: new OptimizerTwin(given.optimizer, network),
  samples: { n: given.n, x: Float64Array.from(given.x), t: Float64Array.from(given.t) },
  rng: new Generator(given.generators.shuffle),
  settings: {
    ...given.training, noise: 0, rate: (step) => given.rate?.[step] ?? given.optimizer.learning_rate,
    decay: () => given.optimizer.weight_decay,
  },
});
const losses = [];
while (trainer.epoch < given.training.epochs) losses.push(trainer.step());
return losses.filter((loss) => loss !== null);"""


@pytest.mark.parametrize("kind", RUNS)
def test_training_in_javascript_follows_the_run(kind, javascript, tmp_path):
    run = specnet.run(specnet.load_spec(RUNS[kind]), out=tmp_path / "run", report=False)
    lab, first = laboratory(run), run.state(0)
    batch = prepare(run, "train")
    given = {name: lab[name] for name in ("layers", "input", "loss", "optimizer", "training", "generators")}
    given |= {"w": first.arrays["params"].tolist(), "state0": first.arrays["state"].tolist(), "n": batch.rows}
    given |= {"x": batch.inputs.ravel().tolist(), "t": batch.targets.ravel().tolist()}
    found = rates(run, batch.rows).get("learning_rate")
    given |= {"rate": None if found is None else found.tolist()}
    (losses,) = javascript(FOLLOW, given)
    np.testing.assert_allclose(losses, run.history["train/loss"], rtol=1e-10)


REFUSED = {
    "layers.1, gru, has no twin": {"layers": [
        {"type": "reshape", "target_shape": [2, 1]}, {"type": "gru", "units": 3}, "linear"]},
    "layers.0: the twin of linear in JavaScript does not support this max_norm": {"layers": [
        {"type": "linear", "units": 3, "max_norm": 1.0}, "linear"]},
    "layers.0.branches.0.0, prelu, has no twin": {"layers": [
        {"type": "parallel", "branches": [["prelu"], []]}, "linear"]},
    "loss, focal, has no twin": {"loss": "focal"},
    "optimizer, adagrad, has no twin": {"optimizer": "adagrad"},
    "training.weight_averaging has no twin": {"training": {"epochs": 2, "weight_averaging": {"type": "ema"}}},
    "a schedule of optimizer.beta_2 has no twin": {"optimizer": {
        "type": "adam", "beta_2": {"type": "linear", "initial": 0.5, "final": 0.9, "steps": 10}}},
    "a schedule of optimizer.momentum has no twin": {"optimizer": {
        "type": "sgd", "momentum": {"type": "linear", "initial": 0.5, "final": 0.9, "steps": 10}}},
    "the twin of repeat in JavaScript takes no outputs by name": {"layers": [
        {"type": "repeat", "times": 2, "layers": [{"type": "add", "from": ["input", "input"]}]}, "linear"]},
    "layers.0: the twin of concat in JavaScript does not support this axis": {"layers": [
        {"type": "concat", "from": ["input", "input"], "axis": 0}, "linear"]},
    "split.leave_out has no twin": {"split": {"validation": 0.2, "leave_out": [3]}},
    "random transforms have no twin": {"transforms": {"inputs": [{"type": "gaussian_noise", "std": 0.1}]}},
    "more than the 0.4 MB": {
        "dataset": {"type": "spiral", "n_samples": 60_000}, "training": {"epochs": 1, "batch_size": 5000}},
}  # fmt: skip


@pytest.mark.parametrize("message", REFUSED)
def test_what_has_no_twin_is_named_in_the_page(message, tmp_path):
    base = spec([{"type": "linear", "units": 3}, "tanh", "linear"], epochs=2)
    run = specnet.run(specnet.load_spec(base | REFUSED[message]), out=tmp_path / "run", report=False)
    with pytest.raises(SpecnetError, match=message.replace(".", r"\.")):
        laboratory(run)
    text = run.report().read_text(encoding="utf-8")
    assert message in text
    assert "cannot be trained again in this page" in text
    assert "class Laboratory" not in text


def test_a_schedule_that_a_resumed_run_did_not_have_at_first_is_named(tmp_path):
    """A cosine of 2 epochs and one of 4 differ from the first step on."""
    schedule = {"type": "adam", "learning_rate": {"type": "cosine", "initial": 0.05}}
    layers = [{"type": "linear", "units": 3}, "tanh", "linear"]
    run = specnet.run(specnet.load_spec(spec(layers, optimizer=schedule, epochs=2)), out=tmp_path / "run", report=False)
    assert "learning_rate" in laboratory(run)["rates"]
    run = specnet.resume(run.directory, overrides=["training.epochs=4"], report=False)
    with pytest.raises(SpecnetError, match=r"optimizer.learning_rate was not that of the spec in all epochs"):
        laboratory(run)


def test_the_guide_lists_every_twin():
    text = (Path(__file__).parents[2] / "docs" / "laboratory.md").read_text(encoding="utf-8")
    assert [name for name in (*LAYER_TWINS, *LOSS_TWINS, *OPTIMIZER_TWINS) if f"`{name}`" not in text] == []
