"""Every component that specnet registers keeps the contract of its group."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

import specnet.testing
from specnet import registry
from specnet.component import find_class
from specnet.distributions import BUILTIN
from specnet.testing import check_dataset

SLOW = ("datasets mnist1d", "datasets reber", "transforms power", "transforms quantile", "metrics spearman")
"""Components whose examples are left to the long command."""


def some_and_all(cases):
    """Yield all cases; those after the class and the first example of a component are marked `long`."""
    seen = Counter()
    for case in cases:
        component = tuple(str(case).replace(",", "").split(" ")[:2])
        seen[component] += 1
        most = 1 if " ".join(component) in SLOW else 2
        yield pytest.param(case, id=str(case), marks=[pytest.mark.long] if seen[component] > most else [])


@pytest.mark.parametrize("case", [*some_and_all(specnet.testing.cases("specnet"))])
def test_a_component_of_specnet_keeps_its_contract(case):
    case()


def test_every_component_is_checked():
    names = [str(case) for case in specnet.testing.cases("specnet")]
    for group in registry.GROUPS:
        for name, (entry, *_) in registry.claims(group).items():
            if entry.distribution == BUILTIN:
                assert f"{group} {name}, its class" in names
                assert [each for each in names if f"{each} ".startswith(f"{group} {name} ")]


COMMON = {"reduction", "learning_rate", "value", "class_weight", "columns", "name"}
"""Fields that the components of a kind share."""
PLAIN = ("normal", "truncated_normal", "uniform")


def test_examples_cover_what_a_component_can_do():
    for group in ("layers", "losses", "optimizers", "schedules", "initializers", "transforms"):
        for name, (entry, *_) in registry.claims(group).items():
            cls = find_class(group, name)
            if entry.distribution == BUILTIN and {*cls.model_fields} - COMMON and name not in PLAIN:
                assert cls.examples, f"{group} {name} has fields and no examples"


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    x, t = rng.normal(size=(40, 3)), rng.integers(0, 3, 40)
    Path("table.csv").write_text(
        "a,b,t\n" + "".join(f"{a},{b},{'xyz'[c]}\n" for (a, b, _), c in zip(x, t, strict=True))
    )
    np.savez("arrays.npz", train_x=x, train_t=t, test_x=x[:9], test_t=t[:9])
    np.save("x.npy", x)
    np.save("t.npy", t)
    for name, array in {"images": rng.integers(0, 255, (40, 5, 4)), "labels": t}.items():
        sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
        Path(name).write_bytes(bytes([0, 0, 8, array.ndim]) + sizes + array.astype(np.uint8).tobytes())


@pytest.mark.parametrize(
    "dataset",
    [
        {"type": "csv", "path": "table.csv", "inputs": ["a"], "targets": ["b"]},
        {"type": "csv", "path": "table.csv", "inputs": ["b", "a"], "targets": ["t"]},
        {"type": "npz", "path": "arrays.npz", "inputs": "x", "targets": "t"},
        {"type": "npz", "path": "arrays.npz", "inputs": "x", "targets": "t", "buffer": 1e-5},
        {"type": "npy", "inputs": "x.npy", "targets": "t.npy", "test": {"inputs": "x.npy", "targets": "t.npy"}},
        {"type": "npy", "inputs": "x.npy", "targets": "t.npy", "buffer": 1e-5},
        {"type": "idx", "images": "images", "labels": "labels", "test": {"images": "images", "labels": "labels"}},
    ],
    ids=str,
)
def test_a_dataset_that_reads_files_keeps_its_contract(dataset, files):
    check_dataset(dataset)


def test_specnet_alone_does_not_import_the_checks_and_the_checks_import_no_pytest():
    script = "import sys, specnet; specnet.run; assert 'specnet.testing' not in sys.modules\n"
    script += "import specnet.testing; sys.exit('pytest' in sys.modules or 'matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
