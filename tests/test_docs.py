"""The pages in `docs` are what the package says, and what they show works."""

import importlib.util
import json
import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from environment import Installation, build_wheel

import specnet
import specnet.testing
from specnet import registry
from specnet.cli import cli
from specnet.component import find_class
from specnet.datasets.split import Split
from specnet.spec.model import Checkpoint
from specnet.spec.pretrained import Pretrained
from specnet.training.settings import Training

DOCS = Path(__file__).parents[1] / "docs"


@pytest.fixture(scope="module")
def generate():
    spec = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_pages_of_components_are_up_to_date(generate):
    written = {path.name: path.read_text() for path in (DOCS / "components").iterdir()}
    assert written == generate.pages(), "run python docs/generate.py"


def test_the_page_of_other_tools_names_is_up_to_date(generate):
    assert generate.COMING_FROM.read_text() == generate.coming_from(), "run python docs/generate.py"


def test_the_pages_of_tools_are_up_to_date(generate):
    for name, text in generate.elsewhere().items():
        assert (DOCS / name).read_text() == text, "run python docs/generate.py"


SECTIONS = {"training": Training, "split": Split, "checkpoint": Checkpoint, "pretrained": Pretrained}


def test_the_pages_of_tools_name_what_there_is(generate):
    for tool in generate.INTRODUCTIONS:
        for group, rows in generate.name_rows(tool).items():
            for _, here, note in rows:
                name, _, fields = here.partition(":")
                groups = (
                    [group] if group in registry.GROUPS else [g for g in registry.GROUPS if name in registry.claims(g)]
                )
                cls = SECTIONS.get(name) or find_class(groups[0], name)
                known = {field.alias or key for key, field in cls.model_fields.items()}
                assert {field.strip() for field in fields.split(",") if field} <= known, (tool, here)
                also = re.findall(r"`([a-z_0-9]+)`", note.partition("also ")[2].partition(";")[0])
                assert all(each in registry.claims(group) for each in also), (tool, here, note)


def test_the_network_of_scikit_learn_has_the_same_outputs(capsys):
    pytest.importorskip("sklearn")
    runpy.run_path(str(DOCS / "networks" / "from_scikit_learn.py"))
    assert capsys.readouterr().out.startswith("largest difference: ")


