"""The rules of the house: who imports whom, who prints, who touches the disk, style and types."""

import ast
import doctest
import importlib
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

import specnet
import specnet.api

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "specnet"
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(PACKAGE.rglob("*.py"))
}
TEXTS = {module: path.read_text() for module, path in MODULES.items()}
NOUNS = (
    "layers", "losses", "metrics", "optimizers", "schedules", "initializers", "datasets", "transforms", "plots",
    "kernels",
)  # fmt: skip
SHARED = (
    [], ["base"], ["rows"], ["stack"], ["merging"], ["checks"], ["split"], ["division"], ["duplicates"], ["pipeline"],
    ["selection"], ["table"], ["columns"], ["column_reader"], ["date_forms"], ["missing"], ["columnar"], ["tabular"],
    ["array_values"], ["memory"], ["sampling"], ["masks"], ["data_file"], ["text_files"], ["scheduled"], ["weighted"],
    ["sharing"], ["style"],
)  # fmt: skip
"""Files of a noun that are no implementations of it."""
ORDER = [
    "errors", "tools", "component", "base", "implementations", "network", "training", "spec", "recording", "painters",
    "diagnosis", "report", "storage", "provenance", "trained", "runs", "verification", "exporters", "studies", "api",
    "testing", "cli",
]  # fmt: skip
RUNS = ("storage", "provenance", "trained", "verification")
"""Folders of `runs`: only the last one imports the files beside them."""
HOMES = {
    "specnet": "errors", "errors": "errors", "location": "errors", "words": "errors",
    "distributions": "tools", "registry": "tools", "diagnostics": "tools", "functions": "tools",
    "names": "tools", "plugin_code": "tools", "numpy_files": "tools", "regular_files": "tools", "synonyms": "tools",
    "field_synonyms": "tools", "data_synonyms": "tools", "formula": "tools",
    "layer_numbers": "component",
    "launch": "tools", "improvement": "tools", "statistics": "tools", "features": "tools", "workspace": "tools",
    "randomness": "tools", "definition": "tools",
    "task": "tools", "component": "component", "parts": "component", "faults": "component", "local": "component",
    "weights": "component",
    "network": "network", "training": "training", "spec": "spec", "recording": "recording",
    "inspection": "recording", "report": "report", "diagnosis": "diagnosis",
    "runs": "runs", "exporters": "exporters", "studies": "studies",
    "api": "api", "testing": "testing", "cli": "cli", "__main__": "cli",
}  # fmt: skip


def storey(module):
    """Where a module stands in the house."""
    parts = module.split(".")
    if len(parts) > 1 and parts[1] in NOUNS:
        return "base" if parts[2:] in SHARED else "painters" if parts[1] == "plots" else "implementations"
    if parts[1:2] == ["runs"] and len(parts) > 2 and parts[2] in RUNS:
        return parts[2]
    return HOMES[parts[1] if len(parts) > 1 else "specnet"]


def imports(path):
    """Every specnet module that a file imports, at its top or inside a function."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "specnet":
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in MODULES else node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] == "specnet")


def test_imports_run_one_way():
    wrong = []
    for module, path in MODULES.items():
        here = storey(module)
        for imported in imports(path):
            if module == "specnet" or (here == "cli" and imported == "specnet"):
                continue
            there = storey(imported)
            if ORDER.index(there) > ORDER.index(here):
                wrong.append(f"{module} imports {imported}")
            if there in ("implementations", "painters") and there != here:
                wrong.append(f"{module} knows the implementation {imported}")
    assert wrong == []


def test_below_runs_only_datasets_and_the_spec_reader_touch_the_disk():
    touching = {"open", "read_text", "read_bytes", "write_text", "write_bytes", "mkdir", "unlink", "savez", "fromfile"}
    allowed = {
        "specnet.numpy_files",
        "specnet.regular_files",
        "specnet.datasets.text_files",
        "specnet.datasets.idx",
        "specnet.datasets.files",
        "specnet.datasets.images",
        "specnet.local",
        "specnet.spec.text",
        "specnet.spec.memory",
    }
    for module, text in TEXTS.items():
        if storey(module) not in (*RUNS, "runs", "exporters", "studies", "api", "cli") and module not in allowed:
            called = {
                getattr(node.func, "attr", getattr(node.func, "id", ""))
                for node in ast.walk(ast.parse(text))
                if isinstance(node, ast.Call)
            }
            assert not called & touching, module
            assert "np.load(" not in text, module


def test_nothing_below_cli_prints():
    for module, text in TEXTS.items():
        printing = re.search(r"\bprint\(|sys\.std(out|err)|\bclick\b|\brich\b", text)
        # plugin_code redirects what plugins print
        assert storey(module) == "cli" or module == "specnet.plugin_code" or not printing, module


def test_a_file_is_read_in_one_sitting():
    files = (path for extension in ("py", "js") for path in PACKAGE.rglob(f"*.{extension}"))
    assert [path for path in files if len(path.read_text().splitlines()) > 300] == []


def test_the_examples_in_docstrings_are_right():
    tried = 0
    for module, text in TEXTS.items():
        if ">>>" in text:
            failed, count = doctest.testmod(importlib.import_module(module), extraglobs={"build": specnet.build})
            assert not failed, module
            tried += count
    assert tried > 20


def test_every_public_name_is_there():
    for name in specnet.__all__:
        assert getattr(specnet, name) is getattr(specnet.api, name)
    assert set(specnet.__all__) <= set(dir(specnet))
    with pytest.raises(AttributeError, match="no attribute 'tensorflow'"):
        _ = specnet.tensorflow


def python(*arguments):
    return subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)


def test_the_core_imports_no_matplotlib():
    assert python("-c", "import sys, specnet; specnet.run; sys.exit('matplotlib' in sys.modules)").returncode == 0


@pytest.mark.parametrize("tool", [["ruff", "check"], ["ruff", "format", "--check"], ["mypy"]], ids=" ".join)
def test_style_and_types_are_clean(tool):
    result = python("-m", *tool, *(["."] if tool[0] == "ruff" else []))
    assert result.returncode == 0, result.stdout + result.stderr


def top_level_names(path):
    """Yield the names that a file defines, but private ones, and commands: these are named like what they call."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found = [] if any("click" in ast.unparse(each) for each in node.decorator_list) else [node.name]
        else:
            targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
            found = [target.id for target in targets if isinstance(target, ast.Name)]
        yield from (name for name in found if not name.startswith("_"))


def test_a_top_level_name_has_one_meaning():
    homes = defaultdict(list)
    for path in sorted(PACKAGE.rglob("*.py")):
        inside = path.relative_to(PACKAGE)
        if inside.parts[0] not in ("kernels", "templates"):
            for name in set(top_level_names(path)):
                homes[name].append(str(inside))
    assert len(homes) > 500
    assert {name: files for name, files in homes.items() if len(files) > 1} == {}
