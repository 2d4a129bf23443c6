"""How the seconds of an epoch grow with rows, width and depth, from 784-128-128-10 on 4,096 rows in batches of 128."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import NamedTuple

from benchmarks.measure import Comparison, take_turns
from benchmarks.peers import installed
from benchmarks.process import processes
from benchmarks.work import digits_spec, write_digits

BATCH = 128


class Size(NamedTuple):
    """Samples, units of a hidden layer, hidden layers."""

    rows: int = 4096
    width: int = 128
    depth: int = 2


SIZES = {
    "rows": [512, 1024, 2048, 4096, 8192, 16384],
    "width": [16, 32, 64, 128, 256, 512, 1024],
    "depth": [1, 2, 4, 8, 16],
}


def measure(rounds: int, short: bool) -> list[Comparison]:
    """Return the seconds of an epoch at each size; a few rounds are enough for a picture."""
    found = []
    with tempfile.TemporaryDirectory() as folder, processes(installed("specnet", "PyTorch")) as peers:
        for axis, values in SIZES.items():
            for value in values[:2] if short else values:
                size = (Size(rows=512) if short else Size())._replace(**{axis: value})
                path = Path(folder) / f"{size.rows}.npz"
                if not path.exists():
                    write_digits(path, size.rows)
                for peer in peers.values():
                    peer.prepare(digits_spec(path, BATCH, (size.width,) * size.depth))
                    peer.train(1)
                calls = {name: lambda peer=peer: peer.train(1)[1] for name, peer in peers.items()}
                found.append(Comparison("growth", f"{axis} {value}", take_turns(calls, min(rounds, 5)), per="epoch"))
    return found
