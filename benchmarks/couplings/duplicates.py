"""Duplicate subnetworks y = f(u)/2 + f(v)/2 at u = v, f(x; u) = tanh(u·x): GT4 of MODULARITY §6.

Each copy has d directions that the loss sees, and so has their sum; Gauss-Newton and the Hessian
say I = d/2. But along δu = −δv the loss is a quartic, since tanh is curved: λ_AB = d/2 + d/4 and
I = d/4 for n_beta → ∞. Truth at the same n_beta and localization by quadrature in 2d dimensions,
in the directions a = (δu + δv)/2, b = (δu − δv)/2, which have scales of their own.
"""

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

import somite as so
from couplings.compare import Problem, paired, sampled
from couplings.planes import masks, with_interaction
from somite.theory import block_truth, gaussian_truth
from somite.verify.landscapes import Copies, copies_loss, no_tilts

N_BETA, LOCALIZATION = 1e4, 1.0
STEP = 0.5
"""Of the length of the stiffest direction."""
POINTS = {1: 401, 2: 41}
"""Of the quadrature along each axis."""
REACH, QUARTIC_REACH = 14.0, 3.6
"""Half the width of the grid, in deviations along a, in n_beta^(-1/4) along b.

The valley is bent: at 7 deviations along a the grid would cut it off, and I be 1 % too high.
"""
CHUNK = 2**17


def inputs(rank: int) -> Tensor:
    """Inputs x (example, d), alike in all directions."""
    if rank == 1:
        return torch.linspace(-2.0, 2.0, 9, dtype=torch.float64)[:, None]
    angles = torch.arange(8, dtype=torch.float64) * math.pi / 8
    ring = torch.stack([angles.cos(), angles.sin()], 1)
    return torch.cat([0.7 * ring, 1.8 * ring])


def center(rank: int) -> tuple[float, ...]:
    """U = v, away from the origin, where tanh is curved."""
    half = (0.8, -0.5)[:rank]
    return (*half, *half)


def height(rank: int) -> Any:
    """Mean squared error of weights (…, 2d) = (u, v)."""
    x, truth = inputs(rank), torch.tensor(center(rank)[:rank], dtype=torch.float64)
    wanted = torch.tanh(x @ truth)

    def loss(w: Tensor) -> Tensor:
        both = torch.tanh(w[..., :rank] @ x.T) + torch.tanh(w[..., rank:] @ x.T)
        return ((both / 2 - wanted) ** 2).mean(-1)

    return loss


def problem(rank: int, copies: int) -> Problem:
    """Copies of the pair of subnetworks, with truth by quadrature."""
    stiff = N_BETA * float(hessian(rank).diagonal().sum()) + LOCALIZATION
    friction = 2 * (LOCALIZATION * stiff) ** 0.25
    return Problem(
        f"duplicates, d {rank}", Copies(height(rank), center(rank), copies),
        so.Target(copies_loss, no_tilts(copies, 2 * rank), N_BETA, LOCALIZATION),
        so.BAOAB(STEP / math.sqrt(stiff), friction), masks(copies, rank),
        lambda: with_interaction(truth(rank)), copies,
    )  # fmt: skip


def hessian(rank: int) -> Tensor:
    """Of the loss at the center (2d, 2d); here it is the Gauss-Newton matrix."""
    at = torch.tensor(center(rank), dtype=torch.float64)
    found: Tensor = torch.autograd.functional.hessian(height(rank), at)
    return found


def quadratic(rank: int) -> float:
    """I as Gauss-Newton has it."""
    blocks = {"A": list(range(rank)), "B": list(range(rank, 2 * rank))}
    exact = gaussian_truth(hessian(rank).numpy(), blocks, N_BETA, LOCALIZATION)
    return float(exact.total_coupling)


def truth(rank: int, points: int | None = None) -> Any:
    """λ of one copy alone and of both, and the shares, by quadrature."""
    points = points or POINTS[rank]
    alone, _ = _integrate(rank, points, together=False)
    both, moments = _integrate(rank, points, together=True)
    share = {"A": rank / 2 - LOCALIZATION * moments / 4}
    return block_truth({"A": alone, "B": alone}, {**share, "B": share["A"]}, both)


def _integrate(rank: int, points: int, together: bool) -> tuple[float, float]:
    """λ, and E‖Δw‖² of all moved weights."""
    spreads, turn = _axes(rank, together)
    line = torch.linspace(-1.0, 1.0, points, dtype=torch.float64)
    at = torch.tensor(center(rank), dtype=torch.float64)
    f, sums, top = height(rank), np.zeros(3), -math.inf
    grid = torch.cartesian_prod(*[line] * len(spreads)).reshape(-1, len(spreads))
    for part in grid.split(CHUNK):
        away = (part * spreads) @ turn.T
        excess, squared = f(at + away), (away**2).sum(-1)
        log_density = -N_BETA * excess - LOCALIZATION / 2 * squared
        highest = max(top, float(log_density.max()))
        sums *= math.exp(top - highest)
        weight, top = torch.exp(log_density - highest), highest
        sums += [float(weight.sum()), float(weight @ excess), float(weight @ squared)]
    return N_BETA * sums[1] / sums[0], sums[2] / sums[0]


def _axes(rank: int, together: bool) -> tuple[Tensor, Tensor]:
    """Half-widths of the grid, and its axes as columns (2d, axes)."""
    matrix = hessian(rank)
    if not together:
        values, vectors = torch.linalg.eigh(matrix[:rank, :rank])
        turn = torch.cat([vectors, torch.zeros_like(vectors)])
        return REACH / (N_BETA * values + LOCALIZATION).sqrt(), turn
    values, vectors = torch.linalg.eigh(matrix[:rank, :rank] + matrix[:rank, rank:])
    stiff = REACH / (2 * N_BETA * values + 2 * LOCALIZATION).sqrt()
    soft = torch.stack([_quartic_width(rank, column) for column in vectors.T])
    axes = torch.cat([torch.cat([vectors, vectors]), torch.cat([vectors, -vectors])], dim=1)
    return torch.cat([stiff, soft]), axes


def _quartic_width(rank: int, direction: Tensor) -> Tensor:
    """Along b the loss is c·b⁴."""
    at = torch.tensor(center(rank), dtype=torch.float64)
    step = 0.05
    away = step * torch.cat([direction, -direction])
    quartic = height(rank)(at + away) / step**4
    return QUARTIC_REACH * (N_BETA * quartic) ** -0.25


def compare(rank: int, copies: int, **settings: Any) -> dict[str, Any]:
    """Sampled I against quadrature and Gauss-Newton."""
    case = problem(rank, copies)
    table = so.interaction(paired(sampled(case, **settings)))
    value, error = float(table.interaction[0]) / copies, float(table.mcse[0]) / copies
    exact, wrong = float(case.exact().total_coupling), quadratic(rank)
    return {
        "d": rank, "sampled": value, "error": error, "quadrature": exact, "Gauss-Newton": wrong,
        "z": (value - exact) / error, "z of Gauss-Newton": (value - wrong) / error,
        "error asked": rank / 16, "anharmonicity": float(table.anharmonicity[0]),
        "remark": str(table.remark.values[0]),
    }  # fmt: skip
