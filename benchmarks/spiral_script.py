"""The spiral of `specs/spiral.json` as a bare PyTorch script: train, then draw the same three pictures.

`python benchmarks/spiral_script.py` writes them to the current folder. It stores nothing else, and checks nothing.
"""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import torch

mpl.use("Agg")
from matplotlib import pyplot as plt

EPOCHS, BATCH, WARMUP = 400, 32, 50


def spiral(samples: int, noise: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return points (n, 2) of two interleaved arms, and which arm each is on (n, 1)."""
    angle = 3 * np.pi * np.sqrt(rng.random(samples))
    arm = np.arange(samples) % 2
    points = np.stack([np.cos(angle + np.pi * arm), np.sin(angle + np.pi * arm)], axis=1) * angle[:, np.newaxis]
    return (points + noise * rng.standard_normal(points.shape)).astype(np.float32), arm[:, np.newaxis]


class Scaled(torch.nn.Module):
    """Standardizes points."""

    def __init__(self, mean: torch.Tensor, std: torch.Tensor) -> None:
        super().__init__()
        self.mean, self.std = mean, std

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (x - self.mean) / self.std


def train(x: np.ndarray, arm: np.ndarray) -> tuple[torch.nn.Module, dict[str, list[float]]]:
    """Return the network, which takes points as they are, and a curve for each value."""
    train_x, validation_x = torch.from_numpy(x[:320]), torch.from_numpy(x[320:])
    mean, std = train_x.mean(0), train_x.std(0)
    train_x, validation_x = (train_x - mean) / std, (validation_x - mean) / std
    train_y, validation_y = torch.from_numpy(arm[:320]).float(), torch.from_numpy(arm[320:]).float()

    linear, tanh = torch.nn.Linear, torch.nn.Tanh
    network = torch.nn.Sequential(linear(2, 64), tanh(), linear(64, 64), tanh(), linear(64, 1))
    measure = torch.nn.BCEWithLogitsLoss()
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    steps = EPOCHS * len(train_x) // BATCH

    def rate(step: int) -> float:
        if step < WARMUP:
            return (step + 1) / WARMUP
        return 0.5 * (1 + np.cos(np.pi * (step - WARMUP) / (steps - WARMUP)))

    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, rate)
    curves: dict[str, list[float]] = {"train/loss": [], "train/accuracy": []}
    curves |= {"validation/loss": [], "validation/accuracy": []}
    for _ in range(EPOCHS):
        order, total, right = torch.randperm(len(train_x)), 0.0, 0
        for chosen in order.split(BATCH):
            optimizer.zero_grad()
            z = network(train_x[chosen])
            loss = measure(z, train_y[chosen])
            loss.backward()
            optimizer.step()
            schedule.step()
            total += float(loss.detach()) * len(chosen)
            right += int(((z > 0) == (train_y[chosen] > 0.5)).sum())
        with torch.no_grad():
            z = network(validation_x)
            curves["validation/loss"].append(float(measure(z, validation_y)))
            curves["validation/accuracy"].append(float(((z > 0) == (validation_y > 0.5)).float().mean()))
        curves["train/loss"].append(total / len(train_x))
        curves["train/accuracy"].append(right / len(train_x))
    return torch.nn.Sequential(Scaled(mean, std), network), curves


def draw(x: np.ndarray, arm: np.ndarray, model: torch.nn.Module, curves: dict[str, list[float]]) -> None:
    """Write the three pictures."""
    figure, panels = plt.subplots(1, 2, figsize=(10, 4), dpi=150, layout="constrained")
    for panel, name in zip(panels, ("loss", "accuracy"), strict=True):
        for split in ("train", "validation"):
            panel.plot(curves[f"{split}/{name}"], label=split)
        panel.set(xlabel="epoch", ylabel=name)
        panel.legend()
    figure.savefig("curves.png")

    figure, panel = plt.subplots(figsize=(6, 5), dpi=150, layout="constrained")
    low, high = x.min(0) - 1, x.max(0) + 1
    across, up = np.meshgrid(np.linspace(low[0], high[0], 200), np.linspace(low[1], high[1], 200))
    plane = torch.from_numpy(np.stack([across.ravel(), up.ravel()], axis=1).astype(np.float32))
    with torch.no_grad():
        height = torch.sigmoid(model(plane)).numpy().reshape(across.shape)
    figure.colorbar(panel.contourf(across, up, height, levels=20, cmap="RdBu_r", vmin=0, vmax=1))
    panel.contour(across, up, height, levels=[0.5], colors="black")
    panel.scatter(x[:, 0], x[:, 1], c=arm[:, 0], cmap="RdBu_r", edgecolors="white", s=20)
    figure.savefig("decision_boundary.png")

    figure, panel = plt.subplots(figsize=(5, 4), dpi=150, layout="constrained")
    with torch.no_grad():
        told = (model(torch.from_numpy(x[320:])) > 0).numpy().astype(int)
    counts = np.zeros((2, 2), int)
    np.add.at(counts, (arm[320:, 0], told[:, 0]), 1)
    panel.imshow(counts, cmap="Blues")
    for row, column in np.ndindex(2, 2):
        panel.text(column, row, str(counts[row, column]), ha="center", va="center")
    panel.set(xlabel="predicted", ylabel="actual", xticks=[0, 1], yticks=[0, 1])
    figure.savefig("confusion_matrix.png")


def main() -> None:
    """Train and draw."""
    torch.set_num_threads(1)
    torch.manual_seed(42)
    x, arm = spiral(400, 0.25, np.random.default_rng(42))
    model, curves = train(x, arm)
    draw(x, arm, model, curves)


if __name__ == "__main__":
    main()
