"""What commands import: `--help` next to nothing, `validate` and `run` of components those alone that the spec names.

Modules of components are those that entry points name, wherever they lie; of other distributions all are named here.
"""

import json
import re
import subprocess
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, requires

import pytest

from specnet import registry
from specnet.cli import cli

SCRIPT = """
import sys
from specnet.cli import main
for arguments in {commands}:
    sys.argv = ["specnet", *arguments]
    try:
        main()
    except SystemExit as end:
        assert not end.code or {code} == end.code, (arguments, end.code)
    print("modules", *sorted(sys.modules))
"""
VALIDATING = ("click", "importlib-metadata", "numpy", "psutil", "pydantic", "threadpoolctl")
RUNNING = (*VALIDATING, "rich")
REPORTING = (*RUNNING, "jinja2")
UNSEEN_BY_HELP = {
    *registry.GROUPS, "component", "diagnostics", "registry", "report", "spec", "testing", "training",
}  # fmt: skip
SPEC = {
    "dataset": "waves",
    "layers": ["tanh", {"type": "linear", "units": 1, "weight_init": "zeros"}],
    "loss": "mae",
    "metrics": ["r2"],
    "optimizer": {"type": "sgd", "learning_rate": {"type": "constant", "value": 0.1}},
    "training": {"epochs": 1},
    "plots": [],
}
UNUSED = {
    "asyncio", "concurrent.futures", "logging", "matplotlib", "multiprocessing", "numpy.ma", "rich.progress", "scipy",
    "specnet.diagnosis.table", "specnet.runs.bundle", "specnet.runs.drawing", "specnet.training.lockstep", "ssl",
}  # fmt: skip
"""Modules that a run without plots and page does not need: a process with little memory has no room for them."""
NAMED = {
    ("datasets", "waves"), ("layers", "tanh"), ("layers", "linear"), ("initializers", "zeros"), ("losses", "mae"),
    ("metrics", "r2"), ("optimizers", "sgd"), ("schedules", "constant"),
}  # fmt: skip

DEFAULTS = {
    ("optimizers", "adam"), ("initializers", "glorot_uniform"), ("initializers", "zeros"), ("plots", "curves"),
}  # fmt: skip


def loaded(folder, *commands, code=0):
    """Return the modules that there are after each of several commands in a new process, which end in 0 or `code`."""
    script = SCRIPT.format(commands=[list(map(str, command)) for command in commands], code=code)
    done = subprocess.run([sys.executable, "-c", script], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [set(line.split()[1:]) for line in done.stdout.splitlines() if line.startswith("modules ")]


def third_party(modules):
    """Return the distributions that modules are of. Those of plugins are seen as components."""
    known = distributions()
    packages = {module.partition(".")[0] for module in modules} & known.keys() - sys.stdlib_module_names
    return {canonical(name) for package in packages for name in known[package]} - {"specnet", "setuptools"}


@cache
def distributions():
    """Return the distributions that each installed package is of."""
    return packages_distributions()


def canonical(distribution):
    return re.sub("[-_.]+", "-", distribution).lower()


def needed(names):
    """Return distributions and all that they need."""
    found = set()
    while names := {canonical(name) for name in names} - found:
        found |= names
        needs = [need for name in names for need in _requires(name) if "extra ==" not in need]
        names = [re.match(r"[\w.-]+", need)[0] for need in needs]
    return found


def _requires(distribution):
    try:
        return requires(distribution) or []
    except PackageNotFoundError:  # what another system or version of Python needs
        return []


def components(modules):
    """Return all components whose modules are among these, by module."""
    found = {}
    for group in registry.GROUPS:
        for name, entries in registry.claims(group).items():
            for entry in entries:
                module = entry.target.partition(":")[0]
                if module in modules:
                    found.setdefault(module, set()).add((group, name))
    return found


def unnamed(modules, named):
    """Return what there is of modules that have no component which is named, by module."""
    return {module: names for module, names in components(modules).items() if not names & named}


def assert_named(modules, named):
    """Assert that each module of components has one that is named, and that these are all there."""
    assert unnamed(modules, named) == {}
    assert named <= set().union(*components(modules).values())


def test_help_imports_click_alone_and_nothing_that_trains(tmp_path):
    commands = [["--help"], ["--version"], ["new", "spec", "--help"], ["new", "plugin", "--help"]]
    commands += [[command, "--help"] for command in cli.commands]
    after = loaded(tmp_path, *commands)
    assert len(after) == len(commands)
    for command, modules in zip(commands, after, strict=True):
        assert third_party(modules) == {"click"}, command
        packages = {module.split(".")[1] for module in modules if module.startswith("specnet.")}
        assert not packages & UNSEEN_BY_HELP, command
        assert components(modules) == {}, command


@pytest.fixture
def spec(tmp_path):
    (tmp_path / "spec.json").write_text(json.dumps(SPEC))
    return tmp_path


def test_validate_imports_the_components_that_a_spec_names_and_no_more(spec):
    more = {"plots": ["curves"], "layers": [*SPEC["layers"], "os"]}
    (spec / "spec.json").write_text(json.dumps(SPEC | more))
    (modules,) = loaded(spec, ["validate", "spec.json"], code=2)
    assert third_party(modules) <= needed(VALIDATING)
    assert_named(modules, NAMED | {("plots", "curves")})


def test_validate_imports_what_a_spec_leaves_to_defaults(spec):
    text = '{"dataset": "spiral", "layers": [{"type": "linear", "units": 1}], "loss": "mse"}'
    (spec / "spec.json").write_text(text)
    (modules,) = loaded(spec, ["validate", "spec.json"])
    assert_named(modules, {("datasets", "spiral"), ("layers", "linear"), ("losses", "mse"), *DEFAULTS})


def test_run_imports_no_component_no_plot_and_no_plugin_that_a_spec_does_not_name(spec):
    run = ["run", "spec.json", "--quiet"]
    unreported, reported = loaded(spec, [*run, "--no-report"], run)
    assert third_party(unreported) <= needed(RUNNING)
    assert not unreported & UNUSED
    assert third_party(reported) <= needed(REPORTING)
    assert_named(unreported, NAMED)
    assert unnamed(reported, NAMED | DEFAULTS) == {}  # the page shows a spec without what it may leave out
