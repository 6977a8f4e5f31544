"""A Gaussian local posterior on which the stationary law of every kernel is known exactly.

    loss_i(w) = ½ (w − c)' H (w − c) + t_i · (w − c),   the tilts t_i sum to zero over the data

so L(w) = ½ (w − c)' H (w − c), and a minibatch of m tilts adds gradient noise of covariance
Cov(t)/m, whatever w is. The law itself is in `stationary`.
"""

from dataclasses import dataclass, field, replace

import numpy as np
import torch
import xarray as xr
from torch import Tensor, nn

from somite import SGLD, Mask, Target, sample
from somite.sampling.kernels import Kernel

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


def even_tilts(variance: float) -> Tensor:
    """Tilts with the same variance in every direction: ± each axis."""
    axes = torch.eye(4, dtype=torch.float64) * (4 * variance) ** 0.5
    return torch.cat([axes, -axes])


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
    burn_in: int = 40
    draws: int = 120
    seed: int = 0

    def but(self, **changes: object) -> "Setting":
        return replace(self, **changes)


def run(setting: Setting, block: str = "AB", kernel: Kernel | None = None) -> xr.Dataset:
    s = setting
    kernel = kernel or SGLD(s.step_size)
    return sample(
        Basin(s.curvature),
        Target(tilted_loss, s.tilts, s.n_beta, s.localization),
        kernel,
        components={block: BLOCKS[block]},
        batch_size=None if kernel.exact else s.batch_size,
        **{name: getattr(s, name) for name in ("chains", "burn_in", "draws", "seed")},
    )


def recording(kernel: Kernel) -> tuple[Kernel, list[Tensor], list[object]]:
    """The same kernel, which also keeps every weight vector and state it was given."""
    seen: list[Tensor] = []
    states: list[object] = []

    class Recording(type(kernel)):
        def step(self, here, state, scene):
            seen.append(here.weights)
            states.append(state)
            return super().step(here, state, scene)

    return Recording(**vars(kernel)), seen, states


@dataclass(frozen=True)
class Walked:
    """Draws of one component with the weights behind them.

    `away` is (chain, draw, d), `states` holds for every chain its state at the last draw.
    """

    draws: xr.Dataset
    away: np.ndarray
    states: list[object]


def walked(setting: Setting, kernel: Kernel, block: str = "AB") -> Walked:
    kernel, seen, states = recording(kernel)
    draws = run(setting, block, kernel)
    steps = setting.burn_in + setting.draws
    center = torch.tensor(CENTER, dtype=torch.float64)[PLACES[block]]
    away = (torch.stack(seen) - center).reshape(setting.chains, steps, -1)
    return Walked(draws, away[:, setting.burn_in :].numpy(), states[steps - 1 :: steps])


def z_score(by_chain: np.ndarray, exact: float | np.ndarray) -> float:
    """Deviation of independent chains from their exact values, in standard errors of the mean."""
    off = np.asarray(by_chain) - exact
    return float(off.mean() / (off.std(ddof=1) / np.sqrt(len(off))))
