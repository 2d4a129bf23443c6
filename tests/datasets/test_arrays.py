import io
import pickle
import random
import zipfile

import numpy as np
import pytest

from specnet import SpecnetError, build

RNG = np.random.default_rng(0)
X = np.arange(12.0).reshape(3, 2, 2)
T = np.array([0, 2, 1])


def archive(**arrays):
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def single(array):
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def members(**contents):
    """Return a zip archive whose members need not be arrays."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name, content in contents.items():
            file.writestr(name + ".npy", content)
    return buffer.getvalue()


@pytest.fixture
def dataset(tmp_path):
    def write(content, **fields):
        path = tmp_path / "data.npz"
        path.write_bytes(content)
        return build("datasets", {"type": "npz", "path": str(path), **fields})

    return write


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", ">f4", "i1", "u8", "?"])
def test_arrays_come_as_they_are(dataset, dtype):
    data = dataset(archive(inputs=X.astype(dtype), targets=T)).load(RNG)
    np.testing.assert_array_equal(data.train.inputs, X.astype(dtype))
    np.testing.assert_array_equal(data.train.targets, T)
    assert list(data.splits) == ["train"]


def test_arrays_may_have_names_of_their_own(dataset):
    data = dataset(archive(x=X, y=T, test_x=X[:1], test_y=T[:1]), inputs="x", targets="y").load(RNG)
    np.testing.assert_array_equal(data.train.inputs, X)
    np.testing.assert_array_equal(data.test.targets, T[:1])


def test_prefixed_arrays_are_the_splits_that_specnet_data_writes(dataset):
    arrays = {}
    for number, split in enumerate(["train", "validation", "test"], 1):
        arrays |= {f"{split}_inputs": X[:number], f"{split}_targets": T[:number]}
    data = dataset(archive(**arrays)).load(RNG)
    assert {name: len(samples.inputs) for name, samples in data.splits.items()} == {
        "train": 1,
        "validation": 2,
        "test": 3,
    }
    np.testing.assert_array_equal(data.validation.targets, T[:2])


def test_further_files_are_read_with_and_without_targets(dataset, tmp_path):
    data, more = dataset(archive(inputs=X, targets=T)), tmp_path / "more.npz"
    more.write_bytes(archive(inputs=X[:2]))
    samples = data.read(more, targets=False, classes=())
    assert (len(samples.inputs), samples.targets.shape) == (2, (2, 0))
    with pytest.raises(SpecnetError, match=r'more\.npz has no array "targets"'):
        data.read(more, targets=True, classes=())
    more.write_bytes(archive(inputs=X[:2], targets=T[1:]))
    assert data.read(more, targets=True, classes=()).targets.tolist() == [2, 1]


WRONG = {
    "no inputs": (archive(input=X, targets=T), 'no array "inputs"'),
    "no targets": (archive(inputs=X), 'no array "targets"'),
    "no arrays": (archive(), 'no array "inputs"'),
    "no targets of a split": (archive(inputs=X, targets=T, test_inputs=X), 'no array "test_targets"'),
    "unlike numbers of rows": (archive(inputs=X, targets=T[:2]), "inputs has 3 rows, targets has 2"),
    "unlike numbers in a split": (
        archive(train_inputs=X, train_targets=T, validation_inputs=X[:1], validation_targets=T),
        "validation_inputs has 1 rows, validation_targets has 3",
    ),
    "no rows": (archive(inputs=X[:0], targets=T[:0]), 'the array "inputs" has no rows'),
    "no columns": (archive(inputs=X[:, :0], targets=T), r"shape \(3, 0, 2\)"),
    "scalar": (archive(inputs=np.float64(1), targets=T), r"shape \(\)"),
    "text": (archive(inputs=X, targets=np.array([["a"], ["b"], ["c"]])), "dtype <U1"),
    "complex": (archive(inputs=X + 1j, targets=T), "dtype complex128"),
    "dates": (archive(inputs=np.array([1, 2, 3], "M8[D]"), targets=T), "dtype datetime64"),
    "durations": (archive(inputs=np.array([1, 2, 3], "m8[s]"), targets=T), "dtype timedelta64"),
    "records": (archive(inputs=np.zeros(3, [("a", "f4")]), targets=T), "dtype"),
    "objects": (archive(inputs=np.array([{}, 1, 2], object), targets=T), "Object arrays cannot be loaded"),
    "members that are no arrays": (members(inputs=b"hello", targets=single(T)), "dtype"),
    "single array": (single(X), "not an .npz file, or its end is missing"),
    "pickle": (pickle.dumps({"inputs": X}), "not an .npz file"),
    "text file": (b"inputs,targets\n1,2\n", "not an .npz file"),
    "empty file": (b"", "not an .npz file"),
    "truncated": (archive(inputs=X, targets=T)[:-30], "not an .npz file, or its end is missing"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_with_a_file_is_told(dataset, case):
    content, reason = WRONG[case]
    bad = dataset(content)
    with pytest.raises(SpecnetError, match=reason) as raised:
        bad.load(RNG)
    assert bad.path in raised.value.message
    with pytest.raises(SpecnetError) as outlined:
        bad.outline()
    assert outlined.value.diagnostics == raised.value.diagnostics


def test_the_nearest_array_is_proposed(dataset):
    with pytest.raises(SpecnetError) as raised:
        dataset(archive(input=X, targets=T)).load(RNG)
    assert (raised.value.pointer, raised.value.help) == (("inputs",), 'did you mean "input"?')


class Bomb:
    """Fails a test that unpickles it."""

    def __reduce__(self):
        return pytest.fail, ("a data file was unpickled",)


@pytest.mark.parametrize("name", ["inputs", "extra"])
def test_nothing_is_unpickled(dataset, name):
    buffer = io.BytesIO()
    np.savez(buffer, **{"inputs": X, "targets": T, name: np.array([Bomb()], object)})
    with pytest.raises(SpecnetError, match="Object arrays"):
        dataset(buffer.getvalue()).load(RNG)


@pytest.mark.parametrize(("name", "reason"), [("", "directory"), ("no.npz", "no such file")])
def test_a_file_that_cannot_be_opened_is_named_with_the_reason(tmp_path, name, reason):
    path = tmp_path / name
    with pytest.raises(SpecnetError, match=reason) as raised:
        build("datasets", {"type": "npz", "path": str(path)}).load(RNG)
    assert str(path) in raised.value.message


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_damaged_files_load_or_are_refused_by_name(dataset, save):
    buffer = io.BytesIO()
    save(buffer, inputs=X, targets=T)
    for seed in range(400):
        generator = random.Random(seed)
        bad = bytearray(buffer.getvalue())
        for _ in range(generator.choice([1, 3])):
            bad[generator.randrange(len(bad))] ^= 1 << generator.randrange(8)
        damaged = dataset(bytes(bad[: generator.choice([len(bad), generator.randrange(len(bad))])]))
        try:
            assert len(damaged.load(RNG).train.inputs)
        except SpecnetError as error:
            assert damaged.path in error.message


def test_who_gives_a_csv_file_is_told_its_type(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("a,t\n1,2\n")
    with pytest.raises(SpecnetError, match=r"not an \.npz file") as raised:
        build("datasets", {"type": "npz", "path": str(path)}).load(RNG)
    assert raised.value.help == 'a CSV file takes "type": "csv"'


WRONG_FILES = {
    "unlike numbers of rows": ({"x": X, "t": T[:2]}, r"x has 3 rows, .*t has 2", ()),
    "no rows": ({"x": X[:0], "t": T[:0]}, "x: the array has no rows", ("inputs",)),
    "scalar": ({"x": X, "t": np.float64(1)}, r"t: the array has dtype float64 and shape \(\)", ("targets",)),
    "text": ({"x": X, "t": np.array([["a"], ["b"], ["c"]])}, "t: the array has dtype <U1", ("targets",)),
    "text in a split": ({"x": X, "t": T, "u": np.array(["a"] * 3)}, "u: the array has dtype <U1", ("test", "targets")),
    "objects": ({"x": np.array([{}, 1, 2], object), "t": T}, r"x is not an \.npy file .*: Object arrays", ()),
}


@pytest.mark.parametrize("buffer", [1e-5, 1])
@pytest.mark.parametrize("case", WRONG_FILES)
def test_what_is_wrong_with_npy_files_is_told(tmp_path, case, buffer):
    arrays, reason, pointer = WRONG_FILES[case]
    paths = {name: str(tmp_path / name) for name in arrays}
    for name, array in arrays.items():
        (tmp_path / name).write_bytes(single(array))
    test = {"inputs": paths["x"], "targets": paths["u"]} if "u" in paths else None
    bad = build(
        "datasets", {"type": "npy", "inputs": paths["x"], "targets": paths["t"], "test": test, "buffer": buffer}
    )
    with pytest.raises(SpecnetError, match=reason) as raised:
        bad.load(RNG)
    assert raised.value.pointer == pointer
    with pytest.raises(SpecnetError) as outlined:
        bad.outline()
    assert outlined.value.diagnostics == raised.value.diagnostics


@pytest.mark.parametrize("kind", ["npz", "npy"])
def test_a_split_is_streamed_from_the_byte_on_that_the_buffer_does_not_hold(tmp_path, kind):
    (tmp_path / "x.npy").write_bytes(single(X.astype("i1")))
    (tmp_path / "t.npy").write_bytes(single(T))
    np.savez(tmp_path / "data.npz", inputs=X.astype("i1"), targets=T)
    fields = {"inputs": str(tmp_path / "x.npy"), "targets": str(tmp_path / "t.npy")}
    fields = fields if kind == "npy" else {"path": str(tmp_path / "data.npz")}
    for buffer, streamed in ((120e-6, False), (119e-6, True)):  # three rows of five numbers of eight bytes
        assert build("datasets", {"type": kind, "buffer": buffer, **fields}).load(RNG).streamed == streamed


@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays_that_cannot_be_streamed_are_loaded(dataset, order):
    save = {"C": np.savez_compressed, "F": np.savez}[order]
    buffer = io.BytesIO()
    save(buffer, inputs=np.asarray(X, order=order), targets=T)
    data = dataset(buffer.getvalue(), buffer=1e-6).load(RNG)
    assert not data.streamed
    np.testing.assert_array_equal(data.train.inputs, X)


@pytest.mark.parametrize("kind", ["npz", "npy"])
def test_targets_of_text_are_classes(kind, tmp_path):
    x, t = np.arange(6.0).reshape(3, 2), np.array(["oak", "elm", "oak"])
    if kind == "npz":
        np.savez(tmp_path / "all.npz", inputs=x, targets=t, test_inputs=x[:1], test_targets=t[1:2])
        description = {"path": str(tmp_path / "all.npz")}
    else:
        for name, array in {"x": x, "t": t, "u": x[:1], "v": t[1:2]}.items():
            np.save(tmp_path / f"{name}.npy", array)
        files = {"inputs": str(tmp_path / "u.npy"), "targets": str(tmp_path / "v.npy")}
        description = {"inputs": str(tmp_path / "x.npy"), "targets": str(tmp_path / "t.npy"), "test": files}
    dataset = build("datasets", {"type": kind, **description})
    assert (dataset.outline().targets, dataset.outline().kind) == ((), "classes")
    data = dataset.load(np.random.default_rng(0))
    assert data.classes == ("elm", "oak")
    assert (data.train.targets.tolist(), data.test.targets.tolist()) == ([1, 0, 1], [0])
    assert data.about_targets.count == 2


def test_text_that_is_no_class_of_training_is_named_with_its_row(tmp_path):
    x, t = np.zeros((2, 1)), np.array(["oak", "elm"])
    np.savez(tmp_path / "more.npz", inputs=x, targets=np.array(["oak", "fir"]))
    np.savez(tmp_path / "all.npz", inputs=x, targets=t)
    dataset = build("datasets", {"type": "npz", "path": str(tmp_path / "all.npz")})
    samples = dataset.read(tmp_path / "all.npz", targets=True, classes=("elm", "oak"))
    assert samples.targets.tolist() == [1, 0]
    with pytest.raises(SpecnetError, match='the target "fir" in row 1 is not one of the classes'):
        dataset.read(tmp_path / "more.npz", targets=True, classes=("elm", "oak"))


def test_inputs_of_text_are_refused(tmp_path):
    np.savez(tmp_path / "all.npz", inputs=np.array(["a", "b"]), targets=np.zeros(2))
    with pytest.raises(SpecnetError, match='the array "inputs" has dtype'):
        build("datasets", {"type": "npz", "path": str(tmp_path / "all.npz")}).outline()