@pytest.mark.long
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of Keras
@pytest.mark.parametrize(("tool", "module"), [("pytorch", "torch"), ("keras", "keras")])
def test_the_network_of_another_tool_has_the_same_outputs(tool, module, monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    pytest.importorskip(module)
    runpy.run_path(str(DOCS / "networks" / f"from_{tool}.py"))


def test_every_built_in_component_and_field_is_on_a_page(generate):
    for group in generate.registry.GROUPS:
        page = (DOCS / "components" / f"{group}.md").read_text()
        assert re.findall(r"^## (\w+)$", page, flags=re.M) == generate.built_in(group)


PAGES = sorted(DOCS.rglob("*.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_links_lead_somewhere(page):
    for link in re.findall(r"\]\(((?!https?:)[^)#]+)", page.read_text()):
        assert (page.parent / link).exists(), link


def blocks(page, language):
    """The blocks of code in a language on a page."""
    found = re.findall(r"^```(\w*)\n(.*?)^```$", (DOCS / page).read_text(), flags=re.M | re.S)
    return [text for named, text in found if named == language]


@pytest.mark.parametrize(
    ("page", "group", "name"),
    [("dataset", "datasets", "rings"), ("plot", "plots", "pace"), ("plot", "plots", "errors")],
)
def test_what_a_guide_shows_keeps_its_contract(page, group, name, install):
    (source,) = (block for block in blocks(f"write-a-{page}.md", "python") if f"class {name.capitalize()}(" in block)
    install("acme", f"[specnet.{group}]\n{name} = acme_{name}:{name.capitalize()}", **{f"acme_{name}": source})
    specnet.testing.check(specnet.build(group, name))


def test_the_trace_that_is_checked_by_hand_is_what_the_command_prints(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (points,), (spec,), (printed,) = (blocks("trace.md", language) for language in ("csv", "json", "text"))
    Path("points.csv").write_text(points)
    Path("by_hand.json").write_text(spec)
    assert CliRunner().invoke(cli, ["trace", "by_hand.json"]).stdout == printed


@pytest.fixture
def transforms(install, tmp_path, monkeypatch):
    """The module of the guide to transforms, installed; returns its path, the test and the spec that follow it."""
    module, test = blocks("write-a-transform.md", "python")
    (points,) = blocks("write-a-transform.md", "toml")
    (spec,) = blocks("write-a-transform.md", "json")
    points = points.replace('project.entry-points."specnet.transforms"', "specnet.transforms").replace('"', "")
    install("acme", points, specnet_asinh=module)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "specnet_asinh.py", test, json.loads(spec)


def test_the_transforms_of_the_guide_are_checked_and_used(transforms):
    _, test, spec = transforms
    exec(test, names := {})
    tests = [call for name, call in names.items() if name.startswith("test_")]
    assert tests
    for call in tests:
        call()
    for name in ("asinh", "varying", "random_sign"):
        assert CliRunner().invoke(cli, ["check", "transforms", name]).exit_code == 0
    run = specnet.run(specnet.load_spec(spec | {"plots": [], "record": None}), "run")
    assert run.evaluate("validation")["accuracy"] > 0.9
    with pytest.raises(specnet.SpecnetError) as caught:
        specnet.load_spec(spec | {"transforms": {"targets": ["asinh", "varying"], "inputs": ["random_sign", "asinh"]}})
    assert [found.pointer[1:] for found in caught.value.diagnostics] == [("inputs", 0), ("targets", 1)]


def test_the_mistake_in_a_transform_that_the_guide_names_is_found(transforms):
    module, *_ = transforms
    module.write_text(module.read_text().replace("np.sinh(y) * self.scale", "np.sinh(y) / self.scale"))
    result = CliRunner().invoke(cli, ["check", "transforms", "asinh"])
    (shown,) = [block for block in blocks("write-a-transform.md", "") if "FAILED" in block]
    assert result.exit_code == 2
    for line in shown.splitlines():
        assert line == "  …" or line in result.output


def test_who_follows_the_guide_has_optimizers_that_are_checked_and_train(install, tmp_path):
    rule, test, wrapper = blocks("write-an-optimizer.md", "python")
    (spec,) = blocks("write-an-optimizer.md", "json")
    points = "[specnet.optimizers]\nsignum = acme_signum:Signum\nuphill = acme_uphill:Uphill"
    install("acme", points, acme_signum=rule, acme_uphill=wrapper)
    tests = {}
    exec(test, tests)
    for name in [name for name in tests if name.startswith("test_")]:
        tests[name]()
    specnet.testing.check_optimizer("uphill")
    specnet.testing.check_optimizer({"type": "uphill", "optimizer": "adam"})
    run = specnet.run(specnet.load_spec(json.loads(spec)), tmp_path / "run")
    assert run.history["train/loss"][-1] < run.history["train/loss"][0]
    assert run.history["optimizer.learning_rate"][-1] < 1e-4
    uphill = json.loads(spec) | {"optimizer": {"type": "uphill", "optimizer": "adam"}}
    history = specnet.run(specnet.load_spec(uphill), tmp_path / "uphill").history
    assert history["train/loss"][-1] < history["train/loss"][0]


def test_who_writes_to_the_gradient_is_told_as_the_guide_says(install):
    rule, *_ = blocks("write-an-optimizer.md", "python")
    broken = rule.replace("        m += (1 - self.momentum) * g", "        g *= 1 - self.momentum; m += g")
    install("acme", "[specnet.optimizers]\nsignum = acme_signum:Signum", acme_signum=broken)
    shown = CliRunner().invoke(cli, ["check", "optimizers", "signum"])
    (told,) = blocks("write-an-optimizer.md", "")[-1:]
    assert shown.exit_code == 2
    for line in told.splitlines():
        assert line == "  …" or line in shown.output


FORMULAS = {
    "loss": ("losses", ["expectile"], ("return 2 * self.side", "return self.side")),
    "metric": ("metrics", ["within", "worst"], ("    def merge", "    def other_merge")),
}
"""Guides that show components, a spec with them, and what the check says of the last one with a mistake in it."""


@pytest.fixture
def shown(request, install, tmp_path):
    """The names of what a guide shows, its spec, what it prints, and a function that installs its source."""
    group, names, mistake = FORMULAS[request.param]
    page = f"write-a-{request.param}.md"
    (source,), (spec,), (printed,) = (blocks(page, language) for language in ("python", "json", ""))

    def install_with(*mistake):
        points = "\n".join(f"{name} = acme_{group}:{name.capitalize()}" for name in names)
        install("acme", f"[specnet.{group}]\n{points}", **{f"acme_{group}": source.replace(*mistake or ("", ""))})

    return group, names, spec, printed, install_with, mistake


@pytest.mark.parametrize("shown", FORMULAS, indirect=True)
def test_the_formulas_of_a_guide_keep_their_contracts_and_train(shown, tmp_path):
    group, names, spec, _, install, _ = shown
    install()
    for name in names:
        specnet.testing.check(specnet.build(group, name))
    run = specnet.run(json.loads(spec) | {"training": {"epochs": 3}, "plots": []}, tmp_path / "run")
    assert len(run.history["train/loss"]) == 3
    assert group == "losses" or {f"train/{name}" for name in names} <= set(run.history)


@pytest.mark.parametrize("shown", FORMULAS, indirect=True)
def test_the_mistake_of_a_guide_is_found_as_it_says(shown):
    group, names, _, printed, install, mistake = shown
    install(*mistake)
    (check, told) = (line.strip() for line in printed.splitlines())
    failed = [f"FAILED {each.check}\n{each.reason}" for each in specnet.testing.examine(specnet.build(group, names[-1]))
              if not each.passed]  # fmt: skip
    assert any(each.startswith(check) and told in each for each in failed), failed


@pytest.fixture(scope="module")
def followed(tmp_path_factory):
    """A folder with a plugin that is made as the guide says, installed."""
    folder = tmp_path_factory.mktemp("followed")
    plugin = folder / "specnet-learned-relu"
    with Installation(folder).entered() as place:
        assert place.specnet("new", "plugin", "learned-relu").returncode == 0
        layer, test = blocks("write-a-layer.md", "python")
        (spec,) = blocks("write-a-layer.md", "json")
        (plugin / "specnet_learned_relu.py").write_text(layer)
        (plugin / "tests" / "test_learned_relu.py").write_text(test)
        (plugin / "spiral.json").write_text(spec)
        place.install(build_wheel(plugin))
        yield place


def test_who_follows_the_guide_has_a_layer_that_is_checked_and_trains_and_is_read_again(followed):
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "specnet-learned-relu"]
    environment = os.environ | {"PYTHONPATH": str(followed.site)}
    assert subprocess.run(command, cwd=followed.folder, env=environment, check=False).returncode == 0
    spec = "specnet-learned-relu/spiral.json"
    assert followed.specnet("check", "layers", "learned_relu").returncode == 0
    assert followed.specnet("run", spec, "--set", "training.epochs=40", "--set", "plots=[]").returncode == 0
    scores = followed.specnet("evaluate", "runs/arms")
    assert (scores.returncode, float(scores.stdout.split()[-1]) > 0.9) == (0, True)
    assert followed.specnet("schema", "-o", "specnet.schema.json").returncode == 0
    assert "slope_init" in (followed.folder / "specnet.schema.json").read_text()


def test_who_makes_the_mistake_that_the_guide_tells_of_is_told_as_it_says(followed):
    module = followed.site / "specnet_learned_relu.py"
    module.write_text(module.read_text().replace("np.sum(self.x * dy", "np.sum(-self.x * dy"))
    shown = followed.specnet("check", "layers", "learned_relu")
    (told,) = [block for block in blocks("write-a-layer.md", "") if block.startswith("FAILED")]
    assert shown.returncode == 2
    for line in told.splitlines():
        assert line == "  …" or line in shown.stdout
    (again,) = re.findall(
        r"^FAILED layers learned_relu.*?(?=^```)", (DOCS / "plugins.md").read_text(), flags=re.M | re.S
    )
    assert set(again.splitlines()) <= set(told.splitlines())
