"""A plugin whose code has changed is noticed, whatever its version says."""

import importlib
import json
import shutil
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from environment import write_distribution
from helpers import Watched
from runs.stopped import contents, small

import specnet
from specnet import registry
from specnet.cli import cli
from specnet.distributions import version
from specnet.errors import Interrupted, UsageError
from specnet.runs.provenance import code
from specnet.runs.verification.doctor import examine_run

LAYER = """
from specnet import Layer

class Times(Layer):
    def forward(self, x, training):
        return x * {factor}

    def backward(self, dy):
        return dy * {factor}
"""
CALLBACK = """
from specnet import Callback

class Silent(Callback):
    pass  # {factor}
"""
SPEC = small(layers=["times", {"type": "linear", "units": 1}], training={"epochs": 4, "batch_size": 20})
SPEC["training"]["callbacks"] = ["silent"]


@pytest.fixture
def edit(tmp_path, monkeypatch):
    """Write the plugin, or write it anew, and let this process import it."""
    folder = tmp_path / "site"
    monkeypatch.syspath_prepend(str(folder))

    def call(layer=1.0, callback=0):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for module in ("times_plugin", "silent_plugin"):
            sys.modules.pop(module, None)
        points = "times = times_plugin:Times\n[specnet.callbacks]\nsilent = silent_plugin:Silent"
        sources = {"times_plugin": LAYER.format(factor=layer), "silent_plugin": CALLBACK.format(factor=callback)}
        write_distribution(folder, "specnet-times", points, **sources)
        importlib.invalidate_caches()
        registry._claims.cache_clear()

    sys.dont_write_bytecode, before = True, sys.dont_write_bytecode
    yield call
    sys.dont_write_bytecode = before
    registry._claims.cache_clear()


@pytest.fixture
def stopped(edit, stop, tmp_path):
    """A run that was stopped in its second epoch."""
    edit()
    stop(3)
    with pytest.raises(Interrupted):
        specnet.run(SPEC, tmp_path / "run", report=False)
    return tmp_path / "run"


def test_the_manifest_and_each_checkpoint_have_the_digests_of_the_code_of_plugins_and_of_specnet(stopped):
    found = json.loads((stopped / "manifest.json").read_text())["code"]
    assert list(found) == ["callbacks.silent", "layers.times", "specnet"]
    assert len(set(found.values())) == 3


def test_the_same_code_in_new_files_is_no_change(stopped, edit):
    edit()
    observer = Watched()
    specnet.resume(stopped, observer=observer, report=False)
    assert observer.warnings == []


@pytest.mark.parametrize(("changes", "name"), [({"layer": 3.0}, "layers.times"), ({"callback": 1}, "callbacks.silent")])
def test_changed_code_is_refused_by_name_unless_it_is_allowed(changes, name, stopped, edit):
    edit(**changes)
    message = f"the code of {name} of specnet-times 1.0 has changed since the run was made"
    with pytest.raises(UsageError) as caught:
        specnet.resume(stopped, report=False)
    assert (caught.value.message, "--allow-changed-code" in caught.value.help) == (message, True)
    assert any(finding.message == f"{message}; resume refuses this" for finding in examine_run(stopped).findings)
    assert message in specnet.load_run(stopped).warnings
    result = CliRunner().invoke(cli, ["resume", str(stopped), "--allow-changed-code"])
    assert (result.exit_code, message in result.stderr) == (0, True)
    run = specnet.load_run(stopped, 0)  # a checkpoint from before
    assert run.warnings == []
    assert len(run.manifest["identities"]) == 2
    assert run.manifest["resumed"][0]["code"] == run.manifest["code"]
    specnet.resume(stopped, ["training.epochs=5"], report=False)


def test_changed_code_of_specnet_itself_is_refused_unless_it_is_allowed(stopped, monkeypatch):
    monkeypatch.setattr(code, "digest_own_code", lambda: "a" * 64)
    message = f"the code of specnet {version()} has changed since the run was made"
    with pytest.raises(UsageError, match=message):
        specnet.resume(stopped, report=False)
    spec = specnet.load_spec(stopped / "spec.json")
    with pytest.raises(UsageError, match=message):
        specnet.run(spec, stopped, resume=True, report=False)
    run = specnet.run(spec, stopped, resume=True, allow_changed_code=True, report=False)
    assert (run.status, run.manifest["code"]["specnet"]) == ("finished", "a" * 64)


def test_the_digest_of_specnet_follows_what_trains_and_nothing_else(tmp_path, monkeypatch):
    package = tmp_path / "specnet"
    shutil.copytree(Path(specnet.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(specnet, "__file__", str(package / "__init__.py"))
    digest = code.digest_own_code.__wrapped__
    before = digest()
    assert before == code.digest_own_code()
    for changed, room in [(False, "cli"), (False, "plots"), (True, "layers"), (True, "kernels/numpy")]:
        with (package / room / "__init__.py").open("a") as file:
            file.write("# changed\n")
        assert (digest() != before) is changed
        before = digest()


def test_a_run_whose_code_does_not_change_ends_in_the_same_bytes(stopped, tmp_path):
    whole = contents(specnet.run(SPEC, tmp_path / "whole", report=False).directory)
    specnet.resume(stopped, report=False)
    assert contents(stopped) == whole
