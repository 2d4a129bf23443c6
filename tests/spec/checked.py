"""What a small spec with changes is told."""

import pytest
from helpers import SOURCE

from specnet import SpecnetError, load_spec

MINIMAL = {"dataset": "spiral", "layers": [{"type": "linear", "units": 1}, "sigmoid"], "loss": "bce"}
LINEAR = {"type": "linear", "units": 1}
TWO = {"type": "linear", "units": 2}
SIXTEEN = {"type": "linear", "units": 16}


def mistakes(**changes):
    """Return code and place of each mistake."""
    with pytest.raises(SpecnetError) as raised:
        load_spec(MINIMAL | changes)
    return [(found.code, found.pointer) for found in raised.value.diagnostics]


def told(**changes):
    """Return message and place of the only mistake."""
    with pytest.raises(SpecnetError) as raised:
        load_spec(MINIMAL | changes)
    (found,) = raised.value.diagnostics
    return SOURCE.sub("", found.message), found.pointer


def warned(**changes):
    """Return code, place and message of each warning."""
    return [(found.code, found.pointer, found.message) for found in load_spec(MINIMAL | changes).warnings]


def plateau(**fields):
    """Return an optimizer whose learning rate follows a value of the history."""
    return {"type": "sgd", "learning_rate": {"type": "reduce_on_plateau", "initial": 0.1, **fields}}
