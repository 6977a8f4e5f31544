"""Quadratic losses whose Hessian has a block for each module, with a coupling between them."""

from collections.abc import Sequence

import torch
from torch import Tensor

from somite.core.random import stream
from somite.models import GaussianBlocks, block_inputs, gaussian_blocks_loss
from somite.truths.truth import GroundTruth

MODULES = ((3, 3, 3), (3, 3, 3))
"""Weights of each component, by module."""


def gaussian_blocks(
    seed: int = 0, coupling: float = 0.0, modules: Sequence[Sequence[int]] = MODULES
) -> GroundTruth:
    """Components that depend on each other within a module, and across by the coupling.

    Args:
        seed: Of the Hessian.
        coupling: ε; the modules are exact at 0 and vanish as it grows.
        modules: Weights of each component, by module.
    """
    model = GaussianBlocks([size for module in modules for size in module])
    rows = block_inputs(modules, coupling, stream("gaussian blocks", seed))
    owners = [str(m) for m, module in enumerate(modules) for _ in module]
    components = model.components()["blocks"]
    return GroundTruth(
        name=f"Gaussian blocks, coupling {coupling:g}",
        model=model,
        loss=gaussian_blocks_loss,
        data=rows,
        components=components,
        labels=dict(zip(components, owners, strict=True)),
        notes="Every answer follows from hessian(data); see somite.theory.gaussian_llc.",
    )


def hessian(rows: Tensor) -> Tensor:
    """H = JᵀJ / rows (weights, weights) of the data of a `gaussian_blocks`."""
    found: Tensor = rows.T @ rows / len(rows)
    return found


def places(truth: GroundTruth) -> dict[str, Tensor]:
    """Rows of the Hessian that belong to each component."""
    ends = torch.tensor([mask.size for mask in truth.components.values()]).cumsum(0).tolist()
    starts = [0, *ends]
    return {name: torch.arange(starts[i], starts[i + 1]) for i, name in enumerate(truth.components)}
