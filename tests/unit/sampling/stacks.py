"""Draws of the stacked and of the sequential engine, side by side."""

import numpy as np
import torch
import xarray as xr
from torch import Tensor, nn

import somite as so
from somite import Mask
from somite.components.mask import whole
from somite.sampling import AdamSGLD
from unit.models.tiny import tiny_rows

KERNELS = [so.SGLD(1e-3), so.RMSpropSGLD(1e-4), AdamSGLD(1e-4), so.BAOAB(0.02, friction=5.0)]


def both(model: nn.Module, **changes: object) -> tuple[xr.Dataset, xr.Dataset]:
    """The same draws, sequential and stacked."""
    return sample(model, stacked=False, **changes), sample(model, stacked=True, **changes)


def sample(model: nn.Module, **changes: object) -> xr.Dataset:
    """A short run that records everything there is to record."""
    rows = changes.pop("data", tiny_rows())
    loss, kernel = changes.pop("loss", so.next_token_loss), changes.pop("kernel", KERNELS[0])
    scale = {"n_beta": 20, "localization": 50, "weight_decay": 0.5, "bounding_box": 0.3}
    few = rows[:5] if isinstance(rows, Tensor) else tuple(part[:5] for part in rows)
    settings = {"batch_size": 4, "chains": 2, "burn_in": 2, "draws": 6, "probe_every": 2}
    settings |= {"probes": {"reference": few}, "pointwise": True}
    return so.sample(model, so.Target(loss, rows, **scale), kernel, **{**settings, **changes})


def largest_gap(one: xr.Dataset, other: xr.Dataset) -> float:
    """Largest difference of two data sets over the largest number; words must be the same."""
    worst = 0.0
    assert set(one.data_vars) == set(other.data_vars)
    for name in one.data_vars:
        a, b = one[name].values, other[name].values
        if a.dtype.kind != "f":
            assert (a == b).all()
            continue
        assert (np.isnan(a) == np.isnan(b)).all(), name
        if np.isfinite(a).any():
            worst = max(worst, np.nanmax(np.abs(a - b)) / (np.nanmax(np.abs(a)) or 1.0))
    return worst


def small_mlp(kind: type[nn.Module] = nn.Tanh) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(3, 4), kind(), nn.Linear(4, 2)).double()


def pairs() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    inputs = torch.randn(12, 3, generator=generator, dtype=torch.float64)
    return inputs, inputs[:, :2].sin()


def square_loss(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    return (model(batch[0]) - batch[1]).square()


def neurons_and_layer() -> dict[str, Mask]:
    """The neurons of the first layer, which are alike, and the whole second layer."""
    chosen = torch.eye(4, dtype=torch.bool)
    masks = {
        f"neuron {i}": Mask({"0.weight": row[:, None].expand(4, 3).clone(), "0.bias": row})
        for i, row in enumerate(chosen)
    }
    second = small_mlp()[2]
    return masks | {"layer": Mask({"2.weight": whole(second.weight), "2.bias": whole(second.bias)})}
