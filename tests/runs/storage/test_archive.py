"""Every damage of a checkpoint is detected, and what is crafted inside is refused even if the digest matches."""

import hashlib
import io
import json
import os
import random
import re
import tracemalloc
import warnings
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

import numpy as np
import pytest
from helpers import seal

import specnet
from specnet.errors import RunError
from specnet.runs.storage.archive import _Checked, open_archive, stage_archive
from specnet.runs.storage.state import read_checkpoint

SPEC = {
    "name": "r",
    "dataset": {"type": "spiral", "n_samples": 12},
    "layers": [{"type": "linear", "units": 1, "use_bias": False, "weight_init": "zeros"}],
    "loss": "bce_with_logits",
    "optimizer": "adam",
    "metrics": ["accuracy"],
    "training": {"epochs": 1, "batch_size": 6},
    "checkpoint": {"every_steps": 1},
    "plots": [],
}
FEW = 4 * 2**20
"""Bytes that refusing a small file may take, far less than what it announces."""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run whose checkpoint of step 1 is within an epoch, and so has every member there is."""
    return specnet.run(specnet.load_spec(SPEC), out=tmp_path_factory.mktemp("archive") / "run")


@pytest.fixture(scope="module")
def content(run):
    return (run.directory / "checkpoints" / "step-00000001.npz").read_bytes()


@pytest.fixture
def read(run, tmp_path):
    """Read a checkpoint of step 1 that has this content."""

    def call(content):
        path = tmp_path / "step-00000001.npz"
        path.write_bytes(content)
        return read_checkpoint(path, run.spec, run.manifest["identities"])

    return call


def members(content):
    """The members of a file, `.npy` files themselves, by name."""
    with ZipFile(io.BytesIO(content)) as archive:
        return {name.removesuffix(".npy"): archive.read(name) for name in archive.namelist()}


def pack(members, compression=ZIP_STORED):
    """A file of members, given by name or as pairs, with a digest that matches."""
    file = io.BytesIO()
    with ZipFile(file, "w", compression) as archive, warnings.catch_warnings(action="ignore"):  # of duplicate names
        for name, member in members.items() if isinstance(members, dict) else members:
            archive.writestr(f"{name}.npy", member)
    return seal(file.getvalue())


def npy(array, version=None):
    file = io.BytesIO()
    np.lib.format.write_array(file, np.asanyarray(array), version)
    return file.getvalue()


def announce(shape, descr="<f4", data=b"\0" * 8):
    """A member whose header says what need not be so."""
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": descr, "fortran_order": False, "shape": shape})
    return file.getvalue() + data


def text(value):
    return npy(value if isinstance(value, str) else json.dumps(value))


def value(member):
    return np.lib.format.read_array(io.BytesIO(member))


def replace(name, change):
    """A file in which one member is what `change` makes of its array."""

    def craft(content):
        found = members(content)
        return pack(found | {name: change(value(found[name]))})

    return craft


def progress(**changes):
    """A file with other values in its progress."""
    return replace("progress", lambda array: text(json.loads(str(array)) | changes))


def part(callback, **changes):
    """A file with other values in what a callback has stored."""

    def change(array):
        progress = json.loads(str(array))
        progress["parts"][f"callbacks.{callback}"]["values"] |= changes
        return text(progress)

    return replace("progress", change)


def generator(**changes):
    """A file with other values in the state of a generator."""

    def change(array):
        progress = json.loads(str(array))
        progress["generators"]["shuffle"] |= changes
        return text(progress)

    return replace("progress", change)


def lie(name, shape, **changes):
    """A file whose directory says that a member is as large as its header does."""

    def craft(content):
        found = members(progress(**changes)(content))
        found[name] = announce(shape, data=b"")
        crafted = bytearray(pack(found))
        size = (len(found[name]) + 4 * shape[0]).to_bytes(4, "little")
        entry = crafted.rindex(f"{name}.npy".encode()) - 46
        crafted[entry + 20 : entry + 28] = size * 2  # packed and unpacked
        return seal(bytes(crafted))

    return craft


def swap(one, other):
    def craft(content):
        found = members(content)
        return pack(found | {one: found[other], other: found[one]})

    return craft


def rename(old, new):
    return lambda content: pack({new if name == old else name: member for name, member in members(content).items()})


def zeroed(part):
    """A file with a block of zeros in the part that begins with a mark."""

    def craft(content):
        start = content.index(part)
        return seal(content[:start] + bytes(16) + content[start + 16 :])

    return craft


TASK = [{"kind": "regression", "columns": None, "classes": [], "names": []}]
DATA = {"input_shape": [2], "classes": [], "input_names": [], "features": [], "target_names": [], "task": TASK}
DEEP = "[" * 100_000
ENTRY, HEAD = b"PK\1\2", b"PK\3\4"
CRAFTED = {
    "truncated": (lambda content: content[:-10], "its end is incomplete or has changed"),
    "empty": (lambda content: b"", "its end is incomplete or has changed"),
    "tiny": (lambda content: b"PK", "its end is incomplete or has changed"),
    "without a comment": (lambda content: content[:-66] + bytes(2), "its end is incomplete or has changed"),
    "no members": (lambda content: pack({}), "layout"),
    "a zeroed member's head": (zeroed(HEAD), "damaged"),
    "a zeroed array's head": (zeroed(b"\x93NUMPY"), "CRC"),
    "a zeroed directory": (zeroed(ENTRY), "damaged"),
    "a zeroed end": (lambda content: content[:-86] + bytes(16) + content[-70:], "its end is incomplete or has changed"),
    "zeroed text": (zeroed("layers.0".encode("utf-32-le")), "CRC"),
    "appended bytes": (lambda content: content + bytes(5), "its end is incomplete or has changed"),
    "bytes put before": (lambda content: bytes(5) + content, "SHA-256 does not match"),
    "two in one": (lambda content: content * 2, "SHA-256 does not match"),
    "bytes put before, with a new digest": (lambda content: seal(bytes(5) + content), "before the archive"),
    "two in one, with a new digest": (lambda content: seal(content * 2), "before the archive"),
    "another identity": (progress(identity="0" * 64), "another run"),
    "no identity": (progress(identity=None), r"progress\.identity"),
    "two members swapped": (swap("params", "slots"), "not those"),
    "two texts swapped": (swap("layout", "progress"), "damaged"),
    "a member twice": (lambda content: pack([*members(content).items(), ("params", npy([1.0]))]), "does not belong"),
    "a member missing": (lambda content: pack(dict(list(members(content).items())[1:])), "not those"),
    "a text missing": (rename("spec", "params.spec"), "spec"),
    "a member too many": (lambda content: pack(members(content) | {"more": npy([1.0])}), "not those"),
    "a path upwards": (rename("params", "../params"), "not those"),
    "an absolute path": (rename("params", "/params"), "not those"),
    "another ending": (lambda content: seal(content.replace(b"params.npy", b"params.txt")), r"params\.txt does not"),
    "a compressed member": (lambda content: pack(members(content), ZIP_DEFLATED), "no place|larger than"),
    "a bomb": (replace("params", lambda array: announce((10**12,))), "is not an array"),
    "a bomb of no elements": (replace("params", lambda array: announce((0, 10**12), data=b"")), "not those"),
    "a negative shape": (replace("params", lambda array: announce((-1, -2))), "not those"),
    "a bomb of empty texts": (replace("layout", lambda array: announce((10**12,), "<U0", b"")), "should be text"),
    "a bomb of parameters, which the input shape wants": (
        lie("params", (10**9,), data=DATA | {"input_shape": [10**9]}),
        "larger than the file",
    ),
    "a huge input shape": (progress(data=DATA | {"input_shape": [10**12]}), "not those"),
    "float64 in a float32 run": (replace("params", lambda array: npy(array.astype("f8"))), "not those"),
    "big-endian numbers": (replace("params", lambda array: npy(array.astype(">f4"))), "not those"),
    "records": (replace("params", lambda array: npy(array.view([("a", "<f4")]))), "not those"),
    "Fortran order": (replace("slots", lambda array: npy(np.asfortranarray(array))), "is not an array"),
    "a matrix of parameters": (replace("params", lambda array: npy(array[None])), "not those"),
    "fewer parameters": (replace("params", lambda array: npy(array[:-1])), "not those"),
    "a header of version 2": (replace("params", lambda array: npy(array, (2, 0))), "another version"),
    "a header of version 3": (replace("params", lambda array: npy(array, (3, 0))), "another version"),
    "what NumPy warns of": (replace("params", lambda array: announce((2,)).replace(b"(2,), ", b"(2L,),")), "damaged"),
    "another layout": (replace("layout", lambda array: text(str(array).replace("weight", "bias"))), "not those"),
    "another spec": (replace("spec", lambda array: text(str(array).replace("adam", "sgd"))), "different spec"),
    **{
        f"{name} {what}": (replace(name, lambda array, member=member: member), reason)
        for name in ("layout", "spec", "origin", "progress")
        for what, member, reason in [
            ("no JSON", text("{"), "damaged"),
            ("too deep", text(DEEP), "recursion"),
            ("a number", npy(5), "should be text"),
            ("in bytes", npy(b"{}"), "should be text"),
            ("a list of texts", npy(["{}"]), "should be text"),
            ("of another type", text(5), "damaged|different spec"),
        ]
    },
    **{
        f"progress of {changes}": (progress(**changes), rf"progress\.{next(iter(changes))}")
        for changes in [
            {"epoch": "0"}, {"epoch": -1}, {"epoch": 0.0}, {"epoch": True}, {"step": "1"}, {"position": -3},
            {"loss": [float("nan"), 1.0]}, {"loss": [1e999, 1.0]}, {"loss": "1"}, {"loss": [1.0]}, {"finished": 5},
            {"parts": []}, {"parts": {"callbacks.best": 1}}, {"parts": {"callbacks.best": {"values": {}}}},
            {"generators": []}, {"generators": {"shuffle": {}}},
            {"data": 5}, {"data": {"input_shape": [2]}},
            {"data": DATA | {"classes": 5}}, {"data": DATA | {"input_shape": [-2]}},
            {"data": DATA | {"input_shape": "2"}}, {"position": 2.5}, {"more": 1},
        ]
    },
    **{
        f"{name} of {values}": (part(name, **values), rf"progress\.{next(iter(values))}")
        for name, values in [
            ("checkpoints", {"step": -1}), ("checkpoints", {"step": "../../x"}), ("best", {"best": "1"}),
            ("best", {"waited": -1}), ("best", {"best": float("nan")}), ("history", {"length": "0"}),
            ("history", {"length": -1}), ("history", {"sha256": 5}),
        ]
    },
    "progress of another step": (progress(step=2), "another step"),
    "progress of more epochs than the history has": (progress(epoch=1), "numbers of epochs"),
    "another kind of generator": (generator(bit_generator="MT19937"), r"generators\.shuffle\.bit_generator"),
    "a generator's number too large": (generator(uinteger=2**32), r"generators\.shuffle\.uinteger"),
    "a generator's state too large": (generator(state={"state": 2**128, "inc": 1}), r"shuffle\.state\.state"),
    "a generator's negative state": (generator(state={"state": 1, "inc": -1}), r"shuffle\.state\.inc"),
}  # fmt: skip


@pytest.mark.parametrize("step", [pytest.param(1, id="all", marks=pytest.mark.long), pytest.param(7, id="some")])
def test_every_flip_of_a_bit_is_detected(step, run, content, tmp_path):
    path = tmp_path / "step-00000001.npz"
    path.write_bytes(content)
    identities = run.manifest["identities"]
    read_checkpoint(path, run.spec, identities)
    with path.open("r+b", buffering=0) as file:
        for number in range(0, 8 * len(content), step):
            place, bit = divmod(number, 8)
            os.pwrite(file.fileno(), bytes([content[place] ^ 1 << bit]), place)
            with pytest.raises(RunError):
                read_checkpoint(path, run.spec, identities)
            os.pwrite(file.fileno(), content[place : place + 1], place)
    read_checkpoint(path, run.spec, identities)


def test_a_file_packed_anew_from_the_same_members_is_believed(read, content):
    """So the crafted ones are refused for what is crafted."""
    before, after = read(content), read(progress()(content))
    assert after.progress == before.progress
    assert after.arrays.keys() == before.arrays.keys()
    for name, array in before.arrays.items():
        np.testing.assert_array_equal(after.arrays[name], array, strict=True)


@pytest.mark.parametrize("case", CRAFTED)
def test_what_is_crafted_is_refused_by_name_before_an_array_is_allocated(case, read, content, tmp_path):
    craft, reason = CRAFTED[case]
    crafted = craft(content)
    assert crafted != content
    tracemalloc.start()
    try:
        with warnings.catch_warnings(record=True, action="always") as warned, pytest.raises(RunError) as caught:
            read(crafted)
        assert tracemalloc.get_traced_memory()[1] < FEW
    finally:
        tracemalloc.stop()
    assert caught.value.exit_code == 3
    assert not warned
    assert caught.value.message.startswith(f"{tmp_path}/step-00000001.npz ")
    assert re.search(reason, caught.value.message)


class Payload:
    """Makes a folder when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("name", ["params", "progress"])
