"""A network with two heads: it trains, is measured, predicted and exported by head."""

import json
from pathlib import Path

import numpy as np
import pytest

import specnet
from specnet.errors import Interrupted, SpecError, SpecnetError
from specnet.exporters.base import export
from specnet.recording.scenes import recorded_scene
from specnet.runs.trained.predictions import name_predictions
from specnet.task import Task, TaskPart

SPEC = Path(__file__).parents[2] / "specs" / "penguins_heads.json"
QUICK = ["training.epochs=4", "plots=[]"]
HEADS = {
    "type": "sum",
    "losses": [
        {"loss": "cross_entropy", "targets": ["1"], "units": 3, "weight": 2},
        {"loss": "mse", "targets": [0, 2], "weight": 0.5},
    ],
}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return specnet.run(specnet.load_spec(SPEC, QUICK), tmp_path_factory.mktemp("heads") / "run")


def test_the_loss_is_the_weighted_sum_of_those_of_the_heads():
    rng = np.random.default_rng(0)
    y, t = rng.normal(size=(6, 5)), np.column_stack([rng.normal(size=6), rng.integers(3, size=6), rng.normal(size=6)])
    loss, heads = specnet.build("losses", HEADS), [specnet.build("losses", name) for name in ("cross_entropy", "mse")]
    loss.task = loss.decide(specnet.Data(specnet.Samples(y, t), target_names=("a", "b", "c")).about_targets)
    weight = np.array([1.0, 0, 2, 1, 1, 3])
    target = loss.prepare(t, (5,), np.dtype(float))
    expected = 2 * heads[0].forward(y[:, :3], t[:, 1].astype(int), weight)
    expected += 0.5 * heads[1].forward(y[:, 3:], t[:, [0, 2]], weight)
    assert loss.forward(y, target, weight) == pytest.approx(expected)
    dy = np.column_stack([2 * heads[0].backward(), 0.5 * heads[1].backward()])
    np.testing.assert_allclose(loss.backward(), dy, rtol=1e-12)


def test_weights_of_classes_ignored_classes_and_masks_count_inside_each_head():
    weighted = {"class_weight": {"0": 0.5, "2": 3.0}, "label_smoothing": 0.2, "ignore_index": 1}
    losses = [
        {"loss": {"type": "cross_entropy", **weighted}, "targets": [2], "units": 3, "weight": 2.0},
        {"loss": {"type": "bce_with_logits", "class_weight": {"1": 4.0}}, "targets": [0], "units": 1},
        {"loss": "mse", "targets": [1, 3], "units": 2, "weight": 0.3},
    ]
    loss, rng = specnet.build("losses", {"type": "sum", "losses": losses}), np.random.default_rng(1)
    kinds = ("multiclass", ("0", "1", "2"), (2,)), ("binary", ("0", "1"), (0,)), ("regression", (), (1, 3))
    loss.task = Task(tuple(TaskPart(kind, classes=names, targets=columns) for kind, names, columns in kinds))
    y, mask = rng.normal(size=(4, 5, 6)), rng.random((4, 5)) < 0.7
    yes, classes, numbers = rng.integers(2, size=(4, 5)), rng.integers(3, size=(4, 5)), rng.normal(size=(4, 5, 2))
    target = loss.prepare(np.stack([yes, numbers[..., 0], classes, numbers[..., 1]], axis=-1), (5, 6), np.dtype(float))

    def defined(y):
        smooth = 0.8 * np.eye(3)[classes] + 0.2 / 3
        entropy = -np.sum(smooth * (y[..., :3] - np.log(np.exp(y[..., :3]).sum(axis=-1, keepdims=True))), axis=-1)
        yes_or_no = np.log(1 + np.exp(y[..., 3])) - yes * y[..., 3]
        squares = np.mean((y[..., 4:] - numbers) ** 2, axis=-1)
        each = 2 * np.array([0.5, 0, 3])[classes] * entropy + np.array([1, 4])[yes] * yes_or_no + 0.3 * squares
        return np.mean(each[mask])  # of all positions that are not masked, the ignored ones too

    assert loss.forward(y, target, mask.astype(float)) == pytest.approx(defined(y), rel=1e-12)
    dy = loss.backward()
    for _ in range(3):
        step = 1e-5 * rng.normal(size=y.shape)
        assert np.sum(dy * step) == pytest.approx((defined(y + step) - defined(y - step)) / 2, rel=1e-6)


