"""What the tests of runs that were stopped share."""

import json

LINEAR = {"type": "linear", "units": 1}


def contents(directory):
    """Everything that a run ends in, seconds apart."""
    history = [json.loads(line) | {"seconds": 0} for line in (directory / "history.jsonl").read_text().splitlines()]
    latest = json.loads((directory / "latest.json").read_text())
    record = directory / "record.npz"
    return {
        "history": history,
        "latest": (latest["checkpoint"], latest["sha256"]),
        "best": json.loads((directory / "best.json").read_text()),
        "record": record.read_bytes() if record.exists() else None,
        "file": (directory / "checkpoints" / latest["checkpoint"]).read_bytes(),
    }


def files(directory):
    """Every file but the lock, which tells who has looked last."""
    return {path: path.read_bytes() for path in directory.rglob("*") if path.is_file() and path.name != ".lock"}


def small(**changes):
    """A spec of 8 steps in 4 epochs."""
    return {
        "seed": 5,
        "dataset": {"type": "spiral", "n_samples": 36},
        "split": {"validation": 0.2},
        "layers": [LINEAR],
        "loss": "bce_with_logits",
        "metrics": ["accuracy"],
        "training": {"epochs": 4, "batch_size": 20},
        "plots": [],
        **changes,
    }


def change(directory, *keys):
    """Let a manifest tell something else."""
    *path, key, value = keys
    manifest = json.loads((directory / "manifest.json").read_text())
    place = manifest
    for step in path:
        place = place[step]
    place[key] = value
    (directory / "manifest.json").write_text(json.dumps(manifest))
