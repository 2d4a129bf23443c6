"""Distributions for tests: hand-written ones in a folder, or installed by pip, never from the network."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hatchling.builders.wheel import WheelBuilder

from specnet import registry


def write_distribution(
    folder: Path,
    distribution: str,
    points: str,
    version: str = "1.0",
    metadata: bool = True,
    requires: str = "",
    **modules: str,
) -> None:
    """Write an installed distribution: its modules, and its entry points, those of layers first."""
    information = folder / f"{distribution.replace('-', '_')}-{version}.dist-info"
    information.mkdir()
    if metadata:
        needs = f"Requires-Dist: {requires}\n" if requires else ""
        text = f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n{needs}"
        (information / "METADATA").write_text(text)
    (information / "entry_points.txt").write_text(f"[specnet.layers]\n{points}\n")
    for name, source in modules.items():
        (folder / f"{name}.py").write_text(source)


@contextmanager
def installed_in(folder: Path, patch: Any) -> Iterator[Callable[[], None]]:
    """Let the distributions in a folder be installed inside the `with`; call what it yields after writing one."""
    before, forget = set(sys.modules), registry._claims.cache_clear
    patch.syspath_prepend(folder)
    forget()
    yield forget
    forget()
    for name in set(sys.modules) - before:
        if (folder / f"{name}.py").exists():
            del sys.modules[name]


class Environment:
    """A virtual environment in a folder, which also has what this one has."""

    def __init__(self, folder: Path) -> None:
        venv.create(folder, with_pip=False)
        self.python = folder / "bin" / "python"
        site = next(folder.glob("lib/python*/site-packages"))
        # What is installed editable is found by .pth files, which PYTHONPATH does not read.
        (site / "parent.pth").write_text(f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n")
        self.variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}

    def run(self, *arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
        """Run its Python with these arguments."""
        return subprocess.run(
            [self.python, *arguments], cwd=cwd, env=self.variables, capture_output=True, text=True, check=False
        )

    def specnet(self, *arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
        """Run the command specnet."""
        return self.run("-m", "specnet", *arguments, cwd=cwd)

    def install(self, *arguments: str | Path) -> None:
        """Install distributions from folders, without what they require."""
        self._pip("install", "--no-index", "--no-build-isolation", "--no-deps", *arguments)

    def uninstall(self, *distributions: str) -> None:
        """Uninstall distributions."""
        self._pip("uninstall", "--yes", *distributions)

    def _pip(self, *arguments: str | Path) -> None:
        pip = [sys.executable, "-m", "pip", "--python", self.python, "--disable-pip-version-check", "--quiet"]
        done = subprocess.run([*pip, *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def build_project(
    parent: Path,
    name: str,
    points: Mapping[str, Mapping[str, str]],
    source: str,
    version: str = "1.0",
    requires: Sequence[str] = ("specnet",),
) -> Path:
    """Write a module with a pyproject.toml, and return the wheel of it."""
    folder = parent / f"specnet-{name}"
    module = f"specnet_{name.replace('-', '_')}"
    tables = [
        f'[project.entry-points."specnet.{group}"]\n'
        + "".join(f'{key} = "{to if ":" in to or to == module else f"{module}:{to}"}"\n' for key, to in names.items())
        for group, names in points.items()
    ]
    folder.mkdir()
    (folder / f"{module}.py").write_text(source)
    (folder / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n\n'
        f'[project]\nname = "specnet-{name}"\nversion = "{version}"\ndependencies = {json.dumps([*requires])}\n\n'
        + "\n".join(tables)
    )
    # In this process, as pip would start three for each.
    return Path(next(WheelBuilder(str(folder)).build(directory=str(parent / "wheels"))))
