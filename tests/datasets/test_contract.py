"""What every dataset promises of its outline."""

import gzip
import io
import random
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas
import pytest
from helpers import built_in
from PIL import Image

from specnet import SpecnetError, build
from specnet.datasets.base import Outline
from specnet.datasets.memory import give_data, splits_given


def npz(save=np.savez, **arrays):
    buffer = io.BytesIO()
    save(buffer, **arrays)
    return buffer.getvalue()


def npy(array):
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def idx(array):
    """Return bytes as an IDX file of bytes."""
    sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return bytes([0, 0, 8, array.ndim]) + sizes + array.astype(np.uint8).tobytes()


X, T = np.arange(24.0).reshape(4, 3, 2), np.array([0, 2, 1, 0])
image = io.BytesIO()
Image.new("RGB", (3, 2)).save(image, "PNG")
FILES = {
    "text.txt": b"a text",
    "class/a.png": image.getvalue(),
    "numbers.csv": b"a,b,t,u\n1,2,3,4\n5,6,7,8\n",
    "text.csv": b"a,b,t\n1,2,x\n5,6,y\n",
    "no_target.csv": b"a,t\n1,\n",
    "plain.npz": npz(inputs=X, targets=T),
    "split.npz": npz(
        np.savez_compressed,
        train_x=X, train_t=X[:, 0], validation_x=X[:1], validation_t=X[:1, 0], test_x=X[:2], test_t=X[:2, 0], extra=T,
    ),
    "old.npz": npz(inputs=X.astype(">f4"), targets=T.astype("u1")),
    "x.npy": npy(X),
    "t.npy": npy(T),
    "fortran.npy": npy(np.asfortranarray(X.astype(">f4"))),
    "images": idx(X),
    "images.gz": gzip.compress(idx(X)),
    "rows": idx(X.reshape(4, 6)),
    "labels": idx(T),
    "labels.gz": gzip.compress(idx(T)),
}  # fmt: skip
SPLIT = {"path": "split.npz", "inputs": "x", "targets": "t"}
CASES = {
    "spiral": [({"n_samples": 10}, Outline((2,), (), 10, (), 2, kind="classes"))],
    **{
        name: [({"n_samples": 11}, Outline((2,), (), 11, (), classes, kind="classes"))]
        for name, classes in {
            "moons": 2,
            "circles": 2,
            "blobs": 3,
            "xor": 2,
            "checkerboard": 2,
            "two_spirals": 2,
        }.items()
    },
    "mackey_glass": [({"n_samples": 5, "length": 3}, Outline((3, 1), (1,), 5, (), kind="numbers"))],
    "modular_arithmetic": [({"modulus": 3}, Outline((2,), (), 9, (), 3, kind="classes", vocabulary=3))],
    "parity": [
        ({"length": 4}, Outline((4,), (), 16, (), 2, kind="classes")),
        ({"length": 20, "n_samples": 7}, Outline((20,), (), 7, (), 2, kind="classes")),
    ],
    "waves": [({"n_samples": 10}, Outline((1,), (1,), 10, (), kind="numbers"))],
    "shapes": [({"n_samples": 12, "size": 15}, Outline((15, 15, 1), (), 12, (), 4, kind="classes"))],
    "sines": [({"n_samples": 5, "length": 7}, Outline((7, 1), (1,), 5, (), kind="numbers"))],
    "adding": [({"n_samples": 5, "length": 7}, Outline((7, 2), (1,), 5, (), kind="numbers"))],
    "copy": [
        (
            {"n_samples": 4, "length": 3, "delay": 1, "symbols": 5},
            Outline((7,), (7,), 4, (), 7, "classes", vocabulary=7),
        )
    ],
    "reber": [({"n_samples": 4}, Outline((24,), (24,), 4, (), 7, "classes", vocabulary=7, masked=True))],
    "mnist1d": [({"n_samples": 10, "length": 30}, Outline((30, 1), (), 10, (), 10, "classes"))],
    "formula": [
        ({"n_samples": 5, "x": {"a": [0, 1], "b": [0, 1]}, "y": "a * b"}, Outline((2,), (1,), 5, (), kind="numbers"))
    ],
    "text": [
        (
            {"path": "text.txt", "unit": "byte", "sequence_length": 3},
            Outline((3,), (3,), None, (), 256, "classes", vocabulary=256),
        ),
        (
            {"path": "text.txt", "vocabulary": ["a"], "sequence_length": 3, "test": "text.txt"},
            Outline((3,), (3,), None, ("test",), 2, "classes", vocabulary=2),
        ),
    ],
    "image_folder": [
        ({"path": "."}, Outline((2, 3, 3), (), 1, (), 1, "classes")),
        (
            {"path": ".", "image_size": [5, 4], "color_mode": "grayscale", "test": "."},
            Outline((5, 4, 1), (), 1, ("test",), 1, "classes"),
        ),
    ],
    "csv": [
        ({"path": "numbers.csv", "inputs": ["b"], "targets": ["t"]}, Outline((1,), (1,), 2, splits=(), kind="numbers")),
        (
            {"path": "numbers.csv", "inputs": ["b", "a"], "targets": ["t", "u"]},
            Outline((2,), (2,), 2, splits=(), kind="numbers"),
        ),
        ({"path": "text.csv", "inputs": ["a", "b"], "targets": ["t"]}, Outline((2,), (), 2, (), 2, "classes")),
    ],
    "series": [
        ({"path": "numbers.csv", "targets": ["t", "u"], "lags": 1}, Outline((1, 2), (2,), 1, (), kind="numbers")),
        (
            {"path": "text.csv", "inputs": ["a", "b"], "targets": ["t"], "lags": 1, "order": "b"},
            Outline((1, 2), (), 1, (), 2, "classes"),
        ),
    ],
    "npz": [
        ({"path": "plain.npz"}, Outline((3, 2), (), 4, (), kind="classes")),
        ({"path": "old.npz"}, Outline((3, 2), (), 4, (), kind="classes")),
        (SPLIT, Outline((3, 2), (2,), 4, ("validation", "test"), kind="numbers")),
        ({"path": "plain.npz", "buffer": 1e-5}, Outline((3, 2), (), 4, (), kind="classes")),
        ({**SPLIT, "inputs": "train_x", "targets": "extra"}, Outline((3, 2), (), 4, (), kind="classes")),
    ],
    "npy": [
        ({"inputs": "x.npy", "targets": "t.npy"}, Outline((3, 2), (), 4, (), kind="classes")),
        ({"inputs": "fortran.npy", "targets": "x.npy"}, Outline((3, 2), (3, 2), 4, (), kind="numbers")),
        (
            {"inputs": "x.npy", "targets": "t.npy", "test": {"inputs": "fortran.npy", "targets": "t.npy"}},
            Outline((3, 2), (), 4, ("test",), kind="classes"),
        ),
        ({"inputs": "x.npy", "targets": "t.npy", "buffer": 1e-5}, Outline((3, 2), (), 4, (), kind="classes")),
    ],
    "idx": [
        ({"images": "images", "labels": "labels"}, Outline((3, 2, 1), (), 4, (), kind="classes")),
        ({"images": "rows", "labels": "labels.gz"}, Outline((6,), (), 4, (), kind="classes")),
        (
            {"images": "images.gz", "labels": "labels.gz", "test": {"images": "images", "labels": "labels"}},
            Outline((3, 2, 1), (), 4, ("test",), kind="classes"),
        ),
    ],
}


