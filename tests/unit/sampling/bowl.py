"""A quadratic loss whose gradients, minibatch noise and posterior are known exactly.

    loss_i(w) = ½ Σ h (w − c)² + t_i · (w − c),   h the curvatures, t_i the tilts (the data)

so that ∇L(c) is the mean tilt, a minibatch of m tilts adds noise of covariance Cov(t)/m whatever w
is, and gradients differ between minibatches by the same vector everywhere.
"""

import numpy as np
import torch
import xarray as xr
from torch import Tensor, nn

import somite as so

CURVATURES = (1.0, 3.0)
CENTER = (0.3, -1.0)
N_BETA, LOCALIZATION = 10.0, 2.0


class Bowl(nn.Module):
    """Weights of its own at c; d is the number of curvatures."""

    def __init__(self, curvatures: tuple[float, ...] = CURVATURES) -> None:
        super().__init__()
        repeated = CENTER * (len(curvatures) // 2)
        self.weight = nn.Parameter(torch.tensor(repeated, dtype=torch.float64))
        self.register_buffer("bottom", self.weight.detach().clone())
        self.register_buffer("curvatures", torch.tensor(curvatures, dtype=torch.float64))


def bowl_loss(model: Bowl, tilts: Tensor) -> Tensor:
    away = model.weight - model.bottom
    return (model.curvatures * away.square()).sum() / 2 + tilts @ away


def level(n: int = 6, d: int = 2) -> Tensor:
    """Tilts of zero: all minibatches agree, and the center is the minimum."""
    return torch.zeros(n, d, dtype=torch.float64)


def tilts(mean: float = 0.0, scale: float = 2.0, n: int = 40, d: int = 2) -> Tensor:
    """Tilts with exactly this mean."""
    drawn = torch.randn(n, d, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    return scale * (drawn - drawn.mean(0)) + mean


def sample_bowl(
    kernel: object = None, data: Tensor | None = None, prior: object = None, **settings: object
) -> xr.Dataset:
    """Draws of the bowl; `prior` holds arguments of `Target`, `settings` those of `sample`."""
    model = settings.pop("model", None) or Bowl()
    scale = {"n_beta": N_BETA, "localization": LOCALIZATION, **(prior or {})}
    target = so.Target(bowl_loss, level() if data is None else data, **scale)
    plan = {"components": "weight", "batch_size": 2, "burn_in": 0, "draws": 20, **settings}
    return so.sample(model, target, kernel or so.SGLD(0.05), **plan)


def z_score(values: np.ndarray, exact: float) -> float:
    """Deviation of a mean of independent values from the exact one, in standard errors."""
    return float((values.mean() - exact) / (values.std(ddof=1) / np.sqrt(len(values))))
