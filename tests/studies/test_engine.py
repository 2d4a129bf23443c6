import os
import signal
from pathlib import Path

import pytest

import specnet
from specnet.errors import UsageError
from specnet.runs.directory import RunDirectory
from specnet.studies.engine import Job, train_all, train_job

SPEC = {
    "dataset": {"type": "spiral", "n_samples": 40},
    "layers": [{"type": "linear", "units": 4}, "tanh", {"type": "linear", "units": 1}],
    "loss": "bce_with_logits",
    "training": {"epochs": 4},
    "checkpoint": {"every": 1},
    "record": None,
    "plots": [],
}


class Killed(specnet.Callback):
    """Kills its process after epoch 2, in the first worker that comes so far."""

    def __init__(self, marker):
        super().__init__()
        self.marker = marker

    def epoch(self, training, values):
        if training.epoch == 2:
            with self.marker.open("a") as file:
                file.write("x")
            if self.marker.stat().st_size == 1:
                os.kill(os.getpid(), signal.SIGKILL)


def test_finished_runs_are_believed_stopped_ones_resumed_and_busy_ones_skipped(tmp_path):
    spec = specnet.load_spec(SPEC)
    done, half, busy, new = (Job(spec, tmp_path / name) for name in ("done", "half", "busy", "new"))
    train_job(done)
    train_job(Job(spec.model_copy(update={"training": spec.training.model_copy(update={"epochs": 2})}), half.directory))
    (half.directory / "results.json").unlink()
    train_job(busy)
    (busy.directory / "results.json").unlink()
    stamp = (done.directory / "manifest.json").stat().st_mtime_ns
    with RunDirectory(busy.directory):
        found = {each.directory.name: each.status for each in train_all([done, half, busy, new], workers=1)}
    assert found == {"done": "finished", "half": "finished", "busy": "busy", "new": "finished"}
    assert (done.directory / "manifest.json").stat().st_mtime_ns == stamp
    assert specnet.load_run(half.directory).manifest["resumed"][0]["epoch"] == 2
    assert [len(specnet.load_run(tmp_path / name).history["epoch"]) for name in ("half", "new")] == [4, 4]


def test_a_worker_uses_one_thread_and_loads_the_data_once(tmp_path, monkeypatch):
    loaded = []
    spiral = type(specnet.build("datasets", "spiral"))
    load = spiral.load
    monkeypatch.setattr(spiral, "load", lambda self, rng: loaded.append(1) or load(self, rng))
    spec = specnet.load_spec(SPEC)
    for seed in (1, 2):
        seeds = spec.seeds.model_copy(update={"data": 5})
        train_job(Job(spec.model_copy(update={"seed": seed, "seeds": seeds}), tmp_path / str(seed)))
    assert len(loaded) == 1
    assert specnet.load_run(tmp_path / "1").manifest["machine"]["blas_threads"] == 1


def test_a_spec_that_does_not_fit_its_data_fails_with_its_error(tmp_path):
    spec = specnet.load_spec(SPEC | {"split": {"folds": 41, "fold": 1}})
    (found,) = train_all([Job(spec, tmp_path / "run")], workers=1)
    assert found.status == "failed" and "41 folds need at least 41 samples" in str(found.error)


@pytest.mark.parametrize("engine", ["ray", "dask://", "dusk://host:1"])
def test_an_unknown_engine_is_refused(engine, tmp_path):
    with pytest.raises(UsageError, match="there is no engine"):
        next(train_all([], engine=engine))


def test_workers_of_a_dask_cluster_train_one_of_them_killed(tmp_path):
    distributed = pytest.importorskip("distributed")
    spec = specnet.load_spec(SPEC)
    jobs = [Job(spec.model_copy(update={"seed": seed}), tmp_path / str(seed)) for seed in (1, 2)]
    jobs[0] = jobs[0]._replace(callbacks=[Killed(tmp_path / "marker")])
    with distributed.LocalCluster(2, threads_per_worker=1, dashboard_address=None, silence_logs=50) as cluster:
        address = cluster.scheduler_address.removeprefix("tcp")
        found = {each.directory.name: each.status for each in train_all(jobs, engine=f"dask{address}")}
    assert found == {"1": "finished", "2": "finished"}
    assert (tmp_path / "marker").stat().st_size == 2
    assert [each["epoch"] for each in specnet.load_run(Path(tmp_path / "1")).manifest["resumed"]] == [1]
