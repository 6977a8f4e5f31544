"""What spoiled weights cost: the rise of the loss of each example, by component and level."""

from collections.abc import Mapping
from copy import deepcopy

import numpy as np
import torch
import xarray as xr
from torch import Tensor, nn

from somite.components import components as chosen_components
from somite.components.mask import Mask
from somite.components.patch import Patch
from somite.components.select import units
from somite.consequences.distortions import DISTORTIONS, Distortion
from somite.core.random import stream
from somite.sampling.sharing import Sharing
from somite.sampling.target import Data, Loss, per_example, rows
from somite.sampling.views import View

FEW = 2


@torch.no_grad()
def damage(
    model: nn.Module,
    loss: Loss,
    data: Data,
    components: str | Mapping[str, Mask] = "full",
    distortions: Mapping[str, Distortion] = DISTORTIONS,
) -> xr.Dataset:
    """Rise of each example's loss when the weights of a component are spoiled, all else as it is.

    Changed are the units of two axes or more that a component holds whole.

    Args:
        model: Any module; left as it was, run in evaluation mode.
        loss: `loss(model, data)`, losses (example, …); of several per example the mean counts.
        data: The examples, all at once in memory.
        components: As `somite.components` takes them: "full" for all weights.
        distortions: What is done, by name.

    Returns:
        For each distortion a variable of its name with the dims (component, NAME_level,
        NAME_variant, example), in units of the loss, and `loss` (example,) without any.

    Bad input:
        `InputError` if nothing has that name, or a mask does not fit the model.

    Example:
        >>> from somite.models import MLP, squared_error_loss
        >>> from somite.core.random import stream
        >>> x = torch.randn(8, 3, generator=stream("example"))
        >>> found = damage(MLP([3, 4, 1], "relu"), squared_error_loss, (x, x[:, :1]))
        >>> dict(found.pruning.sizes), round(float(found.pruning.isel(pruning_level=-1).max()), 6)
        ({'component': 1, 'pruning_level': 8, 'pruning_variant': 1, 'example': 8}, 0.0)
    """
    center = deepcopy(model).eval().requires_grad_(False)
    masks = chosen_components(center, components)
    sharing = Sharing(center, loss, rows(data, slice(0, FEW)))
    weights, how = dict(center.named_parameters()), units(center)
    found: dict[str, list[np.ndarray]] = {name: [] for name in distortions}
    for mask in masks.values():
        patch = Patch(mask, weights, how)
        view = sharing.view(patch)
        before = per_example(view(data, patch.center))
        for name, distortion in distortions.items():
            found[name].append(_losses(view, patch, data, distortion, before))
    columns = {
        name: (("component", f"{name}_level", f"{name}_variant", "example"), np.stack(parts))
        for name, parts in found.items()
    }
    levels = {f"{name}_level": list(each.levels) for name, each in distortions.items()}
    clean = ("example", per_example(loss(center, data)).cpu().numpy())
    return xr.Dataset({**columns, "loss": clean}, {"component": list(masks), **levels})


def _losses(
    view: View, patch: Patch, data: Data, distortion: Distortion, before: Tensor
) -> np.ndarray:
    """Rises of the losses (level, variant, example)."""
    table = [
        [
            per_example(view(data, _changed(patch, distortion, level, variant))) - before
            for variant in range(distortion.variants)
        ]
        for level in distortion.levels
    ]
    return torch.stack([torch.stack(line) for line in table]).float().cpu().numpy()


def _changed(patch: Patch, distortion: Distortion, level: float, variant: int) -> Tensor:
    """The weights of a component, spoiled unit by unit (d,).

    Noise has the same direction at every level, and its own for each unit.
    """
    parts = []
    for piece, unit in zip(patch.pieces, patch.split(patch.center), strict=True):
        if piece.chosen is not None:
            parts.append(unit[piece.chosen.to(unit.device)])
        elif unit.ndim < 2:
            parts.append(unit.flatten())
        else:
            generator = stream("weight noise", variant, piece.tensor, piece.index)
            parts.append(distortion.change(unit, level, variant, generator).flatten())
    return torch.cat(parts)
