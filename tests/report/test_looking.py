"""The page's section on what the network looks at: computed where it takes a moment, else how to ask for it."""

import re

import numpy as np
import pytest

import specnet
from specnet.errors import PlotError
from specnet.report.looking import BAR_WIDTH, COLUMNS, HIGH, SHOWN_IMAGES, SINGLE_CURVES, WIDE, Look, look_at_inputs

RNG = np.random.default_rng(0)
COMMON = {"split": {"test": 0.5}, "training": {"epochs": 2}, "record": None, "plots": []}
LINEAR = [{"type": "linear", "units": 1}]


def trained(folder, x, y, layers, loss="mse"):
    np.savez(folder / "data.npz", inputs=x, targets=y)
    spec = {"dataset": {"type": "npz", "path": str(folder / "data.npz")}, "layers": layers, "loss": loss, **COMMON}
    return specnet.run(spec, folder / "run")


def section(run):
    found = re.search(r'<section aria-labelledby="looks">.*?</section>', run.report().read_text(), re.DOTALL)
    return found and found[0]


def test_columns_have_bars_with_intervals_and_a_panel_each_inside_their_frames(tmp_path):
    x = RNG.normal(size=(60, 3))
    run = trained(tmp_path, x, x[:, :1], LINEAR)
    found = look_at_inputs(run)
    assert {bar.name for bar in found.bars} == {panel.name for panel in found.panels} == {"x0", "x1", "x2"}
    for bar in found.bars:
        assert all(0 <= place <= BAR_WIDTH for place in (*bar.bar, *bar.interval, found.zero))
        assert bar.interval[0] <= max(bar.bar) + 1 and min(bar.bar) - 1 <= bar.interval[1]
    for panel in found.panels:
        curves = [panel.lines[0], *panel.singles]
        places = np.array([[point.split(",") for point in curve.split()] for curve in curves], float)
        assert len(panel.singles) == SINGLE_CURVES
        assert (places >= 0).all() and (places <= [WIDE, HIGH]).all()
    assert found == look_at_inputs(run)
    shown = section(run)
    assert "30 samples of the test split" in shown and shown.count("<polyline") == 3 * (1 + SINGLE_CURVES)


def test_categories_are_bars_with_their_names(tmp_path):
    rows = [f"{a:.3f},{kind}" for a, kind in zip(RNG.normal(size=40), "ab" * 20, strict=True)]
    (tmp_path / "t.csv").write_text("\n".join(["y,<kind>", *rows]))
    columns = {"inputs": [{"name": "<kind>", "type": "category"}], "targets": ["y"]}
    dataset = {"type": "csv", "path": str(tmp_path / "t.csv"), **columns}
    run = specnet.run({"dataset": dataset, "layers": LINEAR, "loss": "mse", **COMMON}, tmp_path / "run")
    (panel,) = look_at_inputs(run).panels
    assert [name for _, name in panel.labels] == ["a", "b"] and len(panel.bars[0]) == 2
    assert "&lt;kind&gt;" in section(run) and "<kind>" not in section(run)


def test_images_have_their_gradients_and_wrong_ones_are_marked(tmp_path):
    x, y = RNG.normal(size=(40, 8, 8)), np.arange(40) % 2
    run = trained(tmp_path, x, y, ["flatten", {"type": "linear", "units": 2}], "cross_entropy")
    found = look_at_inputs(run)
    assert len(found.images) == SHOWN_IMAGES and any(wrong for *_, wrong in found.images)
    assert section(run).count("data:image/png") == 2 * SHOWN_IMAGES and "✗" in section(run)


@pytest.mark.parametrize(("shape", "layers", "message"), [
    ((COLUMNS + 1,), LINEAR, "specnet importance RUN"),
    ((6, 2), [{"type": "rnn", "units": 1}], "specnet plot RUN saliency"),
])  # fmt: skip
def test_what_would_take_long_is_left_to_a_command(shape, layers, message, tmp_path):
    run = trained(tmp_path, RNG.normal(size=(20, *shape)), RNG.normal(size=(20, 1)), layers)
    with pytest.raises(PlotError, match=message):
        look_at_inputs(run)
    assert message in section(run)


def test_of_an_autoencoder_there_is_nothing_to_see_and_no_section(tmp_path):
    x = RNG.normal(size=(20, 8, 8))
    layers = ["flatten", {"type": "linear", "units": 64}, {"type": "reshape", "target_shape": [8, 8]}]
    run = trained(tmp_path, x, x, layers)
    assert look_at_inputs(run) == Look() and section(run) is None


def test_without_data_there_is_no_section(tmp_path):
    run = trained(tmp_path, RNG.normal(size=(20, 2)), RNG.normal(size=(20, 1)), LINEAR)
    (tmp_path / "data.npz").unlink()
    assert section(specnet.load_run(run.directory)) is None