def test_no_object_is_unpickled(name, read, content, tmp_path):
    made = tmp_path / "made"
    payload = npy(np.array([Payload(made)], dtype=object))
    with pytest.raises(RunError, match=f"{name}.npy is not an array"):
        read(pack(members(content) | {name: payload}))
    assert not made.exists()
    np.lib.format.read_array(io.BytesIO(payload), allow_pickle=True)
    assert made.exists()


def mutants(content, other):
    """A thousand files, each with a few random damages, or spliced with another checkpoint."""
    rng = random.Random(4)
    for _ in range(1000):
        mutant = bytearray(content)
        for _ in range(rng.randint(1, 3)):
            place, length = rng.randrange(len(mutant)), rng.randint(1, 64)
            part = mutant[place : place + length]
            mutant[place : place + length] = rng.choice(
                [
                    bytes(len(part)),
                    rng.randbytes(len(part)),
                    part * 2,
                    b"",
                    part[::-1],
                    other[place : place + len(part)],
                ]
            )
        yield bytes(mutant)
        yield content[:place] + other[place:]


def test_a_thousand_mutants_are_refused(run, read, content):
    other = (run.directory / "checkpoints" / "step-00000002.npz").read_bytes()
    for mutant in mutants(content, other):
        if mutant != content:
            with warnings.catch_warnings(action="error"), pytest.raises(RunError):
                read(mutant)


