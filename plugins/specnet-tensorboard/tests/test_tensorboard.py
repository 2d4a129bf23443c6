"""Runs are logged for TensorBoard, each step once."""

import json
from collections import Counter

import pytest
from click.testing import CliRunner
from specnet_tensorboard import hyper_parameters, records

import specnet
from specnet.cli import cli

SPEC = {
    "name": "small",
    "dataset": {"type": "spiral", "n_samples": 40},
    "split": {"validation": 0.2},
    "layers": [{"type": "linear", "units": 3}, "tanh", "linear"],
    "loss": "bce_with_logits",
    "training": {"epochs": 4},
    "plots": ["curves"],
    "record": None,
}


def logged(run):
    """The events of a run as (step, tag, value), and the number of hyper-parameters."""
    events, parameters = [], 0
    for path in sorted((run.directory / "logs" / "tensorboard").glob("events*")):
        for _, event in records(path.read_bytes()):
            for value in event.summary.value:
                parameters += value.tag.startswith("_hparams_/experiment")
                if not value.tag.startswith("_hparams_"):
                    events.append((event.step, value.tag, value))
    return events, parameters


def called(*arguments):
    result = CliRunner().invoke(
        cli, [*map(str, arguments), "--logger", '{"type": "tensorboard", "histograms": 2}', "-q"]
    )
    assert result.exit_code == 0, result.output


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tensorboard")
    (folder / "spec.json").write_text(json.dumps(SPEC))
    called("run", folder / "spec.json", "-o", folder / "run", "--no-report")
    return specnet.load_run(folder / "run")


def test_scalars_histograms_and_pictures_are_those_of_the_run(run):
    events, parameters = logged(run)
    losses = [value.simple_value for _, tag, value in events if tag == "validation/loss"]
    assert losses == pytest.approx(run.history["validation/loss"]) and parameters == 1
    assert {tag for _, tag, _ in events} >= {"train/loss", "optimizer.learning_rate", "curves"}
    assert {step for step, tag, _ in events if tag == "params/layers.0.weight"} == {2, 4}
    assert [value.image.width > 100 for _, tag, value in events if tag == "curves"] == [True]
    assert {tag for _, tag, _ in events} >= {"grads/layers.2.bias"}


def test_a_resumed_run_has_each_step_once(run):
    called("resume", run.directory, "--checkpoint", 2, "--set", "training.epochs=6", "--no-report")
    events, parameters = logged(specnet.load_run(run.directory))
    counts = Counter((step, tag) for step, tag, _ in events)
    assert {*counts.values()} == {1} and parameters == 1
    assert sorted(step for step, tag in counts if tag == "train/loss") == [1, 2, 3, 4, 5, 6]
    called("resume", run.directory, "--no-report")  # nothing is left to train
    assert len(logged(run)[0]) == len(events)


def test_hyper_parameters_are_named_by_their_places():
    found = dict(hyper_parameters(specnet.load_spec(SPEC).to_json()))
    assert (found["layers.0.units"], found["optimizer.type"], found["training.epochs"]) == (3, "adam", 4)
    assert "description" not in found and "record" not in found


def test_the_distribution_keeps_its_promises():
    result = CliRunner().invoke(cli, ["check", "--distribution", "specnet-tensorboard"])
    assert (result.exit_code, "FAILED" in result.stdout) == (0, False), result.stdout
