import json
import math
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import specnet
from specnet.errors import Interrupted, SpecError, SpecnetError, UsageError
from specnet.runs.storage.directory import claim_directory
from specnet.training import loop


def test_history_has_a_strict_json_line_for_each_epoch(train):
    run = train()
    lines = [json.loads(line) for line in (run.directory / "history.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in lines] == list(range(1, 9))
    names = ["train/loss", "train/accuracy", "validation/loss", "validation/accuracy"]
    assert list(lines[0]) == ["epoch", "step", *names, "optimizer.learning_rate", "seconds"]
    batches = math.ceil(len(run.data.train.inputs) / 10)
    assert [line["step"] for line in lines] == [batches * epoch for epoch in range(1, 9)]


def test_the_first_line_of_a_full_batch_run_is_the_loss_of_the_initial_weights(train):
    run = train(training={"epochs": 2, "batch_size": None}, layers=[{"type": "linear", "units": 1}], dtype="float64")
    initial = specnet.load_run(run.directory, "0").evaluate("train")
    assert run.history["train/loss"][0] == initial["loss"]
    assert run.history["train/accuracy"][0] == initial["accuracy"]


def test_the_last_line_has_the_validation_values_of_the_final_weights(train):
    run = train()
    scores = specnet.load_run(run.directory, "latest").evaluate("validation")
    assert run.history["validation/loss"][-1] == scores["loss"]
    assert run.history["validation/accuracy"][-1] == scores["accuracy"]


def test_the_resolved_spec_gives_the_same_run_again(train, tmp_path):
    run = train()
    again = specnet.run(specnet.load_spec(run.directory / "spec.json"), out=tmp_path / "again")
    assert again.spec.to_json() == run.spec.to_json()
    np.testing.assert_array_equal(again.model.network.params.flat, run.model.network.params.flat)


def test_running_a_spec_twice_in_one_process_gives_the_same_run(train, tmp_path):
    spec = train().spec
    one, other = specnet.run(spec, out=tmp_path / "one"), specnet.run(spec, out=tmp_path / "other")
    assert one.model.network.params.flat.tobytes() == other.model.network.params.flat.tobytes()


def test_another_seed_gives_another_run(train):
    assert train("a").history["train/loss"][-1] != train("b", seed=4).history["train/loss"][-1]


def test_the_manifest_tells_what_the_run_was_made_with(train):
    run = train()
    manifest = run.manifest
    assert manifest["status"] == "finished"
    assert manifest["seed"] == 3
    assert manifest["data"]["rows"] == {"train": 42, "validation": 12, "test": 6}
    assert manifest["versions"]["numpy"] == np.__version__
    assert manifest["spec"]["sha256"] == run.spec.digest()
    assert manifest["components"]["layers.dropout"].startswith("specnet ")
    assert manifest["components"]["initializers.glorot_uniform"].startswith("specnet ")
    assert manifest["started"] <= manifest["finished"]
    assert {"platform", "cpus", "blas", "blas_kernel", "blas_threads", "simd"} == manifest["machine"].keys()


def test_the_manifest_tells_kernel_and_threads_of_the_blas_that_is_loaded():
    libraries = list((Path(np.__file__).parents[1] / "numpy.libs").glob("*openblas*"))
    if not libraries:
        pytest.skip("this NumPy carries no OpenBLAS of its own")
    module = "specnet.runs.provenance.machine"
    code = f"from {module} import describe_machine as d; print(d()['blas_threads'], d()['blas_kernel'])"
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1"}
    output = subprocess.check_output([sys.executable, "-c", code], env=environment, text=True).split()
    assert output[0] == "1"
    assert output[1].isidentifier()


def test_early_stopping_stops_after_patience_epochs_without_improvement(train):
    stopping = {"monitor": "validation/loss", "patience": 3, "min_delta": 100.0}
    run = train(training={"epochs": 50, "early_stopping": stopping})
    assert run.manifest["stopped_early"]
    assert len(run.history["epoch"]) == 4


def test_a_record_holds_predictions_over_a_grid(train):
    run = train(record={"every": 3, "points": 7, "margin": 1.0})
    with np.load(run.directory / "record.npz") as record:
        assert record["epochs"].tolist() == [0, 3, 6, 8]
        assert record["predictions"].shape == (4, 7, 7, 1)
        inputs = np.concatenate([samples.inputs for samples in run.data.splits.values()])
        np.testing.assert_allclose(record["axis_0"][[0, -1]], [inputs[:, 0].min() - 1, inputs[:, 0].max() + 1])
        last = specnet.load_run(run.directory, "latest")
        point = np.array([[record["axis_0"][2], record["axis_1"][5]]])
        np.testing.assert_allclose(record["predictions"][-1, 2, 5], last.predict(point)[0], atol=1e-3)


def test_a_spec_may_be_given_as_a_mapping_or_a_path(train, tmp_path):
    spec = train().spec.to_json()
    path = tmp_path / "spec.json"
    path.write_text(json.dumps(spec))
    runs = [specnet.run(given, tmp_path / str(number)) for number, given in enumerate((spec, path, str(path)))]
    assert len({run.model.network.params.flat.tobytes() for run in runs}) == 1


def test_a_metric_that_does_not_fit_any_split_is_refused_before_training(train, tmp_path):
    arrays = {"inputs": np.zeros((4, 2)), "targets": np.array([0.0, 1.0, 1.0, 0.0])}
    wrong = {"validation_inputs": np.zeros((2, 2)), "validation_targets": np.array([0.5, 0.5])}
    np.savez(tmp_path / "data.npz", **arrays, **wrong)
    with pytest.raises(SpecnetError, match="this metric takes") as error:
        train(dataset={"type": "npz", "path": str(tmp_path / "data.npz")}, split={})
    assert error.value.pointer == ("metrics", 0)
    assert not (tmp_path / "run").exists()


def test_an_interrupt_with_few_kept_leaves_what_latest_names(train, tmp_path, monkeypatch):
    run_epoch = loop.run_epoch

    def interrupted(trainer):
        if trainer.epoch == 15:
            signal.raise_signal(signal.SIGINT)
        return run_epoch(trainer)

    monkeypatch.setattr(loop, "run_epoch", interrupted)
    with pytest.raises(Interrupted):
        train(checkpoint={"every": 10, "keep": 1, "monitor": "train/loss"}, training={"epochs": 30, "batch_size": None})
    for which in ("latest", "best", 0):
        specnet.load_run(tmp_path / "run", which)
    assert specnet.load_run(tmp_path / "run").status == "interrupted"


def test_a_monitor_without_its_split_is_refused_before_a_directory_is_made(train, tmp_path):
    stopping = {"monitor": "validation/loss"}
    with pytest.raises(SpecError, match="no validation samples"):
        train(split={}, training={"early_stopping": stopping})
    assert not (tmp_path / "run").exists()


def test_a_directory_that_is_empty_is_taken_and_one_that_is_not_is_passed_over(tmp_path):
    wanted = tmp_path / "deep" / "run"
    wanted.mkdir(parents=True)
    claimed = [claim_directory(wanted) for _ in range(3)]
    assert [directory.path.name for directory in claimed] == ["run", "run-2", "run-3"]


def test_a_place_where_no_directory_can_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="file"):
        claim_directory(tmp_path / "file" / "run")
