"""`specnet new plugin`: what it writes is installed and used, as its README says."""

import json
import os
import re
import subprocess
import sys
import tomllib
from contextlib import chdir
from importlib.resources import files
from pathlib import Path

import pytest
from click.testing import CliRunner
from environment import Environment, Installation, build_wheel
from helpers import sampled

from specnet import registry
from specnet.cli import cli
from specnet.cli.new import FILES, PLUGIN

WRITTEN = {
    "pyproject.toml", "README.md", ".gitignore", ".github/workflows/tests.yml", "spiral.json", "specnet_snake.py",
    "tests/test_snake.py",
}  # fmt: skip


def listed(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


TEMPLATES = files("specnet") / "templates" / "plugin"


def test_every_template_becomes_a_file_for_each_kind():
    shared = {name for name in FILES if "/" not in name}
    assert {file.name for file in TEMPLATES.iterdir()} == shared | set(PLUGIN)
    own = {name.removeprefix("$kind/") for name in FILES if "/" in name} | {"about.md", "example.txt"}
    for kind in PLUGIN:
        assert {file.name for file in (TEMPLATES / kind).iterdir()} == own


def written(folder, kind):
    """The folder of the plugin of a kind."""
    return folder / f"specnet-first-{kind}"


@pytest.fixture(scope="module")
def kinds(tmp_path_factory):
    """A plugin of each kind as it is written, and all of them installed."""
    folder = tmp_path_factory.mktemp("kinds")
    with Installation(folder).entered() as place:
        for kind in PLUGIN:
            assert place.specnet("new", "plugin", f"first-{kind}", "--kind", kind).returncode == 0
        place.install(*(build_wheel(written(folder, kind)) for kind in PLUGIN))
        yield place


def python(folder, *arguments, **variables):
    """Run a module of Python in a process of its own; return its code and what it prints."""
    command, environment = [sys.executable, "-m", *map(str, arguments)], os.environ | variables
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


few_or_all = pytest.mark.parametrize(
    ("step", "chosen"), [(4, ["-k", "not trains"]), pytest.param(1, [], marks=pytest.mark.long)], ids=["few", "all"]
)
"""Of which kinds the plugins are tested, and by which of their tests."""


@few_or_all
def test_the_tests_of_a_plugin_of_each_kind_pass(step, chosen, kinds):
    folders = [written(kinds.folder, kind) for kind in PLUGIN if kind != "layer"][::step]  # a layer is tested below
    options = ["-q", "-p", "no:cacheprovider", "--rootdir", kinds.folder, *chosen]
    code, output = python(kinds.folder, "pytest", *options, *folders, PYTHONPATH=str(kinds.site))
    assert code == 0, output
    assert re.search(r"^\d+ passed", output.splitlines()[-1])


@pytest.mark.parametrize("kind", PLUGIN)
def test_their_code_is_clean(kind, kinds):
    for command in (["check"], ["format", "--check"]):
        code, output = python(written(kinds.folder, kind), "ruff", *command, "--line-length=120", ".")
        assert code == 0, output


@pytest.mark.parametrize("kind", PLUGIN)
def test_the_spec_of_each_kind_runs(kind, kinds):
    (spec,) = written(kinds.folder, kind).glob("*.json")
    done = kinds.specnet("run", spec, "--set", "training.epochs=2", *([] if kind == "plot" else ["--set", "plots=[]"]))
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("kind", sampled(PLUGIN, len(PLUGIN)))
def test_the_component_of_each_kind_and_its_distribution_are_checked_by_command(kind, kinds):
    for arguments in ([PLUGIN[kind], f"first_{kind}"], ["--distribution", f"specnet-first-{kind}"]):
        done = kinds.specnet("check", *arguments)
        assert done.returncode == 0, done.stdout


def test_the_example_in_the_readme_of_each_kind_is_read_and_no_placeholder_is_left(kinds):
    for kind in PLUGIN:
        (shown,) = re.findall(r"```json\n(.*?)```", (written(kinds.folder, kind) / "README.md").read_text(), re.DOTALL)
        json.loads("{" + shown + "}")
        for path in written(kinds.folder, kind).rglob("*.*"):
            if path.suffix in (".py", ".md", ".toml", ".yml"):
                assert set(re.findall(r"\$\w+", path.read_text())) <= {"$schema"}


@few_or_all
def test_installed_by_pip_its_own_tests_pass_and_find_a_wrong_sign_in_its_backward(step, chosen, tmp_path):
    with chdir(tmp_path):
        assert CliRunner().invoke(cli, ["new", "plugin", "specnet-snake"]).exit_code == 0
    plugin, environment = tmp_path / "specnet-snake", Environment(tmp_path / "environment")
    environment.install("-e", plugin)
    done = environment.run("-m", "pytest", "-q", "-p", "no:cacheprovider", *chosen, cwd=plugin)
    assert re.search(r"^\d+ passed", done.stdout.splitlines()[-1]), done.stdout
    module = plugin / "specnet_snake.py"
    right = module.read_text()
    assert right.count("1 + self.bend * x / np.hypot(x, 1)") == 1
    module.write_text(right.replace("1 + self.bend * x / np.hypot(x, 1)", "1 - self.bend * x / np.hypot(x, 1)"))
    assert environment.run("-m", "pytest", "-qx", "-p", "no:cacheprovider", *chosen, cwd=plugin).returncode == 1


@pytest.fixture
def succeed(kinds):
    """Run a command that should succeed in the folder of the layer, and return what it prints."""

    def call(*arguments):
        done = kinds.specnet(*arguments, cwd=written(kinds.folder, "layer"))
        assert done.returncode == 0, done.stderr
        return done.stdout

    return call


def test_it_is_listed_with_its_field(succeed):
    listed = succeed("components", "layers")
    assert re.search(r"^first_layer +specnet-first-layer 0\.1\.0 +y = x ", listed, re.MULTILINE)
    assert re.search(r"^bend +float +0\.5 ", succeed("components", "layers", "first_layer"), re.MULTILINE)
    assert "specnet-first-layer 0.1.0" in succeed("doctor")


def test_it_completes_in_the_schema(succeed):
    definition = json.loads(succeed("schema"))["$defs"]["layers.first_layer"]
    assert definition["properties"]["type"]["const"] == "first_layer"
    assert definition["properties"]["bend"]["description"]


def test_its_spec_is_valid_and_its_run_is_read_again(succeed):
    assert succeed("validate", "spiral.json") == "spiral.json: no mistakes found; data not loaded (use --data)\n"
    succeed("run", "spiral.json", "--set", "training.epochs=3", "--set", "plots=[]", "--out", "runs/short")
    assert "validation" in succeed("evaluate", "runs/short")


@pytest.mark.parametrize("name", ["snake", "specnet-snake", "specnet_snake", "specnet.snake"])
def test_a_name_may_be_given_with_specnet_in_front_or_without(name, invoke):
    result = invoke("new", "plugin", name)
    assert (result.exit_code, result.output.splitlines()[0]) == (0, "written to specnet-snake; next:")
    assert listed(Path("specnet-snake")) == WRITTEN


def test_a_name_of_several_words_names_all_its_parts(invoke):
    assert invoke("new", "plugin", "soft-leak-2d").exit_code == 0
    folder = Path("specnet-soft-leak-2d")
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    assert project["name"] == "specnet-soft-leak-2d"
    assert project["entry-points"] == {"specnet.layers": {"soft_leak_2d": "specnet_soft_leak_2d:SoftLeak2d"}}
    assert "\nclass SoftLeak2d(Activation):\n" in (folder / "specnet_soft_leak_2d.py").read_text()
    assert "from specnet_soft_leak_2d import SoftLeak2d\n" in (folder / "tests" / "test_soft_leak_2d.py").read_text()
    assert json.loads((folder / "spiral.json").read_text())["layers"][1]["type"] == "soft_leak_2d"
    assert registry.COMPONENT_NAME.fullmatch("soft_leak_2d")


@pytest.mark.parametrize(
    "name",
    ["", "Snake", "2d", "a b", "a/b", "../a", "/a", ".a", "-a", "a-", "a\n", "ä", "specnet", "specnet-", "a" * 61,
     "none", "layer", "specnet-field", "os:system", "a--specnet-b\0"],
)  # fmt: skip
def test_a_name_that_no_plugin_can_have_is_refused(name, invoke):
    result = invoke("new", "plugin", "--", name)
    assert (result.exit_code, "is not a valid plugin name" in result.stderr) == (2, True)
    assert not list(Path().iterdir())


@pytest.mark.parametrize(
    ("name", "owner"), [("relu", "specnet "), ("leaky-relu", "specnet "), ("specnet-one", "acme 2.5")]
)
def test_a_layer_that_is_there_already_is_refused(name, owner, invoke, install):
    install("acme", "one = acme:One", version="2.5")
    before = set(Path().iterdir())
    result = invoke("new", "plugin", name)
    assert (result.exit_code, f"already exists, in {owner}" in result.stderr) == (2, True)
    assert set(Path().iterdir()) == before


def test_a_distribution_that_is_installed_already_is_refused(invoke, install):
    install("specnet-one", "another = acme:One")
    result = invoke("new", "plugin", "one")
    assert (result.exit_code, "the distribution specnet-one is already installed" in result.stderr) == (2, True)


def test_what_is_there_already_is_never_overwritten(invoke):
    Path("specnet-snake").mkdir()
    Path("specnet-mine").write_text("mine")
    Path("specnet-link").symlink_to("nowhere")
    for name in ("snake", "mine", "link"):
        result = invoke("new", "plugin", name)
        assert (result.exit_code, f"specnet-{name} already exists" in result.stderr) == (2, True)
    assert not list(Path("specnet-snake").iterdir())
    assert Path("specnet-mine").read_text() == "mine"


def test_it_says_what_comes_next_and_that_is_what_its_readme_says(invoke):
    _, *commands = invoke("new", "plugin", "snake").output.splitlines()
    readme = Path("specnet-snake", "README.md").read_text().splitlines()
    assert [command.strip() for command in commands] == [
        "cd specnet-snake", "pip install -e '.[dev]'", "pytest", "specnet run spiral.json",
    ]  # fmt: skip
    assert all(command.strip() in readme for command in commands[1:])
