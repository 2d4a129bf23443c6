"""What each rank runs: python launched.py DATA FOLDER NAME... trains specs, with 4 shards, and resumes their runs.

With HIT="rank step signal" in the environment, that rank sends itself a signal after that step.
"""

import os
import signal
import sys
from pathlib import Path

import specnet

SHARDS = 4
LINEAR = {"type": "linear", "units": 12}
PLATEAU = {"type": "reduce_on_plateau", "initial": 0.5, "factor": 0.5, "patience": 1, "monitor": "validation/loss"}
SPEC = {
    "dataset": {"type": "spiral", "n_samples": 60},
    "split": {"validation": 0.25},
    "layers": [LINEAR, "tanh", "linear"],
    "loss": "bce_with_logits",
    "metrics": ["accuracy", "roc_auc"],
    "training": {"epochs": 4, "batch_size": 13},
    "checkpoint": {"every": 2},
    "record": None,
}
WIDE = [{"type": "linear", "units": 700}, "relu", {"type": "linear", "units": 200}, "relu", "linear"]
CHANGES = {
    "plain": {"layers": WIDE, "checkpoint": {"every": 1}},  # the optimizer takes it in two parts
    "dropout": {"layers": [LINEAR, {"type": "dropout", "rate": 0.4}, "linear"], "checkpoint": {"every_steps": 3}},
    "batch_norm": {
        "layers": [LINEAR | {"activity_l2": 0.1}, "batch_norm", {"type": "batch_norm", "synchronized": True}, "linear"],
        "training": {"epochs": 3, "batch_size": 20, "gradient_accumulation_steps": 2, "clip_norm": 1.0},
    },
    "streamed": {
        "dataset": {"type": "npy", "inputs": "x.npy", "targets": "t.npy", "buffer": 0.02},
        "loss": "mse",
        "metrics": ["r2"],
    },
    "plateau": {"optimizer": {"type": "sgd", "learning_rate": PLATEAU}, "training": {"epochs": 8, "batch_size": 20}},
    "again": {"optimizer": "lbfgs", "training": {"epochs": 3, "batch_size": "full"}},
    "diverging": {"optimizer": {"type": "sgd", "learning_rate": 1e30}, "loss": "mse", "metrics": []},
    "restored": {
        "optimizer": {"type": "sgd", "learning_rate": 1e30},
        "loss": "mse",
        "metrics": [],
        "training": {"epochs": 3, "on_divergence": "restore_best"},
    },
}


class Hit(specnet.Callback):
    """Sends a signal to the process of a rank after a step."""

    def __init__(self, rank, step, name):
        super().__init__()
        self.rank, self.at, self.number = rank, int(step), getattr(signal, name)

    def step(self, training):
        if training.step == self.at and os.environ["PMI_RANK"] == self.rank:
            os.kill(os.getpid(), self.number)


def main(data, folder, *names):
    hits = [Hit(*os.environ["HIT"].split())] if "HIT" in os.environ else []
    os.chdir(data)
    for name in names:
        out = Path(folder) / name
        try:
            run = specnet.run(
                SPEC | CHANGES[name], out, shards=SHARDS, resume=True, callbacks=hits, report=False, plots=False
            )
            assert run.directory == out
        except specnet.SpecnetError as error:
            (out / f"error-{os.environ.get('PMI_RANK', '0')}").write_text(error.message)
        except KeyboardInterrupt as error:
            sys.exit(error.exit_code)


if __name__ == "__main__":
    main(*sys.argv[1:])