@pytest.fixture(autouse=True)
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, content in FILES.items():
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_bytes(content)


def load(dataset):
    return dataset.load(np.random.default_rng(0))


def agree(outline, data):
    """Tell whether what the outline knows is what the data are."""
    found = Outline(
        data.train.inputs.shape[1:],
        data.train.targets.shape[1:],
        len(data.train.inputs),
        tuple(split for split in data.splits if split != "train"),
        len(data.classes),
        data.about_targets.kind,
        data.input_features,
        data.classes,
        data.target_names,
        data.column_classes,
        data.vocabulary,
        data.train.mask is not None,
    )
    return all(known in (None, (), getattr(found, name)) for name, known in vars(outline).items())


def resolved(dataset):
    """The dataset with what its file says written into its fields."""
    return dataset.resolve(classes=False, reserved=(), early=True)


GIVEN = [
    ("arrays", {}, {"train": (X, T), "test": (X, T)}, Outline((3, 2), (), 4, ("test",), kind="classes")),
    ("arrays", {}, (X, T.astype(str)), Outline((3, 2), (), 4, (), 3, kind="classes")),
    ("frame", {}, (pandas.DataFrame(X[:, 0], columns=["a", "b"]), T), Outline((2,), (1,), 4, (), kind="numbers")),
    (
        "frame",
        {"targets": ["b"], "exclude": ["c"]},
        pandas.DataFrame({"a": [0, 1], "b": ["x", "y"], "c": [0, 0]}),
        Outline((1,), (), 2, (), 2, "classes"),
    ),
]


def test_every_built_in_dataset_is_looked_at():
    assert CASES.keys() | {name for name, *_ in GIVEN} == set(built_in("datasets"))


