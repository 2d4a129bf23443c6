"""A run goes on only as the run that it is: with the same spec, data and plugins, and told where machines differ."""

import json
import os
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
from helpers import Watched
from runs.stopped import change, contents, files, small

import specnet
from specnet.distributions import version
from specnet.errors import Interrupted, SpecError, UsageError
from specnet.runs.provenance.threads import usable_cores
from specnet.runs.resume import differences

REFUSED = [
    ("seed=6", "/seed"),
    ("dtype=float64", "/dtype"),
    ("layers.0.use_bias=false", "/layers/0/use_bias"),
    ('layers=["tanh", {"type": "linear", "units": 1}]', "/layers/0/type"),
    ("loss=mse", "/loss/type"),
    ("metrics=[]", "/metrics/0"),
    ("optimizer.learning_rate=0.5", "/optimizer/learning_rate"),
    ("training.batch_size=10", "/training/batch_size"),
    ("training.shuffle=false", "/training/shuffle"),
    ("dataset.n_samples=38", "/dataset/n_samples"),
    ("split.validation=0.3", "/split/validation"),
    ('transforms.inputs=["standardize"]', "/transforms/inputs/0"),
    ('checkpoint.monitor="train/loss"', "/checkpoint/monitor"),
    ('record={"every": 1}', "/record/every"),
    ("record=null", "/record"),
    ('training.early_stopping={"patience": 3}', "/training/early_stopping"),
]


@pytest.mark.parametrize(("override", "pointer"), REFUSED)
def test_a_change_that_bears_on_training_is_refused_by_name(override, pointer, stop, tmp_path):
    stop(3)
    with pytest.raises(Interrupted):
        specnet.run(small(), tmp_path / "run", report=False)
    before = {
        path: path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file() and path.name != ".lock"
    }
    with pytest.raises(SpecError) as error:
        specnet.resume(tmp_path / "run", [override], report=False)
    (found,) = [found.to_json() for found in error.value.diagnostics if found.code == "changed"][:1]
    assert pointer.startswith(found["pointer"])
    assert "here, not" in found["message"]
    assert files(tmp_path / "run") == before


ALLOWED = [
    "description=more", "name=other", 'plots=["curves"]', "checkpoint.every=1", "checkpoint.every_steps=1",
    "checkpoint.keep=9", "training.on_divergence=restore_best", "training.max_seconds=900",
    "training.epochs=4",
]  # fmt: skip


@pytest.mark.parametrize("override", ALLOWED)
def test_a_change_that_cannot_matter_is_let_through(override, stop, tmp_path):
    expected = contents(specnet.run(small(), tmp_path / "whole", report=False).directory)
    stop(3)
    with pytest.raises(Interrupted):
        specnet.run(small(), tmp_path / "run", report=False)
    run = specnet.resume(tmp_path / "run", [override], report=False)
    assert contents(run.directory)["history"] == expected["history"]
    saved, whole = (np.load(tmp_path / name / "checkpoints/step-00000008.npz") for name in ("run", "whole"))
    with saved, whole:
        assert all(saved[name].tobytes() == whole[name].tobytes() for name in ("params", "slots", "state"))


@pytest.fixture
def from_file(stop, tmp_path):
    """A run that was stopped, of data in a file."""
    generator = np.random.default_rng(0)
    arrays = {"inputs": generator.normal(size=(40, 2)), "targets": np.arange(40) % 2}
    np.savez(tmp_path / "data.npz", **arrays)
    stop(3)
    with pytest.raises(Interrupted):
        specnet.run(small(dataset={"type": "npz", "path": str(tmp_path / "data.npz")}), tmp_path / "run", report=False)
    return arrays


def test_other_data_are_refused_by_their_digest(from_file, tmp_path):
    from_file["inputs"][3, 1] += 1e-9
    np.savez(tmp_path / "data.npz", **from_file)
    with pytest.raises(UsageError, match="the data are not those that the run was made with: their SHA-256 is"):
        specnet.resume(tmp_path / "run", report=False)


def test_data_that_were_moved_are_the_same_data(from_file, tmp_path):
    shutil.move(tmp_path / "data.npz", tmp_path / "moved.npz")
    run = specnet.resume(tmp_path / "run", [f"dataset.path={tmp_path / 'moved.npz'}"], report=False)
    assert run.evaluate("train") == specnet.load_run(tmp_path / "run").evaluate("train")


