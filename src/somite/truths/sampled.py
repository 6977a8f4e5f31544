"""Interactions of ground truths from chains, and beside them those of the Gauss-Newton matrix.

For truths whose loss needs no examples (linear networks, by the product of their weights) and for
the planted streams. Chains take full gradients unless a batch size is given, with a step that suits
the stiffest direction of the Gauss-Newton matrix.
"""

import math
from collections.abc import Mapping
from typing import Any

import torch
import xarray as xr
from torch import Tensor, nn

from somite.components.mask import Mask
from somite.components.unions import pairs
from somite.core.errors import InputError
from somite.curvature import BlockCurvature, gauss_newton
from somite.estimators.interaction import interaction
from somite.estimators.llc import llc
from somite.models import BlockLinear, DeepLinear, Transformer, union_loss
from somite.sampling import BAOAB, Target, sample
from somite.truths.streams import VOCABULARY
from somite.truths.truth import GroundTruth

STEP = 0.5
"""Of the length of the stiffest direction; BAOAB is stable below 2."""
CHAINS: Mapping[str, Any] = {
    "chains": 4, "burn_in": 200, "draws": 400, "thin": 2, "batch_size": None, "probe_every": 400
}  # fmt: skip
ROWS = 4
"""Rows of tokens behind the Gauss-Newton matrix of a transformer."""


def curvature(truth: GroundTruth, components: Mapping[str, Mask] | None = None) -> BlockCurvature:
    """Gauss-Newton matrix of a linear network or of planted streams.

    Args:
        truth: Of `block_linear` or `two_streams`.
        components: Disjoint masks; those of the truth if left out.

    Raises:
        InputError: If it is another truth.

    Example:
        >>> from somite.truths.linear import block_linear
        >>> curvature(block_linear(degenerate=False)).matrix.shape
        torch.Size([32, 32])
    """
    model, blocks = truth.model, truth.components if components is None else components
    if isinstance(model, DeepLinear | BlockLinear):
        net = model.net(0) if isinstance(model, BlockLinear) else model
        inputs, outputs = _widths(model)
        unit = torch.eye(inputs, dtype=net.truth.dtype)
        factor = net.input_variance * inputs / outputs
        return gauss_newton(model, _outputs, unit, blocks, factor=factor)
    if isinstance(model, Transformer):
        union = getattr(truth.loss, "func", None) is union_loss
        assert isinstance(truth.data, Tensor)
        shape = (1, 2 * VOCABULARY) if union else (2, VOCABULARY)

        def logits(inner: nn.Module, tokens: Tensor) -> Tensor:
            found: Tensor = inner(tokens)[:, :-1].unflatten(-1, shape)
            return found

        return gauss_newton(model, logits, truth.data[:ROWS], blocks, "logits", 2.0)
    remedy = "Take `block_linear` or `two_streams`."
    raise InputError("truth", "must be of linear networks or streams", truth.name, remedy)


def draws_of(
    truth: GroundTruth,
    components: Mapping[str, Mask],
    scale: tuple[float, float],
    seed: int,
    **settings: Any,
) -> xr.Dataset:
    """Chains of components, all of them with the same noise.

    Args:
        truth: Of `block_linear` or `two_streams`.
        components: Masks; those of `pairs` for interactions.
        scale: n_beta and localization.
        seed: Of the chains.
        **settings: In place of those of `CHAINS`.
    """
    n_beta, localization = scale
    stiffest = float(torch.linalg.eigvalsh(curvature(truth).matrix)[-1])
    stiff = n_beta * stiffest + localization
    kernel = BAOAB(STEP / math.sqrt(stiff), 2 * (localization * stiff) ** 0.25)
    target = Target(truth.loss, truth.data, n_beta, localization)
    chains = {**CHAINS, **settings}
    return sample(truth.model, target, kernel, components=components, seed=seed, **chains)


def sampled_interactions(
    truth: GroundTruth,
    scale: tuple[float, float],
    seed: int,
    components: Mapping[str, Mask] | None = None,
    **settings: Any,
) -> xr.Dataset:
    """Interactions of all pairs, from chains.

    Args:
        truth: Of `block_linear` or `two_streams`.
        scale: n_beta and localization.
        seed: Of the chains.
        components: Disjoint masks; those of the truth if left out.
        **settings: In place of those of `CHAINS`.

    Returns:
        As `somite.interaction`.
    """
    masks = pairs(truth.components if components is None else components)
    return interaction(draws_of(truth, masks, scale, seed, **settings))


def additivity(
    truth: GroundTruth,
    blocks: Mapping[str, Mask],
    scale: tuple[float, float],
    seed: int,
    **settings: Any,
) -> dict[str, float]:
    """Does the coefficient of all blocks equal the sum of theirs? From chains that share nothing.

    With common noise the difference would vanish draw by draw wherever blocks are apart; every
    block and the whole have seeds of their own here.

    Args:
        truth: Of `block_linear`.
        blocks: Disjoint masks.
        scale: n_beta and localization.
        seed: Of the first block; others follow.
        **settings: In place of those of `CHAINS`.

    Returns:
        `sum` and `whole` with `sum_mcse`, `whole_mcse`, and `gap`, (sum − whole) / whole, with
        `gap_mcse`.
    """
    parts = list(blocks.values())
    whole = parts[0]
    for part in parts[1:]:
        whole = whole | part
    masks = {**blocks, "whole": whole}
    found = []
    for place, (name, mask) in enumerate(masks.items()):
        own = llc(draws_of(truth, {name: mask}, scale, seed * len(masks) + place, **settings))
        found.append((float(own.llc[0]), float(own.mcse[0])))
    total = sum(value for value, _ in found[:-1])
    error = math.hypot(*(e for _, e in found[:-1]))
    value, own_error = found[-1]
    return {
        "sum": total,
        "sum_mcse": error,
        "whole": value,
        "whole_mcse": own_error,
        "gap": (total - value) / value,
        "gap_mcse": math.hypot(error / value, own_error * total / value**2),
    }


def _outputs(model: nn.Module, x: Tensor) -> Tensor:
    found: Tensor = model(x)
    return found


def _widths(model: DeepLinear | BlockLinear) -> tuple[int, int]:
    """Inputs and outputs of all blocks together."""
    nets = (
        [model.net(b) for b in range(len(model.nets))]
        if isinstance(model, BlockLinear)
        else [model]
    )
    outputs, inputs = (sum(net.truth.shape[axis] for net in nets) for axis in (0, 1))
    return inputs, outputs
