import json
from pathlib import Path

import pytest

from specnet import registry
from specnet.runs.storage.directory import claim_directory

TRAINING = {"epochs": 3, "batch_size": None}
LAYER = """
from specnet import Layer

class Same(Layer):
    def forward(self, x, training): return x
    def backward(self, dy): return dy
"""


@pytest.fixture
def made(invoke, write):
    """A finished run."""
    assert invoke("run", write("arms.json", training=TRAINING), "--out", "arms").exit_code == 0
    return Path("arms")


def damage(run):
    path = run / "checkpoints" / "step-00000003.npz"
    path.write_bytes(path.read_bytes()[:-1])


def test_of_a_sound_run_each_part_is_told_to_be_in_order(made, invoke):
    result = invoke("doctor", made)
    assert (result.exit_code, result.stderr) == (0, "")
    rows = [line.split(maxsplit=2) for line in result.stdout.splitlines()]
    assert ["manifest", "ok", "finished"] in rows
    assert ["checkpoints", "ok", "4 of 4 intact, step-00000003.npz is the best"] in rows
    assert result.stdout.endswith("\narms: intact\n")


def test_notes_end_with_code_0_and_errors_with_code_3(made, invoke):
    (made / "mine.txt").write_text("")
    result = invoke("doctor", made)
    assert result.exit_code == 0
    assert "\nnote[files]: not written by the run: mine.txt\n   = help: they are" in result.stdout
    damage(made)
    result = invoke("doctor", made)
    assert result.exit_code == 3
    assert "\nerror[checkpoints]: arms/checkpoints/step-00000003.npz is damaged" in result.stdout
    assert "note[files]" in result.stdout
    rows = [line.split(maxsplit=2) for line in result.stdout.splitlines()]
    assert ["checkpoints", "error", "3 of 4 intact, step-00000002.npz is the best"] in rows
    assert result.stdout.endswith("\narms: damaged, but can be resumed from step 2: specnet resume arms\n")


def test_a_part_with_a_note_and_an_error_is_told_to_have_an_error(made, invoke):
    with (made / "history.jsonl").open("a") as file:
        file.write('{}\n{"epoch')
    rows = [line.split() for line in invoke("doctor", made).stdout.splitlines()]
    assert ["history", "error", "4", "epochs"] in rows


def test_it_can_answer_in_json(made, invoke):
    damage(made)
    result = invoke("doctor", made, "--format", "json")
    report = json.loads(result.stdout)
    assert (result.exit_code, report["directory"], report["resume"], report["evaluate"]) == (3, "arms", 2, 2)
    assert report["parts"]["manifest"] == "finished"
    found = [(each["part"], each["severity"]) for each in report["findings"]]
    assert found == [("checkpoints", "error"), ("evaluate", "note")]  # the results are those of the damaged checkpoint
    assert set(report["findings"][0]) == {"part", "severity", "message", "help"}


def test_after_it_said_so_the_run_goes_on_and_is_sound_again(made, invoke):
    damage(made)
    assert invoke("resume", "arms").exit_code == 0
    assert invoke("doctor", made).stdout.endswith("\narms: intact\n")


@pytest.mark.parametrize("what", ["nowhere", "arms.json", "."])
def test_what_is_no_run_directory_ends_with_code_3(what, made, invoke):
    result = invoke("doctor", what)
    assert (result.exit_code, "directory" in result.stderr) == (3, True)


def test_where_a_run_ended_before_it_began_the_command_to_start_is_told(invoke):
    claim_directory(Path("early")).close()
    result = invoke("doctor", "early")
    assert (result.exit_code, "specnet run SPEC --out early" in result.stdout) == (0, True)


def test_what_is_told_shows_nothing_that_a_terminal_obeys(made, invoke):
    (made / "\x1b[31m").write_text("")
    assert "\x1b" not in invoke("doctor", made).stdout


def test_without_a_run_versions_and_machine_and_distributions_are_told(invoke):
    result = invoke("doctor")
    assert (result.exit_code, result.stderr) == (0, "")
    names = {line.split()[0] for line in result.stdout.splitlines() if line}
    assert {"specnet", "python", "numpy", "pydantic", "click", "blas", "blas_kernel", "blas_threads"} <= names
    assert result.stdout.endswith("\nall components can be used\n")


def test_a_kernel_that_the_environment_decides_on_is_told(invoke, monkeypatch):
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    result = invoke("doctor")
    assert result.exit_code == 0
    assert "\nnote[machine]: OPENBLAS_CORETYPE=Haswell in the environment selects the BLAS kernel" in result.stdout
    monkeypatch.delenv("OPENBLAS_CORETYPE")
    assert "OPENBLAS_CORETYPE" not in invoke("doctor").stdout


def test_broken_components_end_with_code_2_and_claims_that_are_passed_over_with_0(install, invoke):
    install("specnet-same", "tanh = specnet_same:Same\nsame = specnet_same:Same", specnet_same=LAYER)
    result = invoke("doctor")
    assert result.exit_code == 0
    assert 'note[components]: the layer "tanh" of specnet-same 1.0 is ignored' in result.stdout
    install("specnet-broken", "same = specnet_broken:Same\nodd = specnet_broken:Odd", specnet_broken="1 / 0")
    result = invoke("doctor")
    assert result.exit_code == 2
    assert 'the layer "same" is claimed by specnet-broken 1.0 and specnet-same 1.0' in result.stdout
    assert 'the layer "odd" of specnet-broken 1.0 cannot be imported: ZeroDivisionError' in result.stdout
    assert result.stdout.endswith("\n2 of the components cannot be used\n")


def test_what_is_installed_can_be_told_in_json(install, invoke, monkeypatch):
    monkeypatch.delenv("OPENBLAS_CORETYPE", raising=False)
    install("specnet-broken", "odd = specnet_broken:Odd", specnet_broken="1 / 0")
    result = invoke("doctor", "--format", "json")
    found = json.loads(result.stdout)
    assert result.exit_code == 2
    assert found["distributions"]["specnet-broken 1.0"] == {"layers": 1}
    specnet = next(counts for name, counts in found["distributions"].items() if name.split()[0] == "specnet")
    assert found["extras"].keys() == {
        "arrow",
        "extras",
        "mpi",
        "numba",
        "onnx",
        "sklearn",
        "sweep",
        "tensorboard",
        "watch",
    }
    assert set(specnet) == {*registry.GROUPS, "commands", "exporters", "kernels", "loggers"} - {
        "callbacks"
    }  # of which there are no built-in ones
    assert [(each["part"], each["severity"]) for each in found["findings"]] == [("components", "error")]