def test_each_metric_measures_the_heads_that_it_can(run):
    samples = run.data.test
    found, truth = run.predict(samples.inputs), samples.targets
    assert run.evaluate("test") == pytest.approx(
        {
            **{name: value for name, value in run.metrics["test"].items() if name.startswith("loss")},
            "accuracy/species": np.mean(found[:, :3].argmax(axis=1) == truth[:, 0]),
            "rmse/body_mass_g": np.sqrt(np.mean((found[:, 3] - truth[:, 1]) ** 2)),
        }
    )
    assert {"train/accuracy/species", "validation/rmse/body_mass_g"} <= set(run.history)
    results = json.loads((run.directory / "results.json").read_text())
    assert 0.3 < results["baseline"]["test"]["accuracy/species"] < 0.6
    assert 600 < results["baseline"]["test"]["rmse/body_mass_g"] < 1000
    assert results["interval"]["test"]["accuracy/species"][1] < 1  # of Wilson


def test_the_losses_of_heads_stand_beside_their_weighted_sum(run):
    for split in ("train", "validation"):
        total, species, mass = (run.history[f"{split}/loss{name}"] for name in ("", "/species", "/body_mass_g"))
        np.testing.assert_allclose(species + 0.5 * mass, total, rtol=1e-5)
    test = run.data.test
    mean, std = run.data.train.targets[:, 1].mean(), run.data.train.targets[:, 1].std()
    found, truth = ((each - mean) / std for each in (run.predict(test.inputs)[:, 3], test.targets[:, 1]))
    assert run.evaluate("test")["loss/body_mass_g"] == pytest.approx(np.mean((found - truth) ** 2), rel=1e-4)
    assert [*run.evaluate("test")][:3] == ["loss", "loss/species", "loss/body_mass_g"]
    assert {"loss/species", "loss/body_mass_g"} <= json.loads((run.directory / "results.json").read_text())["interval"][
        "test"
    ].keys()


def test_transforms_of_targets_do_not_change_a_column_of_two_classes(tmp_path):
    changes = {"dataset": {"inputs": ["flipper_length_mm"], "targets": ["sex", "body_mass_g"]}, "extends": str(SPEC)}
    heads = [{"loss": "bce_with_logits", "targets": ["sex"]}, {"loss": "mse", "targets": ["body_mass_g"]}]
    layers = [{"type": "linear", "units": 2}]
    changes |= {"loss": {"losses": heads}, "layers": layers, "metrics": ["rmse"], "training": {"epochs": 1}}
    (tmp_path / "spec.json").write_text(json.dumps(changes))
    run = specnet.run(specnet.load_spec(tmp_path / "spec.json"), tmp_path / "run", report=False)
    data, weights = run.data.train, run.params
    x = (data.inputs - data.inputs.mean()) / data.inputs.std()
    y = x @ weights["layers.0.weight"] + weights["layers.0.bias"]
    mass = data.targets[:, 1]
    expected = np.column_stack([1 / (1 + np.exp(-y[:, 0])), y[:, 1] * mass.std() + mass.mean()])
    np.testing.assert_allclose(run.predict(data.inputs), expected, rtol=1e-4)


def test_two_losses_of_the_same_target_have_a_number(tmp_path):
    twice = {"losses": [{"loss": name, "targets": ["y"]} for name in ("mse", "mae")]}
    assert [*specnet.build("losses", {"type": "sum", **twice}).head_sums] == ["y 0", "y 1"]


def test_the_loss_of_a_head_can_be_monitored(tmp_path):
    changes = [*QUICK, 'training.early_stopping={"monitor": "validation/loss/species"}']
    best = specnet.run(specnet.load_spec(SPEC, changes), tmp_path / "run", report=False).best
    assert best["monitor"] == "validation/loss/species"
    with pytest.raises(SpecError, match="there will be no value"):
        specnet.load_spec(SPEC, [*QUICK, 'checkpoint={"monitor": "validation/loss/specie"}'])


def test_the_replay_shows_the_first_head(run):
    scene = recorded_scene(run)
    assert (scene.kind, scene.head, scene.classes) == ("verdicts", "species", ["Adelie", "Chinstrap", "Gentoo"])
    split = run.data.splits[scene.samples[0].split]
    np.testing.assert_array_equal(scene.samples[0].truth, split.targets[:, 0])
    np.testing.assert_allclose(scene.predictions[-1], run.predict(split.inputs)[:, :3], rtol=1e-5, atol=1e-6)
    assert "Only the first of several heads is shown: species." in (run.directory / "report.html").read_text()


