"""Interaction energy of displacements: does moving A change what moving B does? No sampler.

    Δ_AB(δ) = L(w* + δ_A + δ_B) − L(w* + δ_A) − L(w* + δ_B) + L(w*)
    statistic = E[Δ²] / E[K²],   K = L(w* + δ_A + δ_B) − L(w*)

with Gaussian δ. To second order Δ = δ_Aᵀ H_AB δ_B. It is exactly 0 where the loss is a sum of one
part without A and one without B, such as separate streams.
"""

import copy
from collections.abc import Callable, Mapping
from itertools import combinations

import numpy as np
import xarray as xr
from torch import Tensor, nn

from somite.components.mask import Mask
from somite.components.patch import Noise, Patch
from somite.components.select import components as select
from somite.components.select import units
from somite.components.unions import check_disjoint, union
from somite.core.checks import at_least, finite_weights, positive
from somite.core.errors import InputError
from somite.sampling.observables.losses import example_losses
from somite.sampling.observables.shares import block_places
from somite.sampling.target import Data, Loss, check_data
from somite.sampling.views import whole_view

CHUNK = 256
"""Examples per pass."""
LEAST_REPEATS = 8
COLUMNS = ("energy", "square", "statistic")


def interaction_energy(
    model: nn.Module,
    loss: Loss,
    data: Data,
    components: Mapping[str, Mask],
    scale: float | Mapping[str, float],
    *,
    repeats: int = 64,
    seed: int = 0,
) -> xr.Dataset:
    """Measure how far displacements of two components fail to add, for all pairs.

    Each displacement needs one pass over the data for every component and every pair. All pairs
    share the displacements of their components.

    Args:
        model: The center w*; it is copied, and stays as it is.
        loss: Called as loss(model, batch), with the examples along the first axis.
        data: The examples, each of which is used.
        components: Disjoint masks by name; two or more.
        scale: Standard deviation of every entry of a displacement, in units of the weights; one
            number, or one for each component.
        repeats: Displacements.
        seed: Of their streams; each belongs to a unit of the weights, as in `somite.sample`.

    Returns:
        Over (component, other), NaN on the diagonal: `energy` E[Δ] in units of the loss, `square`
        E[Δ²], `statistic` E[Δ²]/E[K²], each with `_error`, its standard error over displacements
        (of the ratio to first order); a ratio is 0 where the loss never changes.

    Raises:
        InputError: If components are fewer than two, overlap or do not fit the model, a scale is
            missing or not positive, there are too few repeats, or a loss is not finite.

    Source: the H-statistic of Friedman and Popescu 2008, here of weights instead of inputs.

    Example:
        >>> import torch
        >>> apart = lambda model, batch: (model.weight**2).sum().expand(len(batch))
        >>> masks = {"A": Mask({"weight": torch.tensor([[True, False]])}),
        ...          "B": Mask({"weight": torch.tensor([[False, True]])})}
        >>> found = interaction_energy(nn.Linear(2, 1), apart, torch.zeros(4), masks, 0.1)
        >>> found.square.sel(component="A", other="B").item() < 1e-12
        True
    """
    at_least("number of components", len(components), 2, "Two are needed to interact.")
    at_least("repeats", repeats, LEAST_REPEATS)
    check_data("data", data)
    masks = select(model, components)
    check_disjoint(masks)
    scales = _scales(scale, list(masks))
    center = copy.deepcopy(model).eval().requires_grad_(False)
    finite_weights("model", dict(center.named_parameters()))
    moved = union(list(masks.values()))
    patch = Patch(moved, dict(center.named_parameters()), units(center))
    view = whole_view(center, loss, patch)

    def mean_loss(weights: Tensor) -> float:
        losses = example_losses(lambda batch: view(batch, weights), data, CHUNK)
        return _finite(float(losses.double().mean()))

    places = block_places(patch, masks)
    noise, rows = Noise(patch, (seed, "interaction energy")), []
    for _ in range(repeats):
        drawn = noise.draw()
        moves = {name: drawn * place * scales[name] for name, place in places.items()}
        rows.append(_energies(mean_loss, patch.center, moves))
    return _table(list(masks), np.array(rows))


def _scales(scale: float | Mapping[str, float], names: list[str]) -> dict[str, float]:
    """Scale of every component.

    Raises:
        InputError: If one is missing or not positive.
    """
    if not isinstance(scale, Mapping):
        return dict.fromkeys(names, positive("scale", scale, "Give a length such as 0.01."))
    if missing := [name for name in names if name not in scale]:
        raise InputError("scale", f"must be given for {missing}", dict(scale), "Add them.")
    return {name: positive(f"scale of {name}", scale[name]) for name in names}


def _energies(
    mean_loss: Callable[[Tensor], float], center: Tensor, moves: Mapping[str, Tensor]
) -> list[tuple[float, float]]:
    """Δ and K of all pairs, for one displacement."""
    still = mean_loss(center)
    alone = {name: mean_loss(center + move) for name, move in moves.items()}
    found = []
    for a, b in combinations(moves, 2):
        both = mean_loss(center + moves[a] + moves[b])
        found.append(((both - alone[a]) - (alone[b] - still), both - still))
    return found


def _finite(loss: float) -> float:
    """The loss.

    Raises:
        InputError: If it is not finite.
    """
    if not np.isfinite(loss):
        raise InputError("loss", "must be finite at displaced weights", loss, "Lower scale.")
    return loss


def _table(names: list[str], values: np.ndarray) -> xr.Dataset:
    """Statistics of (repeat, pair, Δ and K)."""
    energy, whole = values[..., 0], values[..., 1] ** 2
    square, most = energy**2, whole.mean(0)
    ratio = np.divide(square.mean(0), most, out=np.zeros_like(most), where=most > 0)
    change = np.divide(square - ratio * whole, most, out=np.zeros_like(whole), where=most > 0)
    series = dict(zip(COLUMNS, (energy, square, change), strict=True))
    means = {"energy": energy.mean(0), "square": square.mean(0), "statistic": ratio}
    errors = {f"{n}_error": s.std(0, ddof=1) / len(s) ** 0.5 for n, s in series.items()}
    columns = {name: _matrix(names, found) for name, found in {**means, **errors}.items()}
    return xr.Dataset(columns, {"component": names, "other": names})


def _matrix(names: list[str], values: np.ndarray) -> tuple[tuple[str, str], np.ndarray]:
    matrix = np.full((len(names),) * 2, np.nan)
    first, second = np.triu_indices(len(names), 1)
    matrix[first, second] = matrix[second, first] = values
    return ("component", "other"), matrix
