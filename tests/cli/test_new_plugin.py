"""`specnet new plugin`: what it writes is installed by pip and used, as its README says."""

import json
import re
import tomllib
from importlib.resources import files
from pathlib import Path

import pytest
from click.testing import CliRunner
from environment import Environment

from specnet import registry
from specnet.cli import cli
from specnet.cli.new import FILES, PLUGIN

WRITTEN = {
    "pyproject.toml", "README.md", ".gitignore", ".github/workflows/tests.yml", "spiral.json", "specnet_mish.py",
    "tests/test_mish.py",
}  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A plugin as it is written, installed in an environment of its own."""
    folder = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert CliRunner().invoke(cli, ["new", "plugin", "specnet-mish"]).exit_code == 0
    plugin, environment = folder / "specnet-mish", Environment(folder / "environment")
    environment.install("-e", plugin)
    return plugin, environment


@pytest.fixture
def succeed(made):
    """Run a command in the plugin's folder that should succeed, and return what it prints."""
    plugin, environment = made

    def call(*arguments):
        done = environment.run("-m", *arguments, cwd=plugin)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return call


def listed(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


TEMPLATES = files("specnet") / "templates" / "plugin"
KINDS = [kind for kind in PLUGIN if kind != "layer"]


def test_every_template_becomes_a_file_for_each_kind():
    shared = {name for name in FILES if "/" not in name}
    assert {file.name for file in TEMPLATES.iterdir()} == shared | set(PLUGIN)
    own = {name.removeprefix("$kind/") for name in FILES if "/" in name} | {"about.md", "example.txt"}
    for kind in PLUGIN:
        assert {file.name for file in (TEMPLATES / kind).iterdir()} == own


@pytest.fixture(scope="module")
def kinds(tmp_path_factory):
    """A plugin of each further kind as it is written, and an environment with all of them."""
    folder = tmp_path_factory.mktemp("kinds")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for kind in KINDS:
            assert CliRunner().invoke(cli, ["new", "plugin", f"first-{kind}", "--kind", kind]).exit_code == 0
    environment = Environment(folder / "environment")
    environment.install(*(part for kind in KINDS for part in ("-e", folder / f"specnet-first-{kind}")))
    return folder, environment


@pytest.mark.parametrize("kind", KINDS)
def test_a_plugin_of_each_kind_passes_its_tests_and_is_clean_and_its_spec_runs(kind, kinds):
    folder, environment = kinds
    plugin, group = folder / f"specnet-first-{kind}", PLUGIN[kind]
    (spec,) = plugin.glob("*.json")
    for command in (
        ["pytest", "-q", "-p", "no:cacheprovider"],
        ["ruff", "check", "--line-length=120", "."],
        ["ruff", "format", "--check", "--line-length=120", "."],
        ["specnet", "check", group, f"first_{kind}"],
        ["specnet", "check", "--distribution", f"specnet-first-{kind}"],
        ["specnet", "run", spec.name, "--set", "training.epochs=2"],
    ):
        done = environment.run("-m", *command, cwd=plugin)
        assert done.returncode == 0, done.stdout + done.stderr
    for path in plugin.rglob("*.*"):
        if path.suffix in (".py", ".md", ".toml", ".yml"):
            assert set(re.findall(r"\$\w+", path.read_text())) <= {"$schema"}


def test_the_example_in_the_readme_of_each_kind_is_read(kinds):
    folder, _ = kinds
    for kind in KINDS:
        readme = (folder / f"specnet-first-{kind}" / "README.md").read_text()
        (shown,) = re.findall(r"```json\n(.*?)```", readme, re.DOTALL)
        json.loads("{" + shown + "}")


def test_its_own_tests_pass(succeed):
    assert re.search(r"^\d+ passed", succeed("pytest", "-q", "-p", "no:cacheprovider").splitlines()[-1])


def test_it_is_listed_with_its_field(succeed):
    assert re.search(r"^mish +specnet-mish 0\.1\.0 +y = x ", succeed("specnet", "components", "layers"), re.MULTILINE)
    assert re.search(r"^bend +float +0\.5 ", succeed("specnet", "components", "layers", "mish"), re.MULTILINE)
    assert "specnet-mish 0.1.0" in succeed("specnet", "doctor")


def test_it_completes_in_the_schema(succeed):
    definition = json.loads(succeed("specnet", "schema"))["$defs"]["layers.mish"]
    assert definition["properties"]["type"]["const"] == "mish"
    assert definition["properties"]["bend"]["description"]


def test_its_spec_is_valid_and_trains_and_the_run_is_read_again(succeed):
    assert succeed("specnet", "validate", "spiral.json") == "spiral.json: no mistakes found; data were not loaded\n"
    succeed("specnet", "run", "spiral.json", "--set", "training.epochs=3", "--set", "plots=[]", "--out", "runs/short")
    assert "validation" in succeed("specnet", "evaluate", "runs/short")


def test_a_wrong_sign_in_its_backward_is_found(made, succeed):
    plugin, environment = made
    succeed("specnet", "check", "layers", "mish")
    module = plugin / "specnet_mish.py"
    right = module.read_text()
    assert right.count("1 + self.bend * x / np.hypot(x, 1)") == 1
    try:
        module.write_text(right.replace("1 + self.bend * x / np.hypot(x, 1)", "1 - self.bend * x / np.hypot(x, 1)"))
        assert environment.specnet("check", "layers", "mish", cwd=plugin).returncode != 0
        assert environment.run("-m", "pytest", "-q", "-p", "no:cacheprovider", cwd=plugin).returncode == 1
    finally:
        module.write_text(right)


@pytest.mark.parametrize("command", [["check"], ["format", "--check"]], ids=" ".join)
def test_its_code_is_clean(command, succeed):
    succeed("ruff", *command, "--line-length=120", ".")


@pytest.mark.parametrize("name", ["mish", "specnet-mish", "specnet_mish", "specnet.mish"])
def test_a_name_may_be_given_with_specnet_in_front_or_without(name, invoke):
    result = invoke("new", "plugin", name)
    assert (result.exit_code, result.output.splitlines()[0]) == (0, "written to specnet-mish; next:")
    assert listed(Path("specnet-mish")) == WRITTEN


def test_a_name_of_several_words_names_all_its_parts(invoke):
    assert invoke("new", "plugin", "soft-leak-2d").exit_code == 0
    folder = Path("specnet-soft-leak-2d")
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    assert project["name"] == "specnet-soft-leak-2d"
    assert project["entry-points"] == {"specnet.layers": {"soft_leak_2d": "specnet_soft_leak_2d:SoftLeak2d"}}
    assert "\nclass SoftLeak2d(Activation):\n" in (folder / "specnet_soft_leak_2d.py").read_text()
    assert "from specnet_soft_leak_2d import SoftLeak2d\n" in (folder / "tests" / "test_soft_leak_2d.py").read_text()
    assert json.loads((folder / "spiral.json").read_text())["layers"][1]["type"] == "soft_leak_2d"
    assert registry.NAME.fullmatch("soft_leak_2d")


def test_of_placeholders_none_is_left(invoke):
    invoke("new", "plugin", "mish")
    for name in WRITTEN:
        left = re.findall(r"\$\w+", Path("specnet-mish", name).read_text())
        assert set(left) <= {"$schema"}


@pytest.mark.parametrize(
    "name",
    ["", "Mish", "2d", "a b", "a/b", "../a", "/a", ".a", "-a", "a-", "a\n", "ä", "specnet", "specnet-", "a" * 61,
     "none", "layer", "specnet-field", "os:system", "a--specnet-b\0"],
)  # fmt: skip
def test_a_name_that_no_plugin_can_have_is_refused(name, invoke):
    result = invoke("new", "plugin", "--", name)
    assert (result.exit_code, "a plugin cannot have the name" in result.stderr) == (2, True)
    assert not list(Path().iterdir())


@pytest.mark.parametrize(
    ("name", "owner"), [("relu", "specnet "), ("leaky-relu", "specnet "), ("specnet-one", "acme 2.5")]
)
def test_a_layer_that_is_there_already_is_refused(name, owner, invoke, install):
    install("acme", "one = acme:One", version="2.5")
    before = set(Path().iterdir())
    result = invoke("new", "plugin", name)
    assert (result.exit_code, f"already, from {owner}" in result.stderr) == (2, True)
    assert set(Path().iterdir()) == before


def test_a_distribution_that_is_installed_already_is_refused(invoke, install):
    install("specnet-one", "another = acme:One")
    result = invoke("new", "plugin", "one")
    assert (result.exit_code, "a distribution specnet-one is installed already" in result.stderr) == (2, True)


def test_what_is_there_already_is_never_overwritten(invoke):
    Path("specnet-mish").mkdir()
    Path("specnet-mine").write_text("mine")
    Path("specnet-link").symlink_to("nowhere")
    for name in ("mish", "mine", "link"):
        result = invoke("new", "plugin", name)
        assert (result.exit_code, f"specnet-{name} is there already" in result.stderr) == (2, True)
    assert not list(Path("specnet-mish").iterdir())
    assert Path("specnet-mine").read_text() == "mine"


def test_it_says_what_comes_next_and_that_is_what_its_readme_says(invoke):
    _, *commands = invoke("new", "plugin", "mish").output.splitlines()
    readme = Path("specnet-mish", "README.md").read_text().splitlines()
    assert [command.strip() for command in commands] == [
        "cd specnet-mish", "pip install -e '.[dev]'", "pytest", "specnet run spiral.json",
    ]  # fmt: skip
    assert all(command.strip() in readme for command in commands[1:])
