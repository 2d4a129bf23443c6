"""Text becomes sequences of whole numbers."""

import gzip
import json

import numpy as np
import pytest
from click.testing import CliRunner

import specnet
from specnet import SpecnetError, build, load_spec
from specnet.cli import cli
from specnet.recording.text import show_tokens, write
from specnet.runs.experiment import Experiment

TEXT = "In the beginning\nwas the word, the word.\n"


@pytest.fixture
def text(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text(TEXT)
    return path


def load(path, **fields):
    return build("datasets", {"type": "text", "path": str(path), **fields}).load(np.random.default_rng(0))


def test_targets_are_the_tokens_that_follow(text):
    words = ["In", "the", "beginning", "\n", "was", "the", "word", ",", "the", "word", ".", "\n"]
    for unit, tokens in {"character": list(TEXT), "word": words, "byte": list(TEXT.encode())}.items():
        data = load(text, unit=unit, sequence_length=4, stride=3)
        shown = {" ": "<space>", "\n": "<newline>"}
        names = [shown.get(token, token) for token in tokens]
        starts = range(0, len(tokens) - 4, 3)
        found = lambda numbers: [[data.classes[k] if unit != "byte" else k for k in row] for row in numbers.tolist()]  # noqa: E731, B023
        assert found(data.train.inputs) == [names[s : s + 4] for s in starts]
        assert found(data.train.targets) == [names[s + 1 : s + 5] for s in starts]
        assert data.vocabulary == len(data.classes) == (256 if unit == "byte" else len({*tokens}) + 1)


def test_rare_tokens_are_unknown(text):
    data = load(text, unit="word", sequence_length=11, vocabulary_size=4)
    assert data.classes == ("<unknown>", "the", "<newline>", "word")
    assert data.train.inputs.tolist() == [[0, 1, 0, 2, 0, 1, 3, 0, 1, 3, 0]]


@pytest.mark.parametrize(
    ("content", "fields", "message"),
    [
        (b"abc", {"sequence_length": 3}, "has 3 characters, and a sequence with its targets takes 4"),
        (b"", {}, "is empty"),
        (b"Gr\xfc\xdfe", {}, "the byte 0xfc is not UTF-8, after b'Gr'"),
        (b"\x1f\x8bxxxx", {}, "text.txt"),
        (b"PAR1....", {}, "is a Parquet file"),
    ],
)
def test_a_file_that_is_no_text_is_refused(content, fields, message, tmp_path):
    (tmp_path / "text.txt").write_bytes(content)
    with pytest.raises(SpecnetError, match=r"text\.txt") as caught:
        load(tmp_path / "text.txt", **fields)
    assert message in str(caught.value)


def test_a_run_keeps_its_vocabulary_and_predicts_new_text(tmp_path):
    (tmp_path / "text.gz").write_bytes(gzip.compress(TEXT.encode() * 4))
    layers = [{"type": "embedding", "output_dim": 3}, {"type": "gru", "units": 4, "return_sequences": True}, "linear"]
    spec = {
        "dataset": {"type": "text", "path": str(tmp_path / "text.gz"), "sequence_length": 8},
        "split": {"validation": 0.2, "by": "order"},
        "layers": layers,
        "loss": "cross_entropy",
        "metrics": ["bits_per_character"],
        "training": {"epochs": 2, "batch_size": 5},
        "record": {"tokens": 12},
        "plots": ["written_text"],
    }
    run = specnet.run(load_spec(spec), out=tmp_path / "run", report=False)
    assert [path.stem for path in run.plots] == ["written_text"]
    count = len({*TEXT}) + 1
    saved = json.loads((tmp_path / "run" / "spec.json").read_text())
    assert len(saved["dataset"]["vocabulary"]) == count - 1
    assert (saved["layers"][0]["input_dim"], saved["layers"][2]["units"]) == (count, count)
    assert run.evaluate("validation")["bits_per_character"] == pytest.approx(np.log2(count), abs=0.7)
    (tmp_path / "text.gz").write_bytes(gzip.compress(b"other text"))  # what was learned does not change
    (tmp_path / "new.txt").write_text("the wørd in the end")
    result = CliRunner().invoke(
        cli, ["predict", str(tmp_path / "run"), str(tmp_path / "new.txt"), "-o", str(tmp_path / "p.npy")]
    )
    assert result.exit_code == 0, result.output
    predicted = np.load(tmp_path / "p.npy")
    assert predicted.shape == (3, 8, count)
    numbers = {token: number for number, token in enumerate(saved["dataset"]["vocabulary"], start=1)}
    inputs = np.zeros(24, np.int64)
    inputs[:19] = [numbers.get(token, 0) for token in "the wørd in the end"]
    np.testing.assert_array_equal(predicted, run.predict(inputs.reshape(3, 8)))
    assert (
        CliRunner().invoke(cli, ["evaluate", str(tmp_path / "run"), "--data", str(tmp_path / "new.txt")]).exit_code == 0
    )


def test_an_embedding_takes_the_vocabulary_of_the_data_only_where_there_is_one():
    layers = [{"type": "residual", "layers": ["identity"]}, "flatten", {"type": "linear", "units": 3}]
    embedding = {"type": "embedding", "output_dim": 2}
    spec = {"dataset": {"type": "modular_arithmetic", "modulus": 3}, "loss": "cross_entropy"}
    assert load_spec({**spec, "layers": [embedding, *layers]}).layers[0].input_dim == 3
    for change, message in (
        ({"dataset": "parity"}, "the dataset has no vocabulary"),
        ({"transforms": {"inputs": [{"type": "scale", "factor": 1}]}}, "transforms replace the dataset's vocabulary"),
    ):
        with pytest.raises(SpecnetError, match=message) as caught:
            load_spec({**spec, "layers": [embedding, *layers], **change})
        assert [found.pointer for found in caught.value.diagnostics][:1] == [("layers", 0)]
    with pytest.raises(SpecnetError) as caught:
        load_spec({**spec, "layers": [embedding, *layers], "dataset": {"type": "text", "path": "no.txt"}})
    assert [found.code for found in caught.value.diagnostics] == ["missing-file"]


def test_a_network_that_knows_what_follows_writes_it():
    class Certain:
        """Predicts the letter after the last one."""

        def outputs(self, x):
            return np.eye(4)[(x + 1) % 4], None

        def interpret(self, y):
            return y

    classes = ("a", "b", "<space>", "c")
    data = specnet.Data(specnet.Samples(np.array([[0, 1, 2]]), np.array([[1, 2, 3]])), classes=classes, vocabulary=4)
    assert show_tokens(write(Certain(), data, 6), classes) == "cab ca"
    assert show_tokens(np.array([0, 2]), ("<unknown>", "in", "the")) == "\ufffd the"


def test_text_is_recorded_of_networks_of_text_alone():
    spec = {"dataset": "moons", "layers": [{"type": "linear", "units": 1}], "loss": "bce_with_logits"}
    with pytest.raises(SpecnetError, match="this network does not write text") as caught:
        Experiment(load_spec({**spec, "record": {"tokens": 5}}))
    assert caught.value.pointer == ("record", "tokens")
    with pytest.raises(SpecnetError, match="no text is recorded"):
        Experiment(load_spec({**spec, "plots": ["written_text"]}))
