"""Distributions for tests, never from the network: hand-written, from wheels in this process, or installed by pip."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import chdir, contextmanager
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from click.testing import CliRunner
from hatchling.builders.wheel import WheelBuilder

from specnet import registry
from specnet.cli import cli


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
    forget = registry._claims.cache_clear
    patch.syspath_prepend(folder)
    forget()
    yield forget
    forget()
    forget_modules(folder)


def forget_modules(folder: Path) -> None:
    """Let the modules in a folder be imported anew, as in a new process."""
    for name, module in [*sys.modules.items()]:
        if Path(getattr(module, "__file__", None) or "").parent == folder:
            del sys.modules[name]


class Installation:
    """A folder with specs, and distributions from wheels that are installed inside `with installation.entered()`.

    Commands run in this process, which forgets the modules of these distributions before each. Modules that are
    imported add their names to the file that TRACE in the environment names.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.site, self.trace = folder, folder / "site", folder / "trace"
        self.site.mkdir()

    @contextmanager
    def entered(self) -> Iterator[Installation]:
        """Have the distributions installed, and TRACE set."""
        with pytest.MonkeyPatch.context() as patch, installed_in(self.site, patch) as self.forget:
            patch.setenv("TRACE", str(self.trace))
            yield self

    def install(self, *wheels: Path) -> None:
        """Install distributions."""
        for wheel in wheels:
            ZipFile(wheel).extractall(self.site)
        self.forget()

    def uninstall(self, distribution: str) -> None:
        """Uninstall a distribution of one module."""
        name = distribution.replace("-", "_")
        (self.site / f"{name}.py").unlink()
        (information,) = self.site.glob(f"{name}-*.dist-info")
        shutil.rmtree(information)
        self.forget()

    def specnet(self, *arguments: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run a command in the folder; a traceback fails the test. The trace then has the modules that it imports."""
        self.trace.unlink(missing_ok=True)
        forget_modules(self.site)
        with chdir(cwd or self.folder):
            done = CliRunner().invoke(cli, [*map(str, arguments)], prog_name="specnet")
        assert isinstance(done.exception, SystemExit | None), done.exception
        assert "error[internal]" not in done.stderr, done.stderr
        return subprocess.CompletedProcess(arguments, done.exit_code, done.stdout, done.stderr)

    def imported(self) -> set[str]:
        """Return the names of the traced modules that the last command has imported."""
        return set(self.trace.read_text().split()) if self.trace.exists() else set()


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
    return build_wheel(folder)


def build_wheel(folder: Path) -> Path:
    """Return the wheel of a project, built in this process, as pip would start three."""
    return Path(next(WheelBuilder(str(folder)).build(directory=str(folder.parent / "wheels"))))
