"""Many copies of the Gaussian basin in one chain: the law of every kernel, moment by moment.

The copies know nothing of each other, so that their mean is a sharper estimate from the same number
of steps. Chains are independent; z comes from the spread between them.
"""

from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor, nn

from laws.gaussian import coupled_curvature, recording, z_score
from laws.stationary import Pull, law
from somite import SGNHT, Target, sample
from somite.sampling.kernels import Kernel

COPIES, SIZE = 8, 4
BATCH = 2


class Crowd(nn.Module):
    """Copies of a basin, at their minimum at zero."""

    def __init__(self) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.zeros(COPIES, SIZE, dtype=torch.float64))


@dataclass(frozen=True)
class Plan:
    """What is sampled and how; `tilts` has the slopes of each example (example, weight)."""

    curvature: Tensor = field(default_factory=coupled_curvature)
    tilts: Tensor = field(default_factory=lambda: torch.zeros(3, COPIES * SIZE).double())
    n_beta: float = 10.0
    localization: float = 2.0
    chains: int = 32
    burn_in: int = 40
    settle: int = 20
    draws: int = 40

    def but(self, **changes: object) -> "Plan":
        return replace(self, **changes)

    def loss(self, model: Crowd, tilts: Tensor) -> Tensor:
        away = model.weights
        return 0.5 * (away @ self.curvature * away).sum() + tilts @ away.flatten()

    def pull(self) -> Pull:
        curvature = np.kron(np.eye(COPIES), self.n_beta * self.curvature.numpy())
        noise = self.n_beta**2 * np.cov(self.tilts.numpy().T, ddof=0) / BATCH
        return Pull(curvature, self.localization, noise)


def even_slopes(variance: float, examples: int = 100) -> Tensor:
    """Slopes with exactly the same variance in every direction, and no correlation."""
    generator = torch.Generator().manual_seed(2)
    drawn = torch.randn(examples, COPIES * SIZE, generator=generator, dtype=torch.float64)
    turned = torch.linalg.qr(drawn - drawn.mean(0))[0]
    return turned * (examples * variance) ** 0.5


def uneven_slopes() -> Tensor:
    """Slopes with correlations and different variances."""
    generator = torch.Generator().manual_seed(1)
    mixed = torch.randn(COPIES * SIZE, COPIES * SIZE, generator=generator, dtype=torch.float64)
    return even_slopes(1.0) @ (torch.eye(COPIES * SIZE, dtype=torch.float64) + 0.2 * mixed)


def plan_for(kernel: Kernel, noisy: bool) -> Plan:
    if isinstance(kernel, SGNHT):  # one thermostat keeps the law of weights that are all alike
        alike = Plan(curvature=2 * torch.eye(SIZE, dtype=torch.float64), chains=16, burn_in=200)
        return alike.but(tilts=even_slopes(1.0)) if noisy else alike
    return Plan(tilts=uneven_slopes()) if noisy else Plan()


def deviations(plan: Plan, kernel: Kernel) -> dict[str, float]:
    """z of every mean and product of the weights and of λ̂, each chain by its own frozen steps."""
    kernel, seen, states = recording(kernel)
    length = plan.burn_in + plan.settle + plan.draws
    draws = sample(
        Crowd(),
        Target(plan.loss, plan.tilts, plan.n_beta, plan.localization),
        kernel,
        components="full",
        batch_size=None if kernel.exact else BATCH,
        chains=plan.chains,
        burn_in=plan.burn_in + plan.settle * (not kernel.preconditioned),
        draws=plan.draws + plan.settle * kernel.preconditioned,
    )
    exact = [law(kernel, plan.pull(), state) for state in states[length - 1 :: length]]
    losses = draws.loss[0].isel(draw=slice(-plan.draws, None)).mean("draw").values
    half = plan.pull().loss / 2
    found = {"llc": z_score(plan.n_beta * losses, np.array([np.trace(half @ c) for c in exact]))}
    away = torch.stack(seen).reshape(plan.chains, length, COPIES, SIZE)[:, -plan.draws :].numpy()
    products = np.einsum("cdki,cdkj->cij", away, away) / (plan.draws * COPIES)
    expected = np.array([of_one_copy(c) for c in exact])
    for i in range(SIZE):
        found[f"mean {i}"] = z_score(away[..., i].mean((1, 2)), 0.0)
        for j in range(i + 1):
            found[f"product {i} {j}"] = z_score(products[:, i, j], expected[:, i, j])
    return found


def of_one_copy(covariance: np.ndarray) -> np.ndarray:
    """Mean over the copies of the covariance within a copy."""
    parts = covariance.reshape(COPIES, SIZE, COPIES, SIZE)
    return np.einsum("kikj->ij", parts) / COPIES
