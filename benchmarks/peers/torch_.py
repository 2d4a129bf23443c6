"""PyTorch eager on the CPU, as its tutorials write it, with the samples in tensors and no data loader."""

from __future__ import annotations

import torch
from torch import nn

from benchmarks.work import Train, Work


def make(work: Work, fused: bool = False) -> Train:
    """Return what trains the work; `fused` is an option of Adam that not everybody knows."""
    x, target = torch.from_numpy(work.x), torch.from_numpy(work.target)
    stack: list[nn.Module] = []
    for weight, bias in work.copy_layers():
        linear = nn.Linear(*weight.shape, dtype=x.dtype)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(weight.T))
            linear.bias.copy_(torch.from_numpy(bias))
        stack += [linear, nn.ReLU() if work.loss == "cross_entropy" else nn.Sigmoid()]
    network = nn.Sequential(*(stack if work.loss == "bce" else stack[:-1]))
    criterion = {"mse": nn.MSELoss, "bce": nn.BCELoss, "cross_entropy": nn.CrossEntropyLoss}[work.loss]()
    optimizer: torch.optim.Optimizer
    if work.loss == "cross_entropy":
        optimizer = torch.optim.Adam(network.parameters(), lr=work.rate, fused=fused)
    else:
        optimizer = torch.optim.SGD(network.parameters(), lr=work.rate)

    def step(x: torch.Tensor, target: torch.Tensor) -> float:
        optimizer.zero_grad()
        loss = criterion(network(x), target)
        loss.backward()
        optimizer.step()
        return loss.item()

    def epoch() -> float:
        if work.batch == len(x):
            return step(x, target)
        total = 0.0
        order = torch.randperm(len(x)) if work.shuffle else torch.arange(len(x))
        for rows in order.split(work.batch):
            total += step(x.index_select(0, rows), target.index_select(0, rows)) * len(rows)
        return total / len(x)

    return lambda epochs: [epoch() for _ in range(epochs)]
