"""Training on the ranks that write nothing: rank 0 has the run directory."""

from __future__ import annotations

from specnet.errors import DivergenceError
from specnet.plugin_code import staying
from specnet.runs.checkpointing import Checkpointed, Checkpointing
from specnet.runs.experiment import Experiment
from specnet.runs.run import Run
from specnet.runs.signals import Signals
from specnet.runs.trained.building import located
from specnet.training.loop import train


class FollowingRank(Checkpointed):
    """Trains along with rank 0, and takes part when that saves a state."""

    def __init__(self, experiment: Experiment, signals: Signals) -> None:
        super().__init__(experiment, signals)
        self.trainer.callbacks |= {"following": Checkpointing(self)}

    def run(self) -> Run:
        """Train from the state that rank 0 sends, and return the run that it has written; errors as on rank 0."""
        state, directory = self.ranks.gather(None)[0]
        self.experiment.restore(state, callbacks=False)
        with located(self.spec), staying():
            try:
                train(self.trainer)
                self.save(final=True)
            except DivergenceError:
                if self.spec.training.on_divergence == "stop":
                    raise
        with self.ranks.together():
            pass  # rank 0 draws plots
        return Run(directory)

    def begin(self) -> None:
        pass

    def note_best(self) -> None:
        self.save()

    def save(self, final: bool = False) -> None:
        self.experiment.state(copied=False)