def test_mutants_with_the_right_checksums_are_refused_or_are_states_of_the_run(read, content):
    rng, found = random.Random(5), members(content)
    for _ in range(300):
        name = rng.choice(list(found))
        member = bytearray(found[name])
        place = 4 * rng.randrange(32, len(member) // 4) if len(member) > 256 else rng.randrange(len(member))
        member[place] = rng.choice(b'-0123456789.eE"\\[]{},:NaI \x00\xff')
        with warnings.catch_warnings(record=True, action="always") as warned:
            try:
                state = read(pack(found | {name: bytes(member)}))
            except RunError:
                continue
            finally:
                assert not warned
        assert (state.arrays["params"].shape, state.arrays["slots"].shape) == ((2,), (2, 2))
        assert state.progress["step"] == 1


def test_writing_is_refused_where_what_was_written_reads_back_as_something_else(tmp_path, monkeypatch):
    read = _Checked._read_back

    def flipped(self, written):
        read(self, memoryview(bytes([written[0] ^ 1, *written[1:]])))

    monkeypatch.setattr(_Checked, "_read_back", flipped)
    with pytest.raises(OSError, match="does not contain what was written") as caught:
        stage_archive(tmp_path / "step-00000001.npz", {"params": np.zeros(3)})
    assert caught.value.filename == str(tmp_path / "step-00000001.npz")
    assert not list(tmp_path.iterdir())


def test_arrays_of_any_size_and_order_are_those_that_were_written(tmp_path):
    columns = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    arrays = {"params": np.arange(500_000, dtype=np.float64), "state": np.zeros(0), "slots": columns}
    stage_archive(tmp_path / "a.npz", arrays).commit()
    content = (tmp_path / "a.npz").read_bytes()
    assert content[-64:].decode() == hashlib.sha256(content[:-64]).hexdigest()
    assert content == seal(content)
    with open_archive(tmp_path / "a.npz") as archive:
        for name, array in arrays.items():
            np.testing.assert_array_equal(archive.read(name), array)


def test_the_same_arrays_are_the_same_bytes_at_any_time(tmp_path, monkeypatch):
    contents = set()
    for number in range(2):
        monkeypatch.setattr("time.time", lambda number=number: 1e9 * number + 5e8)
        stage_archive(tmp_path / str(number), {"params": np.arange(3)}).commit()
        contents.add((tmp_path / str(number)).read_bytes())
    assert len(contents) == 1


def test_a_checkpoint_that_cannot_be_read_is_named_with_the_reason(tmp_path, monkeypatch):
    def failing(*_):
        raise OSError(5, "Input/output error")

    (tmp_path / "file").write_bytes(b"content")
    monkeypatch.setattr(os, "open", failing)
    with pytest.raises(RunError, match="file cannot be read: Input/output error"), open_archive(tmp_path / "file"):
        pass


def test_an_archive_has_each_of_its_texts_once(tmp_path):
    stage_archive(tmp_path / "a.zip", {"a.json": b"{}"}).commit()
    with open_archive(tmp_path / "a.zip", ["a.json"]) as archive:
        assert archive.read_text("a.json") == b"{}"
    with pytest.raises(RunError, match="it has no b"), open_archive(tmp_path / "a.zip", ["a.json", "b.json"]):
        pass
