"""What holds for all tests."""

import os
import sys

import pytest

from specnet import registry

# On small matrices a second BLAS thread costs more than it gains, the more so where tests run side by side.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


@pytest.fixture
def forget():
    """Forget what local files have registered, as a new process would."""

    def call():
        registry.LOCAL.clear()
        for name in [name for name in sys.modules if name.startswith("specnet.local.")]:
            del sys.modules[name]

    yield call
    call()


@pytest.fixture
def local(forget):
    """What is registered during a test, and forgotten afterwards."""
    return registry.LOCAL


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Install distributions of hand-written entry points and modules for the length of a test."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(tmp_path)

    def write(distribution, points, version="1.0", metadata=True, **modules):
        folder = tmp_path / f"{distribution.replace('-', '_')}-{version}.dist-info"
        folder.mkdir()
        if metadata:
            (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n")
        (folder / "entry_points.txt").write_text(f"[specnet.layers]\n{points}\n")
        for name, source in modules.items():
            (tmp_path / f"{name}.py").write_text(source)
        registry._claims.cache_clear()

    yield write
    registry._claims.cache_clear()
    for name in set(sys.modules) - before:
        if (tmp_path / f"{name}.py").exists():
            del sys.modules[name]
