"""Interactions of the components of a ground truth: by the curvature of its loss, and sampled."""

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

import torch
import xarray as xr
from torch import Tensor, nn

from somite.components.mask import Mask
from somite.components.patch import Patch
from somite.components.select import units
from somite.components.unions import pairs, union
from somite.core.random import stream
from somite.curvature import BlockRoot, gauss_newton_root, hessian_product
from somite.curvature.gauss_newton import Outputs
from somite.estimators.interaction import interaction, pair_matrix
from somite.models import squared_error_loss, union_loss
from somite.models.two_stream import stream_loss
from somite.sampling.kernels.baoab import BAOAB
from somite.sampling.observables.shares import block_places
from somite.sampling.sample import sample
from somite.sampling.target import Target
from somite.sampling.views import whole_view
from somite.truths.kinds import (
    HEADS,
    NEURONS,
    PAIR,
    kind_of,
    masks_of,
    single,
    spread,
    weights_in,
)
from somite.truths.truth import GroundTruth
from somite.verify.landscapes import Copies, copies_loss, no_tilts

N_BETA, LOCALIZATION = 300.0, 30.0
"""Scale at which interactions were reliable in the first trials (R near 1)."""
EXAMPLES, ROWS, PROBES = 256, 48, 4
"""Examples, rows of tokens, and directions of a token's outputs, if there is room for so many."""
ROOM = 2e7
"""Most numbers in a root of the curvature."""
CHAINS, BURN_IN, DRAWS = 2, 60, 200
STEP = 0.5
"""Step of the sampler, in units of the shortest that a direction of the highest precision asks."""


def interaction_matrix(truth: GroundTruth, only_active: bool = True) -> xr.DataArray:
    """I of all pairs by the curvature of the loss, over active weights or over all."""
    return curvature_root(truth, only_active).interaction(N_BETA, LOCALIZATION)


def curvature_alignment(truth: GroundTruth) -> xr.DataArray:
    """‖H_AB‖² / (‖H_AA‖ ‖H_BB‖) over all weights."""
    return curvature_root(truth, only_active=False).alignment()


def sampled_interaction(truth: GroundTruth) -> xr.DataArray:
    """I of all pairs by sampling with full gradients, over active weights; of one copy, if many."""
    masks = masks_of(truth)
    highest = N_BETA * curvature_root(truth).highest + LOCALIZATION
    kernel = BAOAB(STEP / highest**0.5, 2 * LOCALIZATION**0.5)
    draws = sample(
        truth.model,
        Target(truth.loss, truth.data, N_BETA, LOCALIZATION),
        kernel,
        components=pairs(masks),
        batch_size=None,
        chains=CHAINS,
        burn_in=BURN_IN,
        draws=DRAWS,
    )
    found = pair_matrix(interaction(draws, on_failure="leave out").interaction)
    copies = len(truth.model.center) if isinstance(truth.model, Copies) else 1
    return found / copies


@lru_cache(maxsize=4)
def curvature_root(truth: GroundTruth, only_active: bool = True) -> BlockRoot:
    """Root of the curvature: Gauss-Newton of networks, the Hessian of what is at its minimum."""
    masks = masks_of(truth, only_active)
    if kind_of(truth) == NEURONS:
        return _of_neurons(truth, masks)
    if kind_of(truth) == HEADS:
        return _of_heads(truth, masks)
    return _of_hessian(truth, masks)


def one_copy(truth: GroundTruth) -> GroundTruth:
    """The truth with one copy of its landscape, where it has many."""
    if not isinstance(truth.model, Copies):
        return truth
    model = single(truth.model)
    masks = {
        name: Mask({tensor: entries[:1] for tensor, entries in mask.entries.items()})
        for name, mask in truth.components.items()
    }
    data = no_tilts(1, model.w.shape[1])
    return replace(truth, model=model, components=masks, data=data, loss=copies_loss)


def _of_neurons(truth: GroundTruth, masks: Mapping[str, Mask]) -> BlockRoot:
    squared = getattr(truth.loss, "func", truth.loss) is squared_error_loss
    assert isinstance(truth.data, tuple)
    labels = truth.data[1]
    questions = 1 if squared or labels.ndim == 1 else labels.shape[1]

    def outputs(model: nn.Module, x: Tensor) -> Tensor:
        found: Tensor = model(x)
        return found if squared else found.unflatten(-1, (questions, -1))

    kind, factor = ("squared", 0.5) if squared else ("logits", float(questions))
    with torch.no_grad():
        width = truth.model(truth.data[0][:1]).numel()
    room = int(ROOM / (weights_in(masks) * width))
    x = truth.data[0][: max(1, min(EXAMPLES, room))]
    return gauss_newton_root(truth.model, outputs, x, masks, kind, factor)


def _of_heads(truth: GroundTruth, masks: Mapping[str, Mask]) -> BlockRoot:
    """Outputs of every token along random directions, which keep H on average."""
    tokens = spread(truth, ROWS)
    outputs, factor = _logits(truth)
    with torch.no_grad():
        chances = outputs(truth.model, tokens).softmax(-1)
    count, width = chances[..., 0].numel(), chances.shape[-1]
    probes = max(1, min(PROBES, width, int(ROOM / (weights_in(masks) * count))))
    signs = torch.eye(width)
    if probes < width:
        drawn = torch.randint(
            0, 2, (*chances.shape[:-1], probes, width), generator=stream("curvature of heads")
        )
        signs, factor = drawn * 2.0 - 1, factor / probes
    rooted = signs * chances.sqrt()[..., None, :]
    directions = rooted - chances[..., None, :] * rooted.sum(-1, keepdim=True)

    def along(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
        rows, chosen = batch
        return (chosen * outputs(model, rows)[..., None, :]).sum(-1)

    batch = (tokens, directions)
    return gauss_newton_root(truth.model, along, batch, masks, factor=factor / 2)


def _logits(truth: GroundTruth) -> tuple[Outputs, float]:
    """Logits (row, …, class) of the predictions that the loss adds, and how many for a token."""
    function = getattr(truth.loss, "func", truth.loss)
    questions = 2 if function is stream_loss else 1

    def outputs(model: nn.Module, tokens: Any) -> Tensor:
        found: Tensor = model(tokens)[:, :-1]
        return found.unflatten(-1, (questions, -1)) if questions > 1 else found

    return outputs, 2.0 if function in (stream_loss, union_loss) else 1.0


def _of_hessian(truth: GroundTruth, masks: Mapping[str, Mask]) -> BlockRoot:
    if kind_of(truth) == PAIR and isinstance(truth.model, Copies):
        truth = one_copy(truth)
        masks = dict(truth.components)
    model = truth.model
    patch = Patch(union(list(masks.values())), dict(model.named_parameters()), units(model))
    view = whole_view(model, truth.loss, patch)
    product = hessian_product(lambda weights: view(truth.data, weights).mean(), patch.center)
    identity = torch.eye(len(patch.center), dtype=patch.center.dtype)
    matrix = torch.stack([product(column) for column in identity])
    places = block_places(patch, masks)
    inside = {name: place.nonzero().flatten() for name, place in places.items()}
    return BlockRoot.of_matrix((matrix + matrix.T) / 2, inside)
