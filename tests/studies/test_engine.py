import os
import pickle
import shutil
import signal
from pathlib import Path

import joblib
import pytest

import specnet
from specnet.errors import UsageError
from specnet.runs.storage.directory import RunDirectory
from specnet.studies.engine import Job, JobOutcome, _confirmed, _Place, _work, train_all, train_job

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


@pytest.mark.parametrize(
    "engine", ["", "roy", "ray://", "dask://", "dask://host", "dask://:::", "dask://::1:8786", "dusk://host:1"]
)
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


def change(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def cut(path):
    path.write_bytes(path.read_bytes()[:300])


MENDED = {
    "results.json": lambda run: (run / "results.json").write_text("{"),
    "results.json without scores": lambda run: (run / "results.json").write_text("{}"),
    "step-00000008.npz": lambda run: cut(run / "checkpoints/step-00000008.npz"),
    "step-00000008.npz is gone": lambda run: (run / "checkpoints/step-00000008.npz").unlink(),
}
REFUSED = {
    "spec.json is damaged": lambda run: (run / "spec.json").write_text("{"),
    "spec.json is not the spec": lambda run: change(run / "spec.json", '"units": 4', '"units": 5'),
    "manifest.json is damaged": lambda run: (run / "manifest.json").write_text("{"),
    "history.jsonl": lambda run: (run / "history.jsonl").write_text("{"),
    "is damaged: its end": lambda run: [cut(path) for path in (run / "checkpoints").iterdir()],
}


@pytest.fixture(scope="module")
def intact(tmp_path_factory):
    """A job that is done."""
    job = Job(specnet.load_spec(SPEC), tmp_path_factory.mktemp("intact") / "run")
    train_job(job)
    return job


@pytest.mark.parametrize("damage", MENDED)
def test_a_run_that_has_ended_and_is_damaged_is_trained_again(damage, intact, tmp_path):
    run = shutil.copytree(intact.directory, tmp_path / "run")
    MENDED[damage](run)
    found = train_job(intact._replace(directory=run))
    assert found.status == "finished"
    (told,) = [warning for warning in found.warnings if "it had ended, but was not intact" in warning]
    assert "gone" in damage or damage.split()[0] in told
    for path in [*intact.directory.glob("checkpoints/*"), intact.directory / "results.json"]:
        assert (run / path.relative_to(intact.directory)).read_bytes() == path.read_bytes()


def test_an_old_checkpoint_that_is_damaged_is_told_once(intact, tmp_path):
    job = intact._replace(directory=shutil.copytree(intact.directory, tmp_path / "run"))
    cut(job.directory / "checkpoints/step-00000004.npz")
    assert "step-00000004.npz is damaged" in train_job(job).warnings[-1]
    assert train_job(job) == JobOutcome(job.directory, "finished")


@pytest.mark.parametrize("damage", REFUSED)
def test_a_run_that_cannot_be_believed_or_resumed_is_told(damage, intact, tmp_path):
    run = shutil.copytree(intact.directory, tmp_path / "run")
    REFUSED[damage](run)
    found = train_job(intact._replace(directory=run))
    assert (found.status, found.error.exit_code) == ("failed", 3)
    assert f"{run} cannot be continued: " in str(found.error) and damage in str(found.error)
    assert f"specnet doctor {run}" in str(found.error)


def test_a_run_of_another_spec_is_not_believed(intact, tmp_path):
    run = shutil.copytree(intact.directory, tmp_path / "run")
    found = train_job(Job(intact.spec.model_copy(update={"seed": 9}), run))
    assert found.status == "failed" and "it was trained with a different spec" in str(found.error)


def test_workers_without_the_same_file_system_are_told(tmp_path):
    job = Job(specnet.load_spec(SPEC), Path("group/seed-1"))
    place = _Place(job.directory, tmp_path / "elsewhere/seed-1", os.getpid())
    handler = signal.getsignal(signal.SIGINT)
    found = _work([], pickle.dumps(job), place, None, None)
    assert signal.getsignal(signal.SIGINT) is handler, "the command itself can still be stopped"
    assert (found.directory, found.status) == (job.directory, "failed")
    assert f"does not find {tmp_path}/elsewhere" in str(found.error) and "same file system" in str(found.error)


def test_a_run_that_a_worker_has_written_elsewhere_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr("specnet.studies.engine.LATEST", 0)
    found = _confirmed(JobOutcome(tmp_path / "seed-1", "finished"))
    assert found.status == "failed" and "is not complete on this machine" in str(found.error)


def test_messages_of_workers_name_a_directory_as_the_command_does(intact, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(intact.directory, "mine")
    Path("mine/history.jsonl").write_text("x\n")
    job = Job(specnet.load_spec(SPEC), Path("mine"))
    messages = {
        str(_work([], pickle.dumps(job), _Place(job.directory, Path("mine").absolute(), os.getpid()), 1, None).error),
        str(train_job(job).error),
    }
    assert len(messages) == 1 and "]: mine cannot be continued: mine/history.jsonl is damaged" in messages.pop()


def test_workers_train_in_the_directory_that_is_meant_whatever_theirs_is(tmp_path, monkeypatch):
    spec = specnet.load_spec(SPEC)
    for name in ("a", "b"):  # the second time by the workers of the first
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        jobs = [Job(spec.model_copy(update={"seed": seed}), Path(f"group/{seed}")) for seed in (1, 2)]
        found = {outcome.directory: outcome.status for outcome in train_all(jobs, workers=2)}
        assert found == {job.directory: "finished" for job in jobs}
        assert (tmp_path / name / "group/1/results.json").exists()


@pytest.mark.long
def test_workers_of_a_ray_cluster_train_one_of_them_killed(tmp_path):
    pytest.importorskip("ray")
    spec = specnet.load_spec(SPEC)
    jobs = [Job(spec.model_copy(update={"seed": seed}), tmp_path / str(seed)) for seed in (1, 2)]
    jobs[0] = jobs[0]._replace(callbacks=[Killed(tmp_path / "marker")])
    found = {each.directory.name: each.status for each in train_all(jobs, workers=2, engine="ray")}
    assert found == {"1": "finished", "2": "finished"}
    assert [each["epoch"] for each in specnet.load_run(tmp_path / "1").manifest["resumed"]] == [1]


def test_an_engine_of_joblib_that_returns_no_single_results_is_refused(tmp_path):
    jobs = [Job(specnet.load_spec(SPEC), tmp_path / "run")]
    with joblib.parallel_config("multiprocessing"), pytest.raises(UsageError, match="one by one"):
        next(train_all(jobs, workers=2))
