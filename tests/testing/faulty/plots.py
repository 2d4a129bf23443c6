"""Plots without a mistake, and with one each."""

import numpy as np
from testing.faulty.base import ARGUMENTS, SAME, SURROUNDINGS, fault, good

from specnet import Plot
from specnet.errors import DataError, PlotError


@good
class LossCurve(Plot):
    """The loss over the epochs."""

    def draw(self, run):
        from matplotlib.figure import Figure

        figure = Figure(figsize=(2, 2))
        axes = figure.add_subplot()
        if len(run.history):
            axes.plot(run.history["epoch"], run.history["train/loss"])
        return figure


@fault("it draws a figure of its own", "draw returns list, not a matplotlib.figure.Figure")
class NoFigure(LossCurve):
    def draw(self, run):
        return []


@fault(SURROUNDINGS, "matplotlib.rcParams changes: lines.linewidth")
class Setting(LossCurve):
    def draw(self, run):
        import matplotlib

        matplotlib.rcParams["lines.linewidth"] = 7
        return super().draw(run)


@fault(SAME, "the second drawing is a different picture")
class RandomPlot(LossCurve):
    def draw(self, run):
        figure = super().draw(run)
        figure.axes[0].plot(np.random.default_rng().normal(size=9))
        return figure


@fault(ARGUMENTS, "draw writes to history train/loss")
class Smoothing(LossCurve):
    def draw(self, run):
        if len(run.history):
            run.history["train/loss"][:] = 1
        return super().draw(run)


@fault("it can be checked before training", "raises KeyError: 'epoch'")
class Eager(LossCurve):
    def check(self, run):
        assert len(run.history["epoch"])


@fault("it moves if it says so", "moves is True, but there are 1 frames")
class Still(LossCurve):
    def frames(self, run):
        yield self.draw(run)


@fault("it streams", "raises AttributeError: .*, in specnet.datasets.rows")
class NotStreaming(LossCurve):
    def draw(self, run):
        len(run.data.train.inputs[:1].tobytes() + bytes(np.sum(run.data.train.inputs[[0]]).astype(np.uint8)))
        return super().draw(run)


@fault("it shows a run, and refuses others by a PlotError", "DataError: no")
class Refused(LossCurve):
    def check(self, run):
        raise DataError("no")


@good
class Choosy(LossCurve):
    def check(self, run):
        if run.data.train.inputs.shape[1:] != (1,):
            raise PlotError("of one input")