def test_computed_data_with_other_last_bits_are_a_warning(stop, tmp_path):
    stop(3)
    with pytest.raises(Interrupted):
        specnet.run(small(), tmp_path / "run", report=False)
    change(tmp_path / "run", "data", "sha256", "0" * 64)
    with pytest.raises(UsageError, match="the data are not those"):
        specnet.resume(tmp_path / "run", strict=True, report=False)
    observer = Watched()
    specnet.resume(tmp_path / "run", observer=observer, report=False)
    assert ["the data are not those that the run was made with" in each for each in observer.warnings] == [True]


@pytest.mark.parametrize(
    ("place", "word", "value"),
    [
        (("versions", "numpy"), "NumPy", "another"),
        (("machine", "blas"), "BLAS", "another"),
        (("machine", "blas_kernel"), "BLAS kernel", "another"),
        (("machine", "blas_threads"), "BLAS threads", 99),
        (("machine", "simd"), "SIMD extensions", ["another"]),
    ],
)
def test_another_machine_setting_is_a_warning_and_with_strict_an_error(place, word, value, stop, tmp_path):
    stop(3)
    with pytest.raises(Interrupted):
        specnet.run(small(), tmp_path / "run", report=False)
    change(tmp_path / "run", *place, value)
    with pytest.raises(UsageError, match=re.escape(f"{word}: trained before with {value}, now")):
        specnet.resume(tmp_path / "run", strict=True, report=False)
    observer = Watched()
    run = specnet.resume(tmp_path / "run", observer=observer, report=False)
    assert [each.partition(":")[0] for each in observer.warnings] == [word]
    assert run.manifest["resumed"][0]["step"] == 3
    with pytest.raises(UsageError, match=word):  # some of it was trained elsewhere
        specnet.resume(run.directory, ["training.epochs=9"], strict=True, report=False)


def test_another_number_of_blas_threads_is_noticed(stop, tmp_path):
    specnet.run(small(), tmp_path / "run", report=False)
    threads = specnet.load_run(tmp_path / "run").manifest["machine"]["blas_threads"]
    if threads is None:
        pytest.skip("this NumPy does not tell its threads")
    result = subprocess.run(
        [sys.executable, "-m", "specnet", "resume", tmp_path / "run", "--strict"],
        env=os.environ | {"OPENBLAS_NUM_THREADS": str(threads + 1)},
        capture_output=True,
        text=True,
        check=False,
    )
    if usable_cores() <= threads:
        pytest.skip("there are no more threads to be had")
    assert result.returncode == 2
    assert f"BLAS threads: trained before with {threads}, now {threads + 1}" in result.stderr


def test_a_plugin_of_another_version_is_refused_with_what_to_install(stop, tmp_path):
    stop(3)
    with pytest.raises(Interrupted):
        specnet.run(small(), tmp_path / "run", report=False)
    change(tmp_path / "run", "components", "layers.linear", "specnet-tiny 0.0.9")
    with pytest.raises(UsageError, match=r"made with layers.linear of specnet-tiny 0.0.9 \(now specnet") as error:
        specnet.resume(tmp_path / "run", report=False)
    assert error.value.help == "pip install specnet-tiny==0.0.9"


def test_another_version_of_specnet_is_told_once_and_not_for_each_component(stop, tmp_path):
    stop(3)
    with pytest.raises(Interrupted):
        specnet.run(small(), tmp_path / "run", report=False)
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text())
    for name in manifest["components"]:
        change(tmp_path / "run", "components", name, "specnet 0.0.1")
    with pytest.raises(UsageError) as error:
        specnet.resume(tmp_path / "run", report=False)
    assert error.value.message == f"the run was made with specnet 0.0.1 (now specnet {version()})"


def test_every_difference_is_told_once_where_it_is():
    before = {"a": [1, {"b": 2}], "c": [1, 2], "d": 1, "e": True, "gone": None}
    now = {"a": [1, {"b": 3}], "c": [1], "d": 1, "e": 1, "new": 5}
    found = {pointer for pointer, *_ in differences(before, now)}
    assert found == {("a", 1, "b"), ("c", 1), ("e",), ("gone",), ("new",)}
