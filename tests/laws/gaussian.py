"""A Gaussian local posterior whose SGLD stationary distribution is known exactly.

    loss_i(w) = ½ (w − c)' H (w − c) + t_i · (w − c),   the tilts t_i sum to zero over the data

so L(w) = ½ (w − c)' H (w − c), and a minibatch of m tilts adds gradient noise of covariance
Cov(t)/m, whatever w is. One SGLD step is linear,

    w − c ← A (w − c) + ξ,   A = 1 − (ε/2)(n_beta·H + γ),   Cov(ξ) = ε + (ε/2)² n_beta² Cov(t)/m

and its stationary covariance solves Σ = A Σ A' + Cov(ξ).
"""

from dataclasses import dataclass, field, replace

import numpy as np
import torch
import xarray as xr
from scipy.linalg import solve_discrete_lyapunov
from torch import Tensor, nn

from somite import SGLD, Mask, Target, sample

CENTER = (0.3, -1.0, 2.0, 0.5)
FLAT = torch.zeros(3, 4, dtype=torch.float64)


class Basin(nn.Module):
    """A quadratic basin in two tensors of two weights each, at its minimum c."""

    def __init__(self, curvature: Tensor) -> None:
        super().__init__()
        center = torch.tensor(CENTER, dtype=torch.float64)
        self.first, self.second = nn.Parameter(center[:2].clone()), nn.Parameter(center[2:].clone())
        self.register_buffer("center", center)
        self.register_buffer("curvature", curvature)

    def displacement(self) -> Tensor:
        return torch.cat([self.first, self.second]) - self.center


def tilted_loss(model: Basin, tilts: Tensor) -> Tensor:
    away = model.displacement()
    return 0.5 * away @ model.curvature @ away + tilts @ away


def coupled_curvature(seed: int = 0) -> Tensor:
    """A curvature with eigenvalues 0.1 … 3 and no zero entry."""
    turn = torch.linalg.qr(torch.randn(4, 4, generator=torch.Generator().manual_seed(seed)))[0]
    turn = turn.double()
    return turn @ torch.diag(torch.tensor([0.1, 0.5, 1.0, 3.0], dtype=torch.float64)) @ turn.T


def random_tilts(n: int = 40, scale: float = 1.0, seed: int = 1) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    tilts = torch.randn(n, 4, generator=generator, dtype=torch.float64) * scale
    return tilts - tilts.mean(0)


A = {"first": torch.ones(2, dtype=torch.bool)}
B = {"second": torch.ones(2, dtype=torch.bool)}
BLOCKS = {"A": Mask(A), "B": Mask(B), "AB": Mask(A | B)}
PLACES = {"A": [0, 1], "B": [2, 3], "AB": [0, 1, 2, 3]}


@dataclass(frozen=True)
class Setting:
    """What is sampled and how; every law starts from these numbers."""

    curvature: Tensor = field(default_factory=coupled_curvature)
    tilts: Tensor = field(default_factory=lambda: FLAT)
    n_beta: float = 10.0
    localization: float = 2.0
    step_size: float = 0.06
    batch_size: int = 2
    chains: int = 16
    burn_in: int = 50
    draws: int = 200
    seed: int = 0

    def but(self, **changes: object) -> "Setting":
        return replace(self, **changes)


def run(setting: Setting, block: str = "AB", kernel: SGLD | None = None) -> xr.Dataset:
    s = setting
    return sample(
        Basin(s.curvature),
        Target(tilted_loss, s.tilts, s.n_beta, s.localization),
        kernel or SGLD(s.step_size),
        components={block: BLOCKS[block]},
        **{name: getattr(s, name) for name in ("batch_size", "chains", "burn_in", "draws", "seed")},
    )


def recording(step_size: float, kind: type[SGLD] = SGLD) -> tuple[SGLD, list[Tensor]]:
    """A kernel that also keeps every weight vector it was given."""
    seen: list[Tensor] = []

    class Recording(kind):
        def step(self, weights: Tensor, drift: Tensor, noise: Tensor) -> Tensor:
            seen.append(weights)
            return super().step(weights, drift, noise)

    return Recording(step_size), seen


def kept_displacements(setting: Setting, seen: list[Tensor]) -> np.ndarray:
    """(chain, draw, 4) from the kept weights of all chains of the whole basin."""
    steps = setting.burn_in + setting.draws
    weights = torch.stack(seen).reshape(setting.chains, steps, 4)[:, setting.burn_in :]
    return (weights - torch.tensor(CENTER, dtype=torch.float64)).numpy()


def stationary(setting: Setting, block: str = "AB") -> np.ndarray:
    """Stationary covariance of the moved weights under exact SGLD."""
    s, place = setting, PLACES[block]
    drift = s.n_beta * s.curvature.numpy()[np.ix_(place, place)]
    drift += s.localization * np.eye(len(place))
    tilts = s.tilts.numpy()[:, place]
    noise = s.n_beta**2 * np.cov(tilts.T, ddof=0) / s.batch_size
    injected = s.step_size * np.eye(len(place)) + s.step_size**2 / 4 * noise
    return solve_discrete_lyapunov(np.eye(len(place)) - s.step_size / 2 * drift, injected)


def exact_llc(setting: Setting, block: str = "AB") -> float:
    """λ̂ that unbiased estimation from stationary SGLD draws converges to: ½ n_beta tr(HΣ)."""
    place = PLACES[block]
    curvature = setting.curvature.numpy()[np.ix_(place, place)]
    return 0.5 * setting.n_beta * float(np.trace(curvature @ stationary(setting, block)))


def z_score(by_chain: np.ndarray, exact: float) -> float:
    """Deviation of the mean of independent chains from the exact value, in standard errors."""
    error = by_chain.std(ddof=1) / np.sqrt(len(by_chain))
    return float((by_chain.mean() - exact) / error)


def llc_z(setting: Setting, block: str = "AB", kernel: SGLD | None = None) -> float:
    """The law that right samplers keep and wrong ones break: z of λ̂ against its exact value."""
    draws = run(setting, block, kernel)
    return z_score(setting.n_beta * draws.loss[0].mean("draw").values, exact_llc(setting, block))