def test_predictions_are_named_by_head(run):
    found = dict(name_predictions(run, run.predict(run.data.test.inputs[:5])))
    species = ["Adelie", "Chinstrap", "Gentoo"]
    assert [*found] == ["species", *(f"species: probability of {name}" for name in species), "body_mass_g"]
    assert set(found["species"]) <= {*species}
    assert found["body_mass_g"].min() > 2000


def test_the_confusion_of_each_head_with_classes_is_drawn(run):
    figure = specnet.build("plots", "confusion_matrix").draw(run)
    titles = [axes.get_title() for axes in figure.axes if axes.get_xlabel() == "predicted class"]
    assert titles == [f"species: {run.evaluate('test')['accuracy/species']:.1%} correct"]


def test_a_run_with_heads_is_exported_to_a_script(run, tmp_path):
    export(run, "numpy", tmp_path / "heads.py")  # which compares predictions


def test_an_interrupted_run_with_heads_and_balanced_weights_ends_as_an_undisturbed_one(run, monkeypatch, tmp_path):
    from specnet.training.trainer import Trainer

    add = Trainer.add_loss

    def interrupted(self, loss, batch):
        add(self, loss, batch)
        if self.step == 9:
            raise Interrupted("here", 130)

    monkeypatch.setattr(Trainer, "add_loss", interrupted)
    spec = specnet.load_spec(SPEC, [*QUICK, "checkpoint.every_steps=9"])
    with pytest.raises(Interrupted):
        specnet.run(spec, tmp_path / "run")
    monkeypatch.undo()
    resumed = specnet.resume(tmp_path / "run", report=False)
    assert resumed.params["layers.0.weight"].tobytes() == run.params["layers.0.weight"].tobytes()
    assert resumed.history["train/loss/species"].tobytes() == run.history["train/loss/species"].tobytes()


def test_micro_batches_of_a_batch_have_its_loss(run, tmp_path):
    spec = specnet.load_spec(SPEC, [*QUICK, "training.batch_size=8", "training.gradient_accumulation_steps=4"])
    parts = specnet.run(spec, tmp_path / "run", report=False)
    for name in ("loss", "loss/species", "loss/body_mass_g"):
        np.testing.assert_allclose(parts.history[f"train/{name}"], run.history[f"train/{name}"], rtol=1e-4)


@pytest.mark.parametrize(
    ("change", "pointer", "message"),
    [
        ("loss=mse", ("loss",), '"species" has 3 classes'),
        ("loss.losses.0.targets.0=specie", ("loss", "losses", 0, "targets", 0), 'no target "specie"'),
        ("layers.2.branches.0.0.units=4", ("layers",), "returns 5 outputs, but the losses of the sum take 3 \\+ 1"),
        ('loss.losses=[{"loss": "mse", "targets": ["body_mass_g"]}]', ("loss", "losses"), "no loss of the sum learns"),
        ('loss.losses.1.loss={"type": "mse", "reduction": "sum"}', ("loss",), "of the sum, not of a loss inside it"),
        (
            'loss.losses=[{"loss": "cross_entropy", "targets": ["species"]}, {"loss": "bce", "targets": [1]}]',
            ("loss", "losses", 1),
            "are regression",
        ),
    ],
)
def test_a_mistake_in_heads_is_located(change, pointer, message, tmp_path):
    with pytest.raises(SpecnetError, match=message) as caught:
        specnet.run(specnet.load_spec(SPEC, [*QUICK, change]), tmp_path / "run")
    assert pointer in [found.pointer for found in caught.value.diagnostics]


def test_a_metric_that_no_head_can_be_measured_by_is_refused():
    with pytest.raises(SpecError, match="rmse is a metric of numbers, but no head learns numbers"):
        specnet.load_spec(
            {
                "dataset": {"type": "csv", "path": str(SPEC.parent / "data" / "penguins.csv"),
                            "inputs": ["bill_length_mm"], "targets": ["species", "sex"], "missing": "drop"},
                "layers": [{"type": "linear", "units": 4}],
                "loss": {"type": "sum", "losses": [{"loss": "cross_entropy", "targets": ["species"]},
                                                   {"loss": "bce_with_logits", "targets": ["sex"]}]},
                "metrics": ["accuracy", "rmse"],
            }
        )  # fmt: skip
