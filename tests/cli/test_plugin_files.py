"""`--plugin FILE.py`: what a student writes into a file is a component of the command that names the file."""

import hashlib
import json
from pathlib import Path

import pytest

MINE = """\
import specnet
from pydantic import Field


@specnet.register("layers", "mine")
class Mine(specnet.Layer):
    \"\"\"y = 2 x.\"\"\"

    factor: float = Field(default=2.0, description="what x is multiplied with")

    def forward(self, x, training):
        return self.factor * x

    def backward(self, dy):
        return self.factor * dy
"""
LAYERS = [{"type": "linear", "units": 4}, "mine", {"type": "linear", "units": 1}]


@pytest.fixture
def spec(write, local):
    """A spec with the layer "mine", and mine.py that has it."""
    Path("mine.py").write_text(MINE)
    return write("spec.json", layers=LAYERS)


@pytest.fixture
def run(invoke, spec, forget):
    """A run that was made with mine.py."""
    assert invoke("run", spec, "--plugin", "mine.py", "--no-report").exit_code == 0
    forget()
    return Path("runs/spec")


def test_a_spec_names_it_and_without_the_file_nothing_of_that_name_is_there(invoke, spec, forget):
    assert invoke("validate", spec, "--plugin", "mine.py").exit_code == 0
    forget()
    result = invoke("validate", spec)
    assert (result.exit_code, 'there is no layer "mine"' in result.stderr) == (2, True)


def test_the_run_keeps_digest_and_copy_of_the_file_and_the_spec_does_not_name_it(run):
    manifest = json.loads((run / "manifest.json").read_text())
    digest = hashlib.sha256(MINE.encode()).hexdigest()
    assert manifest["plugins"] == [{"file": "mine.py", "sha256": digest, "copy": "plugins/mine.py"}]
    assert manifest["components"]["layers.mine"] == f"mine.py (sha256 {digest[:12]})"
    assert (run / "plugins" / "mine.py").read_text() == MINE
    assert "mine.py" not in (run / "spec.json").read_text()


COMMANDS = {
    "resume": ["--set", "training.epochs=4"],
    "evaluate": [],
    "predict": ["points.csv"],
    "plot": ["curves"],
    "report": [],
    "compare": ["runs/spec"],
    "doctor": [],
    "reproduce": ["-q"],
    "explain": [],
}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_on_the_run_works_with_the_file_wherever_it_lies_now(command, invoke, run):
    Path("points.csv").write_text("x,y\n0,1\n2,3\n")
    Path("elsewhere").mkdir()
    Path("mine.py").rename("elsewhere/renamed.py")
    result = invoke(command, run, *COMMANDS[command], "--plugin", "elsewhere/renamed.py")
    assert (result.exit_code, result.stderr) == (0, ""), result.output


@pytest.mark.parametrize("command", COMMANDS)
def test_without_the_file_it_says_which_one_to_name_and_never_runs_the_copy(command, invoke, run):
    Path("points.csv").write_text("x,y\n0,1\n2,3\n")
    (run / "plugins" / "mine.py").write_text("raise SystemExit('the copy was run')")
    result = invoke(command, run, *COMMANDS[command])
    assert result.exit_code == 3
    assert f'there is no layer "mine"; {run} was made with mine.py (sha256 ' in result.output
    assert f"name the file that the run was made with, --plugin mine.py; {run}/plugins has a copy" in result.output


def test_a_file_that_has_changed_is_refused_by_resume_and_reported_by_others(invoke, run):
    Path("mine.py").write_text(MINE.replace("2.0", "3.0"))
    result = invoke("resume", run, "--set", "training.epochs=4", "--plugin", "mine.py")
    assert result.exit_code == 2
    assert "the run was made with layers.mine of mine.py (sha256 " in result.stderr
    result = invoke("evaluate", run, "--plugin", "mine.py")
    assert result.exit_code == 0
    assert "warning: mine.py has changed since the run was made: its SHA-256 is " in result.stderr
    result = invoke("doctor", run, "--plugin", "mine.py")
    assert (result.exit_code, "resume refuses this" in result.output) == (0, True)
    copy = invoke("resume", run, "--set", "training.epochs=4", "--plugin", run / "plugins" / "mine.py")
    assert "plugins/mine.py:5 registers" in copy.stderr or copy.exit_code == 0


