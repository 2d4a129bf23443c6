"""A run keeps its set of kernels: another set, or a missing one, is refused unless that is allowed."""

import json
from typing import ClassVar

import numpy as np
import pytest
from helpers import Watched, change

import specnet
from specnet import registry
from specnet.distributions import version
from specnet.errors import ComponentError, UsageError
from specnet.kernels.base import KernelSet

SPEC = {
    "dataset": {"type": "spiral", "n_samples": 40},
    "layers": [{"type": "linear", "units": 3}, "relu", {"type": "linear", "units": 2}],
    "loss": "cross_entropy",
    "training": {"epochs": 2, "batch_size": 8},
    "plots": [],
}
X = np.ones((2, 2))


@pytest.fixture
def run(tmp_path):
    return specnet.run(SPEC, tmp_path / "run", kernels="textbook", report=False)


def manifest(directory):
    return json.loads((directory / "manifest.json").read_text())


def test_the_manifest_names_the_set_and_digests_its_code(run):
    kernels = manifest(run.directory)["kernels"]
    assert kernels | {"sha256": ""} == {
        "name": "textbook", "distribution": "specnet", "version": version(), "sha256": ""
    }  # fmt: skip
    assert len(kernels["sha256"]) == 64


def test_the_default_is_numpy(tmp_path):
    found = specnet.run(SPEC, tmp_path / "run", report=False)
    assert manifest(found.directory)["kernels"]["name"] == "numpy"
    assert type(found.model.network.layers[0]).__module__.startswith("specnet.kernels.numpy")


def test_a_run_is_used_and_resumed_with_its_own_set(run):
    assert specnet.load_run(run.directory).model.network.kernels.__name__ == "Textbook"
    again = specnet.resume(run.directory, ["training.epochs=3"], report=False)
    assert again.model.network.kernels.__name__ == "Textbook"
    assert manifest(run.directory)["resumed"][0]["kernels"] == manifest(run.directory)["kernels"]
    resumed = specnet.run(SPEC | {"training": SPEC["training"] | {"epochs": 4}}, run.directory, resume=True)
    assert resumed.model.network.kernels.__name__ == "Textbook"


def test_another_set_is_refused_unless_it_is_allowed_and_then_recorded(run):
    for call in (specnet.load_run, lambda *a, **k: specnet.resume(*a, ["training.epochs=3"], report=False, **k)):
        with pytest.raises(UsageError, match=r'"textbook" of specnet .*, now it is "numpy" of specnet') as error:
            call(run.directory, kernels="numpy")
        assert "--allow-other-kernels" in str(error.value)
    other = specnet.load_run(run.directory, kernels="numpy", allow_other_kernels=True)
    assert "last bits may differ" in other.warnings[0]
    np.testing.assert_allclose(other.predict(X), run.predict(X), rtol=1e-5)
    watched = Watched()
    specnet.resume(
        run.directory, ["training.epochs=3"], watched, kernels="numpy", allow_other_kernels=True, report=False
    )
    assert "last bits may differ" in watched.warnings[0]
    told = manifest(run.directory)
    assert told["kernels"]["name"] == told["resumed"][0]["kernels"]["name"] == "numpy"
    assert specnet.load_run(run.directory).warnings == []


def test_a_set_that_is_gone_is_named_with_the_distribution_to_install(run):
    kernels = {"name": "fast", "distribution": "specnet-fast", "version": "1.2", "sha256": "0" * 64}
    change(run.directory / "manifest.json", kernels=kernels)
    for call in (specnet.load_run, specnet.resume):
        with pytest.raises(UsageError, match='there is no set of kernels "fast"') as error:
            call(run.directory)
        assert "pip install specnet-fast==1.2" in str(error.value)
    assert specnet.load_run(run.directory, allow_other_kernels=True).model.network.kernels.__name__ == "Numpy"


def test_other_code_of_the_same_set_is_refused_where_bits_matter(run):
    change(run.directory / "manifest.json", kernels=manifest(run.directory)["kernels"] | {"sha256": "0" * 64})
    with pytest.raises(UsageError, match="sha256 000000000000"):
        specnet.resume(run.directory, ["training.epochs=3"])
    (warning,) = specnet.load_run(run.directory).warnings
    assert "last bits may differ" in warning


def test_a_set_of_a_local_file_is_known_by_its_digest(tmp_path):
    @specnet.register("kernels", "mine")
    class Mine(KernelSet):
        """Replaces nothing."""

        replaces: ClassVar = {}

    try:
        found = specnet.run(SPEC, tmp_path / "run", kernels="mine", report=False)
        kernels = manifest(found.directory)["kernels"]
        assert (kernels["name"], kernels["distribution"]) == ("mine", "test_kernels.py")
    finally:
        del registry.LOCAL_ENTRIES["kernels", "mine"]
    with pytest.raises(UsageError, match='there is no set of kernels "mine"') as error:
        specnet.load_run(found.directory)
    assert "--plugin test_kernels.py" in str(error.value)


def test_a_set_that_there_is_not_is_refused_before_anything_is_made(tmp_path):
    with pytest.raises(ComponentError, match='there is no set of kernels "nump"'):
        specnet.run(SPEC, tmp_path / "run", kernels="nump")
    assert not (tmp_path / "run").exists()


def test_a_set_may_add_facts_that_its_bits_depend_on(tmp_path):
    class Compiled(KernelSet):
        facts: ClassVar = {"compiler": "gcc 14.2", "cpu": "avx512f"}

    specnet.register("kernels", "compiled")(Compiled)
    try:
        directory = specnet.run(SPEC, tmp_path / "run", kernels="compiled", report=False).directory
        told = manifest(directory)["kernels"]
        assert (told["name"], told["compiler"], told["cpu"]) == ("compiled", "gcc 14.2", "avx512f")
        Compiled.facts = Compiled.facts | {"cpu": "avx2"}
        watched = Watched()
        specnet.resume(directory, ["training.epochs=3"], watched, report=False)
        assert "cpu avx512f), now it is" in watched.warnings[0] and "cpu avx2)" in watched.warnings[0]
        assert manifest(directory)["kernels"]["cpu"] == "avx2"
    finally:
        del registry.LOCAL_ENTRIES["kernels", "compiled"]
