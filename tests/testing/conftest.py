"""What the tests of faulty components share."""

import pytest

from specnet.testing import endurance
from specnet.testing.base import Checks


@pytest.fixture
def few_steps(request, monkeypatch):
    """A faulty component takes a hundred steps only where this is the check that finds its fault."""
    if "it endures a hundred steps" not in request.getfixturevalue("checks"):
        monkeypatch.setattr(Checks, "allowance", None)
        monkeypatch.setattr(endurance, "STEPS", 2)
        monkeypatch.setattr(endurance, "ROUNDS", 1)
