"""The one call: sample the local posterior of every component around a model's weights."""

import copy
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

import torch
import xarray as xr
from torch import nn

from somite.components.mask import Mask
from somite.components.patch import Patch
from somite.components.select import components as select
from somite.components.select import units
from somite.core.checks import finite_weights
from somite.core.errors import InputError, nearest
from somite.models.transformer import Transformer
from somite.sampling.draws import ChainRecord, to_draws
from somite.sampling.engine import Engine, Progress
from somite.sampling.kernels.kernel import Kernel
from somite.sampling.preflight import check_target
from somite.sampling.settings import ChainSettings
from somite.sampling.target import Data, Target, check_data
from somite.sampling.views import SharedCache, center_losses, shared_view, whole_view


@torch.enable_grad()
def sample(
    model: nn.Module,
    target: Target,
    kernel: Kernel,
    *,
    components: str | Mapping[str, Mask] = "heads",
    probes: Mapping[str, Data] | None = None,
    progress: Progress | None = None,
    sharing: bool = True,
    **settings: int,
) -> xr.Dataset:
    """Sample the local posterior of every component around the model's weights.

    At a draw w of chain k, on the minibatch B of that step and before the step that leaves w, the
    difference L_B(w) − L_B(w*) is recorded: the baseline is on the same examples.

    Args:
        model: The center w*. It is copied; the caller's model stays as it is, to the bit.
        target: Loss, data and scale.
        kernel: The sampler with its step size.
        components: What `somite.components` takes: a kind, a name, a pattern, or masks.
        probes: Fixed data sets whose mean loss difference is recorded at every
            `probe_every`-th draw.
        progress: Called with (chain steps done, all chain steps).
        sharing: Whether to compute once what components have in common; the numbers are the same
            to float tolerance.
        **settings: Fields of `ChainSettings`: batch_size, chains, burn_in, draws, thin,
            probe_every, seed, checkpoint.

    Returns:
        The draws, see `somite.sampling.draws.to_draws`.

    Raises:
        InputError: If anything does not fit together; before any step is made.

    Example:
        >>> import somite as so
        >>> data = torch.zeros(4, 1), torch.zeros(4, 1)
        >>> loss = lambda model, batch: (model(batch[0]) - batch[1]) ** 2
        >>> draws = sample(nn.Linear(1, 1), so.Target(loss, data, n_beta=10, localization=1),
        ...                so.SGLD(0.1), components="full", chains=2, burn_in=5, draws=10)
        >>> dict(draws.loss.sizes)
        {'component': 1, 'chain': 2, 'draw': 10}
    """
    plan = chain_settings(settings)
    masks = select(model, components)
    for name, data in (probes or {}).items():
        check_data(f"probe {name}", data)
    center = copy.deepcopy(model).eval().requires_grad_(False)
    weights = dict(center.named_parameters())
    finite_weights("model", weights)
    cache = SharedCache(center) if sharing and isinstance(center, Transformer) else None
    parts = {}
    for name, mask in masks.items():
        patch = Patch(mask, weights, units(center))
        shared = shared_view(cache, target.loss, patch) if cache else None
        parts[name] = patch, shared or whole_view(center, target.loss, patch)
    check_target(center_losses(center, target.loss), parts, target, kernel)
    engine = Engine(center, target, kernel, plan, probes or {}, cache)
    records: dict[tuple[str, int], ChainRecord] = {}
    for chain in range(plan.chains):
        for name, record in engine.run(chain, parts, progress or _silent).items():
            records[name, chain] = record
    return to_draws(records, (plan.draws, plan.probe_draws), attributes(target, kernel, plan))


def chain_settings(settings: Mapping[str, int]) -> ChainSettings:
    """Chain settings from keyword arguments.

    Raises:
        InputError: If a keyword is none of the fields; the nearest is named.
    """
    known = [field.name for field in fields(ChainSettings)]
    for name in settings:
        if name not in known:
            rule = "must be a setting of the chains"
            raise InputError(name, rule, settings[name], nearest(name, known))
    return ChainSettings(**settings)


def attributes(target: Target, kernel: Kernel, settings: ChainSettings) -> dict[str, Any]:
    """What the draws say of how they were made; estimators read the scale from here."""
    return {
        "n_beta": float(target.n_beta),
        "localization": float(target.localization),
        "kernel": type(kernel).__name__,
        **vars(kernel),
        **asdict(settings),
    }


def _silent(done: int, total: int) -> None:
    """Progress that nobody watches."""
