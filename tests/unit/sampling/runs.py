"""Short runs on the tiny transformer, and a loss that makes some chains fail."""

import torch
import xarray as xr
from torch import Tensor, nn

import somite as so
from unit.models.tiny import tiny_rows, tiny_transformer

HEADS = ("0:0", "0:1", "0:2", "1:0", "1:1", "1:2")


def sample_tiny(model: nn.Module | None = None, **changes: object) -> xr.Dataset:
    """Draws of a transformer; `changes` are arguments of `sample`."""
    target = so.Target(so.next_token_loss, tiny_rows(), n_beta=30, localization=20)
    settings = {"batch_size": 4, "chains": 2, "burn_in": 2, "draws": 4, "probe_every": 2}
    return so.sample(model or tiny_transformer(), target, so.SGLD(5e-3), **{**settings, **changes})


class Wells(nn.Module):
    """A steep and a gentle well: at step 0.08 some chains leave the steep one for good."""

    def __init__(self) -> None:
        super().__init__()
        self.steep, self.gentle = nn.Parameter(torch.zeros(3)), nn.Parameter(torch.zeros(3))


def wells_loss(model: Wells, rows: Tensor) -> Tensor:
    return model.steep.square().sum() ** 2 + model.gentle.square().sum() + 0 * rows


def sample_wells(step_size: float = 0.08, **changes: object) -> xr.Dataset:
    model = Wells()
    target = so.Target(wells_loss, torch.zeros(4), n_beta=10, localization=1)
    masks = {name: so.components(model, name)[name] for name in ("steep", "gentle")}
    settings = {"components": masks, "chains": 8, "burn_in": 0, "draws": 100}
    return so.sample(model, target, so.SGLD(step_size), **{**settings, **changes})
