"""A multilayer perceptron of a few weights, written as others would write it, and arrays for it."""

from itertools import pairwise

import numpy as np
import torch
import xarray as xr
from torch import Tensor, nn

from somite.core.random import stream, stream_seed


class PlainMLP(nn.Module):
    def __init__(self, widths: list[int], activation: str = "tanh", seed: int = 0) -> None:
        super().__init__()
        self.activation = activation
        generator = stream("plain mlp", seed)
        self.layers = nn.ModuleList(nn.Linear(a, b).double() for a, b in pairwise(widths))
        for weight in self.parameters():
            weight.data = torch.randn(weight.shape, generator=generator, dtype=torch.float64)

    def forward(self, x: Tensor) -> Tensor:
        *below, last = self.layers
        for layer in below:
            x = getattr(torch, self.activation)(layer(x))
        return last(x)


def square_loss(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    inputs, targets = batch
    return (model(inputs) - targets) ** 2


def drawn_data(n: int, inputs: int, outputs: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = stream("baseline data", seed)
    x = torch.randn(n, inputs, generator=generator, dtype=torch.float64)
    return x, torch.randn(n, outputs, generator=generator, dtype=torch.float64)


def drawn(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(stream_seed("baselines", seed)).standard_normal(shape)


def series(values: np.ndarray, *more: str, samples: str = "sample") -> xr.DataArray:
    names = [f"c{i}" for i in range(len(values))]
    return xr.DataArray(values, {"component": names}, ("component", samples, *more))
