"""What holds for all tests."""

import os
import sys

import numpy as np
import pytest
from environment import installed_in, write_distribution
from hypothesis import HealthCheck, settings
from slow_tests import mark_slow

from specnet import plugin_code, registry

# On small matrices a second BLAS thread costs more than it gains, the more so where tests run side by side.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# What is synced shows only where the machine itself goes down; waiting for the disk takes a sixth of a small run.
os.fsync = lambda handle: None
# Options that were meant for this command would change what pytest prints inside tests.
os.environ.pop("PYTEST_ADDOPTS", None)
# A busy machine may take longer for an import than a user should wait without a message.
plugin_code.SLOW = 120.0
# The same examples in every run, however slow the machine is.
slow = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
settings.register_profile("specnet", derandomize=True, deadline=None, suppress_health_check=slow)
settings.load_profile("specnet")


def pytest_configure(config):
    """Compile a module once, not in each of hundreds of processes, where Python should leave none beside its source."""
    if os.environ.pop("PYTHONDONTWRITEBYTECODE", None):
        sys.pycache_prefix = os.environ["PYTHONPYCACHEPREFIX"] = str(config.cache.mkdir("modules"))
        sys.dont_write_bytecode = False


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    mark_slow(items)


@pytest.fixture
def forget():
    """Forget what local files have registered, as a new process would."""

    def call():
        registry.LOCAL_ENTRIES.clear()
        for name in [name for name in sys.modules if name.startswith("specnet.local.")]:
            del sys.modules[name]

    yield call
    call()


@pytest.fixture
def local(forget):
    """What is registered during a test, and forgotten afterwards."""
    return registry.LOCAL_ENTRIES


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Install distributions of hand-written entry points and modules for the length of a test."""
    with installed_in(tmp_path, monkeypatch) as forget:

        def write(*arguments, **modules):
            write_distribution(tmp_path, *arguments, **modules)
            forget()

        yield write


@pytest.fixture(scope="module")
def blank_pictures():
    """Leave pictures white, in tests that are about something else: to draw one takes as long as a small run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("specnet.report.pictures.pixels", lambda figure: np.full((2, 2, 3), 255, np.uint8))
        yield


@pytest.fixture(scope="session")
def chrome():
    """A browser that all tests of a process share."""
    from report.browser import chromium

    with chromium() as browser:
        yield browser
