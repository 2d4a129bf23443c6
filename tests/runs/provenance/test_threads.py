"""BLAS takes as many threads as pay, or as somebody says, and a run that goes on keeps their number."""

import os

import numpy as np
import pytest
from helpers import Watched
from runs.stopped import change, contents, small

import specnet
from specnet import Layer, build_network
from specnet.errors import Interrupted, UsageError
from specnet.runs import start
from specnet.runs.provenance import threads
from specnet.runs.provenance.machine import describe_machine, numpy_blas
from specnet.runs.provenance.threads import OPERATIONS, blas_threads, fitting_threads, recorded_threads, usable_cores
from specnet.runs.verification.doctor import examine_run
from specnet.training.model import Model
from specnet.training.trainer import Trainer

pytestmark = pytest.mark.skipif(numpy_blas() is None, reason="the threads of this BLAS cannot be set")
NAMES = threads.VARIABLES.get((numpy_blas() or {}).get("internal_api"), ())
"""Where this BLAS looks for its number of threads."""
LINEAR = {"type": "linear", "units": 32, "use_bias": False}
WORTH = OPERATIONS // (2 * 32 * 32)
"""Samples that make this layer worth a thread."""
WIDE = {
    "dataset": {"type": "spiral", "n_samples": 320},
    "layers": [{"type": "linear", "units": 128}, "tanh", {"type": "linear", "units": 128}, *small()["layers"]],
    "training": {"epochs": 4, "batch_size": 128},
}
"""Changes to a spec that make its products large enough for BLAS to divide them among threads. It has 8 steps."""


def now():
    """Threads that BLAS takes."""
    return numpy_blas()["num_threads"]


@pytest.fixture(autouse=True)
def two_cores(monkeypatch):
    """Nothing in the environment, two cores, and two threads before anything sets them."""
    for name in {name for names in threads.VARIABLES.values() for name in names}:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(threads, "usable_cores", lambda: 2)
    with blas_threads(2):
        yield


@pytest.fixture
def steps(monkeypatch):
    """Threads in each step of training."""
    seen, prepare = [], Trainer.prepare_step

    def counted(self, batch):
        seen.append(now())
        prepare(self, batch)

    monkeypatch.setattr(Trainer, "prepare_step", counted)
    return seen