def test_doctor_finds_a_copy_that_is_damaged_or_gone(invoke, run):
    copy = run / "plugins" / "mine.py"
    copy.write_text("x")
    result = invoke("doctor", run, "--plugin", "mine.py")
    assert f"{copy} is damaged: its SHA-256 does not match the manifest" in result.output
    copy.unlink()
    assert f"{copy} cannot be read" in invoke("doctor", run, "--plugin", "mine.py").output
    assert invoke("resume", run, "--set", "training.epochs=4", "--plugin", "mine.py").exit_code == 0
    assert copy.read_text() == MINE


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", "spec.json"], ["validate", "spec.json"], ["summary", "spec.json"], ["data", "spec.json"],
        pytest.param(["check", "spec.json"], marks=pytest.mark.long),
        ["check", "layers", "mine"], ["check"], ["components", "layers", "mine"],
        ["schema"], ["doctor"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_every_command_that_resolves_components_takes_it(arguments, invoke, spec):
    result = invoke(*arguments, "--plugin", "mine.py")
    assert result.exit_code == 0, result.output


def test_what_is_installed_lists_the_file(invoke, spec):
    assert "mine.py" in invoke("doctor", "--plugin", "mine.py").output
    (line,) = [line for line in invoke("components", "layers", "--plugin", "mine.py").output.splitlines()
               if line.startswith("mine ")]  # fmt: skip
    assert line.split(maxsplit=2) == ["mine", "mine.py", "y = 2 x."]


WRONG = {
    "syntax": ("import specnet\ndef\n", "error[plugin]: SyntaxError: invalid syntax", 2),
    "raises": ("x = 1\n1 / 0\n", "error[plugin]: ZeroDivisionError: division by zero", 2),
    "inside a call": ("def f():\n    return {}['a']\n\nf()\n", "error[plugin]: KeyError: 'a'", 2),
    "exits": ("raise SystemExit(0)\n", "error[plugin]: SystemExit: 0", 1),
    "imports": ("import nosuch_module\n", "error[plugin]: ModuleNotFoundError: No module named 'nosuch_module'", 1),
    "no component": (
        "import specnet\n\n@specnet.register('layers', 'mine')\nclass Mine: ...\n",
        'error[plugin]: the layer "mine" of wrong.py is wrong.py:Mine, which is not a subclass of specnet\'s layer',
        3,
    ),
    "unfinished": (
        "import specnet\n\n@specnet.register('layers', 'mine')\nclass Mine(specnet.Layer): ...\n",
        "which does not define backward, forward",
        3,
    ),
    "name of a built-in": (
        MINE.replace('"mine"', '"tanh"'),
        'error[plugin]: wrong.py:5 registers the layer "tanh", a name of specnet ',
        5,
    ),
    "name of a distribution": (MINE.replace('"mine"', '"swish"'), "a name of specnet-swish ", 5),
    "name that no spec can have": (MINE.replace('"mine"', '"Mine"'), '"Mine" is not a valid component name', 5),
    "group": (MINE.replace('"layers"', '"layer"'), 'there is no component group "layer"', 5),
    "fields": (
        MINE.replace("factor: float", 'factor: "Unknown"'),
        "has fields that cannot be understood: PydanticUndefinedAnnotation",
        5,
    ),
    "null byte": ("x = '\0'", "error[plugin]: ", None),
    "not UTF-8": ("x = '\udcff'", "error[plugin]: SyntaxError", None),
}


@pytest.mark.parametrize("case", WRONG)
def test_an_error_in_the_file_names_file_and_line(case, invoke, spec):
    content, message, line = WRONG[case]
    Path("wrong.py").write_bytes(content.encode("utf-8", "surrogateescape"))
    result = invoke("validate", spec, "--plugin", "wrong.py")
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert "--> wrong.py" in result.stderr
    if line:
        assert f"--> wrong.py:{line}:" in result.stderr


def test_two_files_with_one_name_are_both_named(invoke, spec):
    Path("other.py").write_text("\n" + MINE)
    result = invoke("validate", spec, "--plugin", "mine.py", "--plugin", "other.py")
    assert result.exit_code == 2
    assert 'other.py:6 registers the layer "mine", a name of mine.py:5' in result.stderr


@pytest.mark.parametrize(("name", "reason"), [("gone.py", "there is no such file"), ("folder", "is not a file")])
def test_what_is_no_file_is_a_wrong_use(name, reason, invoke, spec):
    Path("folder").mkdir()
    result = invoke("validate", spec, "--plugin", name)
    assert (result.exit_code, f"error[usage]: --plugin {name}: {reason}" in result.stderr) == (2, True)


def test_a_file_that_registers_nothing_is_warned_of_and_one_that_prints_leaves_the_output_alone(invoke, write, local):
    Path("empty.py").write_text("print('hello')\n")
    result = invoke("validate", write("spec.json"), "--plugin", "empty.py", "--format", "json")
    assert (result.exit_code, json.loads(result.stdout)) == (0, [])
    assert "warning: empty.py registers nothing" in result.stderr
    assert "hello" in result.stderr


@pytest.mark.parametrize("method", ["forward", "backward", "build"])
def test_an_error_in_training_names_file_and_line(method, invoke, spec):
    fails = MINE + f"\n    def {method}(self, *_):\n        return [][1]\n"
    Path("mine.py").write_text(fails)
    result = invoke("run", spec, "--plugin", "mine.py")
    assert (result.exit_code, "Traceback" in result.stderr) == (2, False)
    assert "(mine.py:18): IndexError: list index out of range" in result.stderr


def test_several_files_are_told_apart_by_their_copies(invoke, write, local):
    for folder in ("a", "b"):
        Path(folder).mkdir()
        Path(folder, "mine.py").write_text(MINE.replace('"mine"', f'"mine_{folder}"'))
    layers = [{"type": "linear", "units": 1}, "mine_a", "mine_b"]
    result = invoke("run", write("spec.json", layers=layers), "--plugin", "a/mine.py", "--plugin", "b/mine.py")
    assert result.exit_code == 0, result.output
    manifest = json.loads(Path("runs/spec/manifest.json").read_text())
    assert [(each["file"], each["copy"]) for each in manifest["plugins"]] == [
        ("a/mine.py", "plugins/mine.py"),
        ("b/mine.py", "plugins/mine-2.py"),
    ]
    assert '"mine_b"' in Path("runs/spec/plugins/mine-2.py").read_text()
