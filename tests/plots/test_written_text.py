"""What a network of a text writes, as a picture."""

from types import SimpleNamespace

import numpy as np

from specnet.component import build
from specnet.recording.text import show_tokens


def test_each_epoch_has_its_text_and_nothing_leaves_the_picture(tidy):
    classes = ("<unknown>", "<newline>", "<space>", "$", "_", "w")
    tokens = np.random.default_rng(0).integers(len(classes), size=(9, 300))
    tokens[0] = 5  # a line without a space
    record = {"epochs": np.arange(9), "tokens": tokens, "predictions": [], "train/loss": [], "layers": []}
    run = SimpleNamespace(name="some-run", record=record, data=SimpleNamespace(classes=classes))
    plot = build("plots", "written_text")
    plot.check(run)
    figure = plot.draw(run)
    assert "some-run" in figure.get_suptitle()
    shown = [text.get_text() for text in figure.axes[0].texts]
    assert [text for text in shown if text.startswith("epoch")] == [f"epoch {n}" for n in (0, 1, 2, 3, 5, 8)]
    assert "".join(shown).count("$") == sum(show_tokens(tokens[n], classes).count("$") for n in (0, 1, 2, 3, 5, 8))
    tidy(figure)
