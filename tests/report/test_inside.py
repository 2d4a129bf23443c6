"""What the page shows of the inside of a network follows the replay, from checkpoint to checkpoint."""

import numpy as np
import pytest

import specnet
from specnet.component import build
from specnet.plots.sample_panels import panel_of
from specnet.recording.scenes import recorded_scene
from specnet.recording.text import show_tokens
from specnet.report.inside import look_inside

RNG = np.random.default_rng(0)
IMAGES = RNG.normal(size=(12, 8, 8, 1))
CONV = {"type": "conv2d", "filters": 3, "kernel_size": 3}
SPECS = {
    "classes": {"layers": [CONV, "relu", "flatten", "linear"], "loss": "cross_entropy"},
    "restored": {
        "layers": [CONV, "flatten", {"type": "linear", "units": 64}, {"type": "reshape", "target_shape": [8, 8, 1]}],
        "loss": "mse",
    },
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Return a run that classifies images, one that restores them, and one that writes text."""
    folder, found = tmp_path_factory.mktemp("runs"), {}
    common = {"training": {"epochs": 3}, "record": {}, "checkpoint": {"every": 1}, "plots": []}
    for name, spec in SPECS.items():
        targets = np.resize([0, 1], 12) if name == "classes" else IMAGES
        np.savez(folder / f"{name}.npz", inputs=IMAGES, targets=targets)
        dataset = {"type": "npz", "path": str(folder / f"{name}.npz")}
        found[name] = specnet.run({"dataset": dataset, **spec, **common}, folder / name)
    (folder / "text.txt").write_text("abcabcabcabcabcabcabcabcabcabc")
    layers = [{"type": "embedding", "output_dim": 3}, {"type": "gru", "units": 4, "return_sequences": True}, "linear"]
    spec = {"dataset": {"type": "text", "path": str(folder / "text.txt"), "sequence_length": 5}, "layers": layers}
    spec |= {"loss": "cross_entropy", **common, "record": {"tokens": 12}}
    found["text"] = specnet.run(spec, folder / "text")
    return found


def test_every_checkpoint_has_its_own_pictures_in_one_scale_of_places(runs):
    run = runs["classes"]
    inside, still = look_inside(run, replayed=True), look_inside(run, replayed=False)
    assert inside.epochs == [0, 1, 2, 3]
    titles = ["filters, layers.0.weight", "a sample", "feature maps, layers.1"]
    assert [[album.title for album in albums] for albums in inside.albums] == [titles] * 4
    assert inside.albums[0][0].images != inside.albums[3][0].images
    assert inside.albums[0][1].images == inside.albums[3][1].images
    assert np.shape(inside.scatter.places) == (4, 12, 2) and 20 <= np.min(inside.scatter.places) <= 20.1
    assert still.epochs == [run.best["epoch"]]
    assert still.albums == [inside.albums[inside.epochs.index(run.best["epoch"])]]


def test_a_run_at_another_checkpoint_does_not_change_the_run(runs):
    run = runs["classes"]
    before = run.evaluate("train")
    diagnosis = run.diagnosis
    moments = dict(run.moments())
    assert moments[0].evaluate("train") != before == run.evaluate("train")
    assert moments[0].data is run.data
    assert moments[0].diagnosis is not diagnosis


def test_pictures_and_points_follow_the_replay(runs, browser):
    run = runs["classes"]
    expected = look_inside(run, replayed=True)
    browser.open(run.directory / "report.html")
    for place, epoch in enumerate(expected.epochs):
        browser.go(epoch)
        assert browser.text("[data-checkpoint]") == str(epoch)
        shown = browser.each("[data-album] img", "each.src")
        assert shown == [image for album in expected.albums[place] for image in album.images]
        x, y = expected.scatter.places[place][5]
        transform = browser.each("[data-point]", "each.getAttribute('transform')")[5]
        assert [float(each) for each in transform[10:-1].split()] == [x, y]


def test_written_text_follows_the_replay(runs, browser):
    run = runs["text"]
    browser.open(run.directory / "report.html")
    for frame, epoch in enumerate(run.record["epochs"].tolist()):
        browser.go(epoch)
        written = browser.one("[data-written]", "each.textContent")
        assert written == show_tokens(run.record["tokens"][frame], run.data.classes)


def test_the_points_of_an_embedding_have_the_names_of_their_tokens(runs, browser):
    run = runs["text"]
    tokens = [*run.data.classes]
    assert tokens == ["<unknown>", "a", "b", "c"]
    axes = build("plots", "embedding").draw(run).axes[0]
    assert [text.get_text() for text in axes.texts] == tokens
    np.testing.assert_allclose([text.xy for text in axes.texts], axes.collections[0].get_offsets())
    browser.open(run.directory / "report.html")
    assert browser.texts("[data-point] title") == browser.texts("[data-point] text") == tokens


def test_the_classes_of_points_are_in_a_legend(runs, browser):
    browser.open(runs["classes"].directory / "report.html")
    assert browser.texts("h3 + .legend span") == ["0", "1"]
    assert browser.texts("[data-point] text") == []
    assert browser.texts("[data-point] title") == ["0", "1"] * 6


def test_images_that_are_predicted_are_shown_below_the_true_ones(runs, browser):
    run = runs["restored"]
    scene = recorded_scene(run)
    assert (scene.kind, scene.notes) == ("restored", [])
    np.testing.assert_allclose(scene.predictions[-1], run.predict(IMAGES), rtol=1e-5, atol=1e-6)
    browser.open(run.directory / "report.html")
    pixels = browser.each(
        ".stage canvas", "[...each.getContext('2d').getImageData(0, 0, 8, 8).data].filter((_, i) => i % 4 === 0)"
    )
    low, high = IMAGES.min(), IMAGES.max()
    expected = (np.clip(run.predict(IMAGES), low, high) - low) / (high - low) * 255
    np.testing.assert_allclose(pixels, expected.reshape(12, 64), atol=0.6)
    assert panel_of(scene).most == 8 and run.plot("replay").stat().st_size > 5000