SIZES = {
    "one sample too few for two": ([LINEAR], 2 * WORTH - 1, 8, 1),
    "enough for two": ([LINEAR], 2 * WORTH, 8, 2),
    "enough for three": ([LINEAR], 3 * WORTH, 8, 3),
    "no more than cores": ([LINEAR], 100 * WORTH, 4, 4),
    "a single core": ([LINEAR], 100 * WORTH, 1, 1),
    "next to nothing": (["tanh"], 1, 8, 1),
    "several layers do not add up": ([LINEAR] * 4, WORTH, 8, 1),
    "copies do not add up": ([{"type": "repeat", "times": 4, "layers": [LINEAR]}], WORTH, 8, 1),
    "inside layers inside layers": (
        [{"type": "parallel", "branches": [[{"type": "residual", "layers": [LINEAR]}], []]}], 2 * WORTH, 8, 2,
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", SIZES)
def test_the_largest_product_decides_on_the_number(case, monkeypatch):
    layers, batch, cores, number = SIZES[case]
    monkeypatch.setattr(threads, "usable_cores", lambda: cores)
    assert fitting_threads(build_network(layers, (32,)).named.values(), batch) == number


class Convolve(Layer):
    """Tells its operations as plugins do that compute them with NumPy."""

    def build(self, input_shape):
        self.declare("kernel", (2,), "zeros")
        return input_shape

    def flops(self):
        return np.prod([2, *self.input_shape, 32])

    def forward(self, x, training):
        return x

    def backward(self, dy):
        return dy


def test_layers_without_parameters_have_no_matrix_product():
    assert fitting_threads(build_network(["tanh"], (WORTH,)).named.values(), 100) == 1


@pytest.mark.parametrize("text", ["0", "all", " ", "-1"])
def test_what_no_library_takes_for_a_number_is_nobodys_word(text, monkeypatch):
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", text)
    with blas_threads(None, 1):
        assert describe_machine()["blas_threads"] == 1


def test_layers_of_plugins_count_with_the_operations_that_they_tell():
    network = build_network([Convolve()], (32,))
    assert (number := fitting_threads(network.named.values(), 2 * WORTH)) == 2
    assert type(number) is int


def test_cores_are_those_that_the_process_may_use(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {1, 4, 5}, raising=False)
    assert usable_cores() == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    assert usable_cores() == os.cpu_count()


def test_a_small_network_trains_with_one_thread_and_the_manifest_tells(steps, tmp_path):
    run = specnet.run(small(), tmp_path / "run", report=False)
    assert steps == [1] * 8
    assert run.manifest["machine"]["blas_threads"] == 1


def test_a_large_one_trains_with_more(steps, monkeypatch, tmp_path):
    monkeypatch.setattr(threads, "OPERATIONS", 1)
    run = specnet.run(small(), tmp_path / "run", report=False)
    assert steps == [2] * 8
    assert run.manifest["machine"]["blas_threads"] == 2


def test_a_batch_is_not_larger_than_the_data(steps, monkeypatch, tmp_path):
    monkeypatch.setattr(threads, "OPERATIONS", 5 * 29)
    for size in (None, 10**9):
        specnet.run(small(training={"epochs": 1, "batch_size": size}), tmp_path / str(size), report=False)
    assert steps == [1, 1], "29 samples of 5 operations are worth one thread"


@pytest.mark.parametrize("name", NAMES)
def test_what_the_environment_says_is_kept(name, steps, monkeypatch, tmp_path):
    monkeypatch.setenv(name, "2")  # BLAS has read it when it was loaded, and takes two
    run = specnet.run(small(), tmp_path / "run", report=False)
    assert steps == [2] * 8
    assert run.manifest["machine"]["blas_threads"] == 2


def test_what_the_environment_says_to_another_blas_is_not(steps, monkeypatch, tmp_path):
    monkeypatch.setitem(threads.VARIABLES, numpy_blas()["internal_api"], ("OPENBLAS_NUM_THREADS",))
    monkeypatch.setenv("MKL_NUM_THREADS", "2")
    specnet.run(small(), tmp_path / "run", report=False)
    assert steps == [1] * 8


def test_what_is_asked_for_wins(steps, monkeypatch, tmp_path):
    for name in NAMES:
        monkeypatch.setenv(name, "2")
    specnet.run(small(), tmp_path / "run", threads=1, report=False)
    assert steps == [1] * 8


def test_set_up_takes_one_thread_however_many_training_takes(steps, monkeypatch, tmp_path):
    seen, experiment = [], start.Experiment
    monkeypatch.setattr(start, "Experiment", lambda *given: seen.append(now()) or experiment(*given))
    specnet.run(small(), tmp_path / "run", threads=2, report=False)
    specnet.resume(tmp_path / "run", ["training.epochs=5"], report=False)
    assert (seen, steps) == ([1, 1], [2] * 10)


def test_afterwards_there_are_as_many_threads_as_before(stop, tmp_path):
    specnet.run(small(), tmp_path / "run", threads=1, report=False)
    assert now() == 2
    stop(3)
    with pytest.raises(Interrupted):
        specnet.run(small(), tmp_path / "stopped", threads=1, report=False)
    assert now() == 2
    specnet.resume(tmp_path / "stopped", report=False).evaluate("train")
    assert now() == 2


@pytest.mark.parametrize("number", [1, 2])
def test_a_run_that_goes_on_keeps_its_number_and_ends_in_the_same_bytes(number, steps, stop, tmp_path):
    whole = specnet.run(small(**WIDE), tmp_path / "whole", threads=number, report=False)
    stop(3)
    with pytest.raises(Interrupted):
        specnet.run(small(**WIDE), tmp_path / "run", threads=number, report=False)
    observer = Watched()
    run = specnet.resume(tmp_path / "run", observer=observer, strict=True, report=False)
    assert observer.warnings == []
    assert [each["machine"]["blas_threads"] for each in (run.manifest, *run.manifest["resumed"])] == [number] * 2
    assert contents(run.directory) == contents(whole.directory)


def test_another_number_is_a_warning_and_with_strict_an_error(stop, tmp_path):
    stop(3)
    with pytest.raises(Interrupted):
        specnet.run(small(), tmp_path / "run", threads=2, report=False)
    with pytest.raises(UsageError, match="BLAS threads: trained before with 2, now 1"):
        specnet.resume(tmp_path / "run", threads=1, strict=True, report=False)
    observer = Watched()
    run = specnet.resume(tmp_path / "run", observer=observer, threads=1, report=False)
    assert observer.warnings == ["BLAS threads: trained before with 2, now 1; last bits may differ"]
    assert recorded_threads(run.manifest) == 1


def test_a_run_from_a_machine_with_more_cores_goes_on_with_all_there_are(tmp_path):
    specnet.run(small(), tmp_path / "run", report=False)
    change(tmp_path / "run", "machine", "blas_threads", 64)
    observer = Watched()
    specnet.resume(tmp_path / "run", ["training.epochs=5"], observer, report=False)
    assert observer.warnings == ["BLAS threads: trained before with 64, now 2; last bits may differ"]


@pytest.mark.parametrize("told", [None, "another", 0, -2, 1.5])
def test_what_is_no_number_of_threads_is_passed_over(told):
    assert recorded_threads({"machine": {"blas_threads": told}, "resumed": []}) is None


@pytest.mark.parametrize("number", [-1, 0, 3])
def test_a_number_that_cannot_be_had_is_refused_before_anything_is_done(number, tmp_path):
    for call in (specnet.run, specnet.resume):
        with pytest.raises(UsageError, match=f"^error.usage.: {number} threads requested") as error:
            call(small() if call is specnet.run else tmp_path / "run", threads=number)
        assert error.value.help == "choose from 1 to 2"
    assert not list(tmp_path.iterdir())


def test_where_threads_cannot_be_set_asking_for_them_is_refused(monkeypatch, tmp_path):
    monkeypatch.setattr(threads, "numpy_blas", lambda: None)
    with pytest.raises(UsageError, match="the BLAS of NumPy, cannot be set"):
        specnet.run(small(), tmp_path / "run", threads=1, report=False)
    specnet.run(small(), tmp_path / "run", report=False)


def test_a_run_predicts_and_evaluates_with_the_threads_that_it_was_trained_with(monkeypatch, tmp_path):
    run = specnet.load_run(specnet.run(small(), tmp_path / "run", threads=1, report=False).directory)
    monkeypatch.setattr(Model, "evaluate", lambda *_: {"threads": now()})
    monkeypatch.setattr(Model, "predict", lambda *_: now())
    assert run.evaluate("train") == run.evaluate(run.data.train) == {"threads": 1}
    assert run.predict(np.zeros((1, 2))) == 1


def test_the_doctor_looks_at_a_run_with_the_threads_that_resume_would_take(tmp_path):
    run = specnet.run(small(), tmp_path / "run", threads=1, report=False)
    assert examine_run(run.directory).findings == []
