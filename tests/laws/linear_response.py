"""Quadratic losses under a Gaussian posterior, whose covariances are known; draws are correlated.

L_i = g_i·Δ + ½ ΔᵀA_iΔ,   Δ ~ N(μ, Σ),   successive draws of a chain with correlation ρ
"""

from dataclasses import dataclass, field

import numpy as np
import xarray as xr

from somite.theory import quadratic_covariance

N_BETA = 10.0
AXES = ("component", "chain", "probe_draw")


@dataclass
class Case:
    """One Gaussian posterior with random losses; the first of them is the reference.

    Args:
        seed: Of everything.
        items: Losses beside the reference.
        chains: Number of chains.
        draws: Of each chain.
        correlation: Of successive draws.
        noise: Size of a noise that the losses have in common at a draw, as those of a minibatch.
    """

    seed: int = 0
    items: int = 3
    chains: int = 4
    draws: int = 800
    correlation: float = 0.5
    noise: float = 0.0
    size: int = field(init=False)

    def __post_init__(self) -> None:
        random = np.random.default_rng(self.seed)
        self.size = int(random.integers(2, 6))
        d = self.size
        root = random.normal(size=(d, d)) / np.sqrt(d) + 0.3 * np.eye(d)
        self.sigma, self.mean = root @ root.T, random.normal(size=d)
        curved = random.normal(size=(self.items + 1, d, d))
        self.curvatures = (curved + curved.transpose(0, 2, 1)) / 2
        self.slopes = random.normal(size=(self.items + 1, d))
        steps = random.normal(size=(self.draws, self.chains, d))
        for i in range(1, self.draws):
            fresh = np.sqrt(1 - self.correlation**2) * steps[i]
            steps[i] = self.correlation * steps[i - 1] + fresh
        self.weights = self.mean + steps.transpose(1, 0, 2) @ root.T  # (chain, draw, d)
        shared = self.noise * random.normal(size=(self.chains, self.draws, 1))
        self.losses = self.quadratics(self.weights) + shared

    def quadratics(self, weights: np.ndarray) -> np.ndarray:
        """Losses (…, item) at weights (…, d)."""
        curved = np.einsum("...i,kij,...j->...k", weights, self.curvatures, weights)
        return weights @ self.slopes.T + curved / 2

    def exact(self, i: int, j: int) -> float:
        """Cov(L_i, L_j)."""
        pairs = [(self.slopes[k], self.curvatures[k]) for k in (i, j)]
        return quadratic_covariance(self.sigma, *pairs, self.mean)

    @property
    def recorded(self) -> xr.DataArray:
        """Losses of the items, as recorded."""
        coords = {"component": ["A"], "chain": np.arange(self.chains)}
        return xr.DataArray(self.losses[None, ..., 1:], coords, (*AXES, "example"))

    def susceptibility(self, item: int) -> float:
        """−Cov(L, L_item − L), L the reference."""
        return self.exact(0, 0) - self.exact(0, item)

    def scale(self, item: int) -> float:
        """√(Var L · Var (L_item − L))."""
        change = self.exact(item, item) - 2 * self.exact(0, item) + self.exact(0, 0)
        return float(np.sqrt(self.exact(0, 0) * change))

    def dataset(self) -> xr.Dataset:
        """Draws with the reference probe."""
        return as_draws({"A": self.losses[..., 0]})


def together(cases: list[Case]) -> tuple[xr.Dataset, xr.DataArray]:
    """Draws and losses of several cases, each a component of its own."""
    names = [f"{case.seed}" for case in cases]
    draws = as_draws({f"{case.seed}": case.losses[..., 0] for case in cases})
    coords = {"component": names, "chain": draws.chain.values}
    losses = np.stack([case.losses[..., 1:] for case in cases])
    return draws, xr.DataArray(losses, coords, (*AXES, "example"))


def as_draws(reference: dict[str, np.ndarray], **settings: object) -> xr.Dataset:
    """Draws of components with these losses (chain, draw) on the reference probe."""
    values = np.stack(list(reference.values()))
    chains = values.shape[1]
    return xr.Dataset(
        {
            "probe_loss": (("probe", *AXES), values[None]),
            "loss": (("component", "chain", "draw"), values),
            "status": (AXES[:2], np.full((len(values), chains), "converged", dtype="U40")),
        },
        {"component": list(reference), "chain": np.arange(chains), "probe": ["reference"]},
        {"n_beta": N_BETA, "localization": 1.0, "seed": 0, **settings},
    )
