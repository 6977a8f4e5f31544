"""Transfer: a chosen part of a model trained on new text, all else held fixed; what it costs."""

from collections.abc import Callable, Sequence
from copy import deepcopy

import numpy as np
import torch
import xarray as xr
from torch import nn

from somite.components.mask import Mask
from somite.components.patch import Patch
from somite.components.select import units
from somite.consequences.lesions import p_values
from somite.core.checks import at_least, one_of, positive
from somite.core.errors import InputError
from somite.modularity import false_discovery
from somite.sampling.target import Data, Loss, per_example
from somite.sampling.views import whole_view

Array = np.ndarray
CLIP = 1.0
"""Largest norm of a gradient."""
MEASURES = ("early", "steps", "final", "forgetting", "forgetting_at_target")
"""Of all of them less is better, as of those that follow for single domains."""
FORGOTTEN = "forgetting of "
"""Before the name of a domain."""
NEVER = 1e300
"""Ranks what was not reached behind all else."""
DIMS = ("set", "seed", "step", "domain", "row")


@torch.enable_grad()
def fine_tuned(
    model: nn.Module,
    loss: Loss,
    mask: Mask,
    batch: Callable[[int], Data],
    tests: Data,
    at: Sequence[int],
    rate: float,
    warm_up: int = 0,
) -> Array:
    """Losses of test examples while one component alone is trained, with Adam and no decay.

    Gradients of the component are clipped at norm 1; all other weights stay as they are.

    Args:
        model: Any module; left as it was, run in evaluation mode.
        loss: `loss(model, data)`, losses (example, …); of several per example the mean counts.
        mask: The weights that are trained.
        batch: Data of a step; a pure function of the step, from 0.
        tests: The examples whose losses are returned.
        at: Steps after which they are, rising, 0 for none.
        rate: Learning rate.
        warm_up: Steps over which the rate rises linearly.

    Returns:
        Losses (step, example).

    Raises:
        InputError: If a setting is out of range, or the steps do not rise.

    Example:
        >>> from somite.models import MLP, squared_error_loss
        >>> from somite.components import components
        >>> from somite.core.random import stream
        >>> model, x = MLP([3, 4, 1], "relu"), torch.randn(8, 3, generator=stream("example"))
        >>> data, mask = (x, x[:, :1]), components(model, "full")["full"]
        >>> losses = fine_tuned(model, squared_error_loss, mask, lambda _: data, data, [0, 9], 0.01)
        >>> losses.shape, bool(losses[1].mean() < losses[0].mean())
        ((2, 8), True)
    """
    positive("rate", rate)
    at_least("warm_up", warm_up, 0)
    if not at or list(at) != sorted(set(at)) or at[0] < 0:
        raise InputError("at", "must be rising steps from 0 on", list(at), "Sort them.")
    center = deepcopy(model).eval().requires_grad_(False)
    patch = Patch(mask, dict(center.named_parameters()), units(center))
    view = whole_view(center, loss, patch)
    weights = patch.center.clone().requires_grad_()
    optimizer, found = torch.optim.Adam([weights], rate), []
    for step in range(at[-1] + 1):
        if step in at:
            with torch.no_grad():
                found.append(per_example(view(tests, weights)).double().cpu().numpy())
        if step == at[-1]:
            break
        optimizer.param_groups[0]["lr"] = rate * min(1.0, (step + 1) / max(1, warm_up))
        optimizer.zero_grad()
        per_example(view(batch(step), weights)).mean().backward()
        nn.utils.clip_grad_norm_([weights], CLIP)
        optimizer.step()
    return np.stack(found)


