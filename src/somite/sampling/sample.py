"""The one call: sample the local posterior of every component around a model's weights."""

import copy
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import torch
import xarray as xr
from torch import nn

from somite.components.mask import Mask
from somite.components.patch import Patch
from somite.components.select import components as select
from somite.components.select import units
from somite.core.checks import finite_weights, from_keywords, movable_weights
from somite.core.errors import InputError
from somite.sampling.automatic import sample_to_error
from somite.sampling.center import CenterGradients, center_statistics
from somite.sampling.draws import REFERENCE, ChainRecord, to_draws
from somite.sampling.engine import Engine
from somite.sampling.kernels.kernel import Kernel
from somite.sampling.observables.shares import block_places
from somite.sampling.preflight import FEW, check_components, check_kernel, check_loss
from somite.sampling.probing import Observable, observables
from somite.sampling.recording import Record, recording
from somite.sampling.settings import ChainSettings
from somite.sampling.sharing import Sharing
from somite.sampling.stacking import make_engine
from somite.sampling.target import Data, Target, n_examples, rows
from somite.sampling.views import View, center_losses, whole_view
from somite.sampling.vocabulary import check_vocabulary

Progress = Callable[[int, int], None]


@torch.enable_grad()
def sample(
    model: nn.Module,
    target: Target,
    kernel: Kernel,
    *,
    components: str | Mapping[str, Mask] = "heads",
    probes: Mapping[str, Data | Observable] | None = None,
    blocks: Mapping[str, Mask] | None = None,
    pointwise: bool = False,
    block_energies: bool = False,
    record: Record | None = None,
    progress: Progress | None = None,
    sharing: bool = True,
    **settings: Any,
) -> xr.Dataset:
    """Sample the local posterior of every component around the model's weights.

    At a draw w of chain k, on the minibatch B of that step and before the step that leaves w, the
    difference L_B(w) − L_B(w*) is recorded: the baseline is on the same examples. With
    `control_variates` so is the slope at w*, and the noise of minibatches is of second order.

    Args:
        model: The center w*. The caller's model stays as it is, to the bit; its weights are read
            while sampling goes on.
        target: Loss, data and scale.
        kernel: The sampler with its step size.
        components: What `somite.components` takes: a kind, a name, a pattern, or masks.
        probes: Fixed data sets whose mean loss difference is recorded at every
            `probe_every`-th draw, or a `somite.Observable` with a loss of its own. The one named
            "reference" should hold examples of the target's own data: it enters the error of the
            estimate.
        blocks: Masks whose shares of the pull of the loss are recorded at every draw.
        pointwise: Whether to keep the loss of every example of the reference probe (for WAIC).
        block_energies: Whether to record at each draw of the probes what the loss on the reference
            probe would be had a block alone moved; one forward pass more for every block.
        record: What to store of single examples or tokens of the probes, see `somite.Record`.
        progress: Called with (chain steps done, all chain steps known of).
        sharing: Whether to compute once what components have in common; the numbers are the same
            to float tolerance.
        **settings: Fields of `ChainSettings`: batch_size, accumulate, chains, burn_in, draws,
            error, most_draws, thin, probe_every, seed, checkpoint, control_variates, stacked,
            precision, compile.

    Returns:
        The draws, see `somite.sampling.draws.to_draws`; for each component also `size`, the number
        of moved weights, and what the center says, see `center_statistics`: `center_gradient` and
        `gradient_noise`.

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
    movable_weights("model", dict(model.named_parameters()))
    masks = select(model, components)
    blocks = select(model, blocks) if blocks else {}
    watched = observables(probes or {})
    check_kernel(kernel, target, plan)
    check_recorded(probes or {}, blocks, pointwise, block_energies)
    if record is not None:
        record.check(list(probes or {}))
    alone = {"block_energies": block_energies, "record": record, "an observable": watched}
    for name in (name for name, asked in alone.items() if asked):
        plan = unstacked(plan, name)
    center = frozen(model)
    finite_weights("model", dict(center.named_parameters()))
    check_vocabulary("data", center_losses(center, target.loss), target.data)
    few = rows(target.data, slice(0, FEW))
    losses = check_loss(center_losses(center, target.loss), few)
    shared = Sharing(center, target.loss, few) if sharing else None
    parts = views(center, target, masks, shared)
    check_components(losses, parts, target, kernel, plan.chunk(n_examples(target.data)))
    if shared:
        shared.clear()
    engine = make_engine(center, target, kernel, plan, probes or {}, shared, parts)
    patches = {name: patch for name, (patch, _) in parts.items()}
    engine.blocks = {name: block_places(patch, blocks) for name, patch in patches.items()}
    engine.pointwise, engine.energies = pointwise, block_energies
    moved = {name for mask in masks.values() for name in mask.entries}
    gradients = CenterGradients(center, target.loss, moved)
    statistics = center_statistics(gradients, target.data, patches, plan)
    if plan.control_variates and not plan.full_batch(n_examples(target.data)):
        engine.subtract(gradients)
    most = plan.probe_draws(plan.most_draws if plan.draws == "auto" else plan.draws)
    with recording(record, engine.probes, list(parts), plan.chains, most) as recorder:
        engine.recorder = recorder
        found = walked(engine, parts, list(blocks), progress or _silent)
        for i, name in enumerate(("center_gradient", "gradient_noise")):
            found[name] = ("component", [statistics[component][i] for component in parts])
        found["size"] = ("component", [patch.size for patch in patches.values()])
        found.attrs |= {"observables": watched} if watched else {}
        if recorder is not None:
            recorder.finish(found)
    return found


def walked(
    engine: Engine,
    parts: Mapping[str, tuple[Patch, View]],
    blocks: Sequence[str],
    progress: Progress,
) -> xr.Dataset:
    """Walk all chains to their end; the draws, see `somite.sampling.draws.to_draws`."""
    plan = engine.settings
    records, draws, reached = run_chains(engine, parts, progress)
    attrs = attributes(engine.target, engine.kernel, plan) | {
        "draws": draws,
        "stacked": engine.stacked,
        "center_loss": float(engine.center_loss.double().mean()),
    }
    if plan.automatic:
        attrs |= {"error_asked": plan.error, "error_reached": reached}
    return to_draws(records, (draws, plan.probe_draws(draws)), blocks, attrs)


def frozen(model: nn.Module) -> nn.Module:
    """The model in evaluation mode, without gradients: a copy of everything but the weights."""
    weights = {id(p): nn.Parameter(p.detach(), requires_grad=False) for p in model.parameters()}
    copied: nn.Module = copy.deepcopy(model, dict(weights))
    return copied.eval()


def check_recorded(
    probes: Collection[str], blocks: Mapping[str, Mask], pointwise: bool, block_energies: bool
) -> None:
    """Require what the numbers that are asked for are made of.

    Raises:
        InputError: If the reference probe or the blocks are missing.
    """
    for name, asked in (("pointwise", pointwise), ("block_energies", block_energies)):
        if asked and REFERENCE not in probes:
            remedy = 'Pass probes={"reference": data}.'
            raise InputError(name, "needs the probe named reference", list(probes), remedy)
    if block_energies and not blocks:
        raise InputError("block_energies", "needs blocks", None, "Pass blocks=masks.")


def unstacked(plan: ChainSettings, what: str) -> ChainSettings:
    """The plan for one chain after another: some things are recorded only there.

    Raises:
        InputError: If stacked chains were asked for.
    """
    if plan.stacked:
        raise InputError("stacked", f"must be False with {what}", True, "Leave it out.")
    return replace(plan, stacked=False)


def views(
    center: nn.Module, target: Target, masks: Mapping[str, Mask], sharing: Sharing | None
) -> dict[str, tuple[Patch, View]]:
    """For every component its moved weights, and the losses that they give.

    Args:
        center: The model at w*.
        target: Holds the loss.
        masks: The components.
        sharing: What components share; None for nothing.

    Returns:
        (patch, view) by component.
    """
    weights, cuts, parts = dict(center.named_parameters()), units(center), {}
    for name, mask in masks.items():
        patch = Patch(mask, weights, cuts)
        view = sharing.view(patch) if sharing else whole_view(center, target.loss, patch)
        parts[name] = patch, view
    return parts


def run_chains(
    engine: Engine, parts: Mapping[str, tuple[Patch, View]], progress: Progress
) -> tuple[dict[tuple[str, int], ChainRecord], int, float]:
    """Walk all chains to their end.

    Returns:
        The records by (component, chain), the number of draws, and the relative error reached with
        an automatic number of draws (NaN with a fixed one).
    """
    plan = engine.settings
    walks = [engine.open(chain, parts) for chain in range(plan.chains)]
    done = 0

    def advance(draws: int) -> None:
        steps = plan.steps(draws)
        total = len(parts) * plan.chains * steps

        def count(more: int) -> None:
            nonlocal done
            done += more
            progress(done, total)

        engine.advance(walks, steps, count)

    reached = math.nan
    if plan.draws == "auto":
        draws, reached = sample_to_error(advance, walks, plan)
    else:
        draws = plan.draws
        advance(draws)
    records = {
        (name, chain): record
        for chain, walk in enumerate(walks)
        for name, record in engine.finish(walk).items()
    }
    return records, draws, reached


def chain_settings(settings: Mapping[str, Any]) -> ChainSettings:
    """Chain settings from keyword arguments.

    Raises:
        InputError: If a keyword is none of the fields; the nearest is named.
    """
    return from_keywords(ChainSettings, "must be a setting of the chains", settings)


def attributes(target: Target, kernel: Kernel, settings: ChainSettings) -> dict[str, Any]:
    """What the draws say of how they were made; estimators read the scale from here."""
    scale = ("n_beta", "localization", "weight_decay", "bounding_box", "n")
    n = n_examples(target.data)
    plan = asdict(settings) | {
        "batch_size": settings.batch_size or n,
        "full_gradients": settings.full_batch(n),
    }
    given = {name: getattr(target, name) for name in scale}
    return {
        **{name: value for name, value in given.items() if value is not None},
        "kernel": type(kernel).__name__,
        **vars(kernel),
        **plan,
    }


def _silent(done: int, total: int) -> None:
    """Progress that nobody watches."""