@pytest.mark.parametrize(("name", "fields", "data", "outline"), GIVEN)
def test_an_outline_is_what_is_given(name, fields, data, outline):
    empty = build("datasets", {"type": name, **fields})
    assert empty.outline().inputs is None
    dataset, _ = resolved(give_data(empty, splits_given(data)))
    assert replace(dataset.outline(), features=(), class_names=(), target_names=(), column_classes=()) == outline
    assert agree(dataset.outline(), load(dataset))


@pytest.mark.parametrize(
    ("name", "fields", "outline"), [(name, *case) for name, cases in CASES.items() for case in cases]
)
def test_an_outline_is_what_will_be_loaded(name, fields, outline):
    dataset, _ = resolved(build("datasets", {"type": name, **fields}))
    assert replace(dataset.outline(), features=(), class_names=(), target_names=(), column_classes=()) == outline
    assert agree(outline, load(dataset))
    assert dataset.outline().classes is None or dataset.outline().class_names == load(dataset).classes


@pytest.mark.parametrize(("name", "fields"), [(name, CASES[name][-1][0]) for name in ("csv", "npz", "npy", "idx")])
def test_whatever_loads_has_its_outline_and_whatever_does_not_is_refused_by_name(name, fields):
    dataset, _ = resolved(build("datasets", {"type": name, **fields}))
    path = Path(next(iter(fields.values())))
    loaded = 0
    for seed in range(400):
        generator = random.Random(seed)
        bad = bytearray(FILES[path.name])
        for _ in range(generator.choice([1, 3])):
            bad[generator.randrange(len(bad))] = generator.randrange(256)
        path.write_bytes(bad[: generator.choice([len(bad), generator.randrange(len(bad))])])
        try:
            outline = dataset.outline()
        except SpecnetError as error:
            outline = None
            assert path.name in error.message
        try:
            data = load(dataset)
        except SpecnetError:
            continue
        loaded += 1
        assert outline is not None
        assert agree(outline, data)
    assert loaded


def test_a_csv_file_whose_columns_are_not_known_does_not_tell_what_they_are():
    fields = {"type": "csv", "path": "no_target.csv", "inputs": ["a"], "targets": ["t"]}
    assert build("datasets", fields).outline() == Outline(splits=())


def damaged(content, place):
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


ROWS = 100_000
LARGE = np.tile(X, (ROWS // 4, 1, 1)), np.tile(T, ROWS // 4)
UNREAD = {
    "csv": (
        {"path": "large", "inputs": ["a", "b"], "targets": ["t"]},
        b"a,b,t\n" + b"1,2,3\n" * ROWS + b"1,2,x\n",
        Outline(splits=()),
    ),
    "npz": (
        {"path": "large"},
        damaged(npz(inputs=LARGE[0], targets=LARGE[1]), 500_000),
        Outline((3, 2), (), ROWS, (), kind="classes"),
    ),
    "npz, compressed": (
        {"path": "large"},
        damaged(npz(np.savez_compressed, inputs=LARGE[0], targets=LARGE[1]), 10_000),
        Outline((3, 2), (), ROWS, (), kind="classes"),
    ),
    "idx": (
        {"images": "large", "labels": "labels"},
        idx(LARGE[0])[:-1],
        Outline((3, 2, 1), (), ROWS, (), kind="classes"),
    ),
    "npz, streamed": (
        {"path": "large", "buffer": 1},
        damaged(npz(inputs=LARGE[0], targets=LARGE[1]), 500_000),
        Outline((3, 2), (), ROWS, (), kind="classes"),
    ),
    "idx, compressed": (
        {"images": "large", "labels": "labels"},
        gzip.compress(idx(LARGE[0]))[:-9],
        Outline((3, 2, 1), (), ROWS, (), kind="classes"),
    ),
}


@pytest.mark.parametrize("case", UNREAD)
def test_an_outline_reads_and_keeps_no_data(case):
    fields, content, outline = UNREAD[case]
    Path("large").write_bytes(content)
    Path("labels").write_bytes(idx(LARGE[1]))
    dataset = build("datasets", {"type": case.partition(",")[0], **fields})
    with pytest.raises(SpecnetError, match="large"):
        load(dataset)
    tracemalloc.start()
    assert dataset.outline() == outline
    assert tracemalloc.get_traced_memory()[1] < 200_000
    tracemalloc.stop()


@pytest.mark.parametrize(("name", "fields"), [(name, CASES[name][0][0]) for name in ("csv", "npz", "npy", "idx")])
def test_a_file_that_is_gone_is_named_with_the_reason(name, fields):
    path = Path(next(iter(fields.values())))
    path.unlink()
    with pytest.raises(SpecnetError, match=f"{path.name}: there is no such file"):
        build("datasets", {"type": name, **fields}).outline()
