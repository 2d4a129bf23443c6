"""Environments of their own, with distributions installed by pip: never from the network."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path


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
