import io
import subprocess
import sys

import matplotlib
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from helpers import sampled
from matplotlib.font_manager import fontManager

import specnet
from specnet.component import build
from specnet.errors import PlotError
from specnet.plots.base import Plot
from specnet.report.pictures import write_picture
from specnet.report.settings import default_settings, fonts_with

CAT = "\u732b"
"""A letter that the fonts of matplotlib lack."""
HOSTILE = {
    "text.usetex": True, "savefig.dpi": 11, "savefig.bbox": "tight", "font.family": ["serif"], "font.size": 31,
    "figure.dpi": 13, "axes.grid": True, "lines.linewidth": 9, "svg.fonttype": "path", "axes.facecolor": "red",
    "figure.constrained_layout.use": True, "axes.prop_cycle": matplotlib.cycler(color=["k"]), "image.cmap": "gray",
    "legend.fontsize": 3, "xtick.labelsize": 40, "axes.spines.left": False, "path.simplify": False,
}  # fmt: skip


@pytest.fixture
def run(train):
    return train(plots=[], record={"points": 5})


@pytest.fixture
def bytes_of(run):
    """Draws a plot of a run, and returns the file's bytes and the warnings."""

    def draw(plot, format="png"):
        file = io.BytesIO()
        warnings = write_picture(build("plots", plot), run, file, format)
        return file.getvalue(), warnings

    return draw


@pytest.fixture
def cats(tmp_path):
    """Installs a font with one letter."""
    font = FontBuilder(1000, isTTF=True)
    font.setupGlyphOrder([".notdef", "cat"])
    font.setupCharacterMap({ord(CAT): "cat"})
    pen = TTGlyphPen(None)
    pen.moveTo((0, 0))
    for point in [(500, 0), (250, 700)]:
        pen.lineTo(point)
    pen.closePath()
    font.setupGlyf({".notdef": TTGlyphPen(None).glyph(), "cat": pen.glyph()})
    font.setupHorizontalMetrics({".notdef": (500, 0), "cat": (600, 0)})
    font.setupHorizontalHeader(ascent=800, descent=-200)
    font.setupNameTable({"familyName": "Cats", "styleName": "Regular"})
    font.setupOS2()
    font.setupPost()
    font.save(tmp_path / "cats.ttf")
    before = list(fontManager.ttflist)
    fontManager.addfont(tmp_path / "cats.ttf")
    fonts_with.cache_clear()
    yield "Cats"
    fontManager.ttflist[:] = before
    fonts_with.cache_clear()


@pytest.mark.parametrize(("plot", "format"), [("curves", "png"), ("decision_boundary", "svg"), ("calibration", "png")])
def test_pictures_are_the_same_under_any_settings(plot, format, bytes_of):
    with default_settings():
        usual = bytes_of(plot, format)
    with matplotlib.rc_context(HOSTILE):
        before = dict(matplotlib.rcParams)
        assert bytes_of(plot, format) == usual
        assert dict(matplotlib.rcParams) == before


@pytest.mark.parametrize("backend", sampled(["module://nowhere_to_be_found", "no such backend", "QtAgg"], 3))
def test_a_backend_of_another_environment_is_no_obstacle(backend, run, monkeypatch):
    monkeypatch.setenv("MPLBACKEND", backend)
    monkeypatch.setenv("MATPLOTLIBRC", str(run.directory / "matplotlibrc"))
    (run.directory / "matplotlibrc").write_text("text.usetex: True\nfont.size: 40\n")
    script = (
        "import os, sys, specnet; path = specnet.load_run(sys.argv[1]).plot('curves');"
        "import matplotlib; print(os.environ['MPLBACKEND'], matplotlib.rcParams['text.usetex'], sep='|')"
    )
    done = subprocess.run([sys.executable, "-c", script, run.directory], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"{backend}|True"
    drawn = (run.directory / "plots/curves.png").read_bytes()
    assert drawn == run.plot("curves").read_bytes()


def test_the_backend_of_a_notebook_stays_that_of_pyplot(run, monkeypatch):
    monkeypatch.setenv("MPLBACKEND", "svg")
    script = (
        "import sys, specnet; specnet.load_run(sys.argv[1]).plot('curves'); import matplotlib.pyplot as p; "
        "print(p.get_backend())"
    )
    done = subprocess.run([sys.executable, "-c", script, run.directory], capture_output=True, text=True, check=True)
    assert done.stdout == "svg\n"


def failing(error):
    class Failing(Plot):
        def draw(self, run):
            raise error

        def to_spec(self):
            return {"type": "failing"}

    return Failing()


@pytest.mark.parametrize("error", [RuntimeError("latex"), OSError("font"), MemoryError(), KeyError("x")], ids=repr)
def test_a_plot_that_fails_is_named_and_leaves_no_file(error, run):
    with pytest.raises(PlotError, match=f"failing fails: {type(error).__name__}"):
        run.plot(failing(error))
    assert not list((run.directory / "plots").glob("*"))


def test_letters_of_an_installed_font_are_not_boxes(bytes_of, run, cats, monkeypatch):
    monkeypatch.setattr(type(run), "name", f"spiral {CAT}")
    drawn, warnings = bytes_of("curves", "svg")
    assert warnings == [] and fonts_with(frozenset(map(ord, CAT))) == [cats]
    assert f"'{cats}'" in drawn.decode()


def test_letters_that_no_font_has_are_told_once(run, monkeypatch):
    monkeypatch.setattr(type(run), "name", f"spiral {CAT}{CAT}\U0001f9ff")
    for plot in ("curves", "decision_boundary"):
        run.plot(plot)
    assert run.warnings == [f"no installed font has {CAT}\U0001f9ff: pictures show boxes instead"]


def test_a_run_is_complete_without_a_picture_that_fails(train, monkeypatch):
    told = []
    observer = specnet.Observer()
    observer.warned = told.append
    monkeypatch.setattr(type(build("plots", "roc")), "picture", lambda *_: 1 / 0)
    run = train(plots=["curves", "roc", "decision_boundary"], observer=observer)
    assert [path.stem for path in run.plots] == ["curves", "decision_boundary"]
    assert told[-1] == "plots.1 was not drawn: roc fails: ZeroDivisionError: division by zero"
    assert (run.directory / "report.html").is_file() and run.status == "finished"