def transfer_scores(losses: xr.DataArray, new: str, whole: str, early: int) -> xr.Dataset:
    """How fast and how far each trained set got, and what it forgot, with errors.

    Of the mean losses over seeds and rows, L on the new domain and O on the others together:

        early = L(early)                 final = L(end)
        steps = first step with L ≤ target, between measured ones by a line; ∞ if there is none
        target = L(0) − ½ (L(0) − L_whole(end))
        forgetting = O(end) − O(0)       forgetting_at_target = O(steps) − O(0)

    and the first of these for each old domain.

    Errors are jackknifed over seeds and over rows, and both are added in squares: what seeds and
    rows make together is then counted twice.

    Args:
        losses: Dims set, seed, step, domain, row; the same seeds and rows for all sets.
        new: The domain that was trained on.
        whole: The set of all weights, which fixes the target.
        early: A measured step.

    Returns:
        Over (measure, set): `value` and `standard_error`.

    Raises:
        InputError: If dims are wrong, there are fewer than two seeds or rows (no error exists), or
            a name or step is unknown.
    """
    if set(losses.dims) != set(DIMS):
        raise InputError("losses", f"must have the dims {DIMS}", losses.dims, "Name them so.")
    for name in ("seed", "row"):
        at_least(f"number of {name}s", losses.sizes[name], 2, "There is no error from one.")
    one_of("new", new, [str(name) for name in losses.domain.values])
    one_of("whole", whole, [str(name) for name in losses["set"].values])
    one_of("early", str(early), [str(step) for step in losses.step.values])
    ordered = losses.transpose(*DIMS)
    steps, domains = ordered.step.values, ordered.domain.values
    place = int(np.flatnonzero(ordered["set"].values == whole)[0])

    def measured(values: Array) -> Array:
        curves = values.mean(axis=(1, 4))
        learned, each = curves[..., domains == new][..., 0], curves[..., domains != new]
        old, rises = each.mean(-1), (each[:, -1] - each[:, 0]).T
        target = (learned[place, 0] + learned[place, -1]) / 2
        reached = np.array([first_reached(steps, curve, target) for curve in learned])
        there = np.array([np.interp(x, steps, y) if np.isfinite(x) else np.nan
                          for x, y in zip(reached, old, strict=True)])  # fmt: skip
        rows = [learned[:, steps == early][:, 0], reached, learned[:, -1]]
        return np.stack([*rows, old[:, -1] - old[:, 0], there - old[:, 0], *rises])

    squares = [jackknifed(measured, ordered.values, axis) ** 2 for axis in (1, 4)]
    columns = {"value": measured(ordered.values), "standard_error": np.sqrt(sum(squares))}
    each = [f"{FORGOTTEN}{name}" for name in domains if name != new]
    coords = {"measure": [*MEASURES, *each], "set": ordered["set"].values}
    return xr.Dataset({name: (("measure", "set"), x) for name, x in columns.items()}, coords)


def against_sets(
    scores: xr.Dataset, own: str, others: Sequence[str], exact: bool = False
) -> xr.Dataset:
    """A set's scores among those of random sets of its size.

    Args:
        scores: Of `transfer_scores`.
        own: The set.
        others: The random sets; if `exact`, all that there are, itself among them.
        exact: Whether they are.

    Returns:
        Over measure: `value`, `standard_error`; `mean`, `low`, `high` of the random sets (the 2.5th
        and 97.5th percentile; NaN where one of them has no number) and `z`, how many of their
        standard deviations the set lies above their mean; `p_value`, two-sided, twice the share of
        sets that are at least as far out on the nearer side; `q_value` over the measures (Benjamini
        and Hochberg).

    Bad input:
        A set that is not there raises a `KeyError` of xarray.
    """
    one = scores.sel({"set": own}, drop=True)
    ranked = scores.value.where(np.isfinite(scores.value), NEVER)
    mine, rest = ranked.sel({"set": own}).values, ranked.sel({"set": list(others)}).values.T
    sides = np.minimum(p_values(mine, rest, exact), p_values(-mine, -rest, exact))
    p_value = np.minimum(1.0, 2 * sides)
    known = np.where((rest < NEVER).all(0), rest, np.nan)
    low, high = np.quantile(known, [0.025, 0.975], axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        z = (one.value.values - known.mean(0)) / known.std(0, ddof=1)
    columns = {"mean": known.mean(0), "low": low, "high": high, "z": z, "p_value": p_value}
    found = one.assign({name: ("measure", part) for name, part in columns.items()})
    return found.assign(q_value=false_discovery(found.p_value))


def first_reached(steps: Array, curve: Array, target: float) -> float:
    """First step at which a curve is at its target or below, between points by a line.

    Example:
        >>> first_reached(np.array([0, 10, 20]), np.array([3.0, 2.0, 2.5]), 2.5)
        5.0
    """
    below = np.flatnonzero(curve <= target)
    if not len(below):
        return float("inf")
    if (i := int(below[0])) == 0:
        return float(steps[0])
    share = (curve[i - 1] - target) / (curve[i - 1] - curve[i])
    return float(steps[i - 1] + share * (steps[i] - steps[i - 1]))


def jackknifed(measured: Callable[[Array], Array], values: Array, axis: int) -> Array:
    """Standard error of what is measured, each place along an axis left out once.

    Example:
        >>> x = np.array([1.0, 2.0, 6.0])
        >>> bool(np.isclose(jackknifed(np.mean, x, 0), x.std(ddof=1) / 3**0.5))
        True
    """
    n = values.shape[axis]
    parts = np.stack([measured(np.delete(values, i, axis)) for i in range(n)])
    with np.errstate(invalid="ignore"):
        spread: Array = ((parts - parts.mean(0)) ** 2).sum(0)
    return np.asarray(np.sqrt(spread * (n - 1) / n))
