"""Quadratic losses of single examples; their covariances under the posterior in closed form."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor, nn

import somite as so
from somite.core.random import stream, stream_seed
from somite.theory import gaussian_covariance, gaussian_mean, quadratic_covariance

EXAMPLES = 6
N_BETA, LOCALIZATION = 10.0, 4.0
STEP = 0.8
"""Of the length of the stiffest direction; the weights' variance is exact at any stable step."""

Row = dict[str, Any]
Batch = tuple[Tensor, Tensor]


class Point(nn.Module):
    """Weights at the origin."""

    def __init__(self, size: int) -> None:
        """Start at the center."""
        super().__init__()
        self.w = nn.Parameter(torch.zeros(size, dtype=torch.float64))


def quadratic_loss(model: Point, batch: Batch) -> Tensor:
    """g_i·w + ½ wᵀA_i w of every example."""
    slopes, curvatures = batch
    curved: Tensor = torch.einsum("i,nij,j->n", model.w, curvatures, model.w)
    return slopes @ model.w + curved / 2


@dataclass(frozen=True, eq=False)
class Posterior:
    """Random examples and the Gaussians that their mean loss makes.

    Args:
        number: Which one.
        slopes: g (example, d).
        curvatures: A (example, d, d), symmetric; their mean is not negative.
    """

    number: int
    slopes: Tensor
    curvatures: Tensor

    @classmethod
    def drawn(cls, number: int) -> "Posterior":
        """The one with this number, of 3 to 6 weights."""
        generator = stream("response benchmark", number)
        size = 3 + number % 4
        shape = (EXAMPLES, size, size)
        own = torch.randn(shape, generator=generator, dtype=torch.float64) / 2
        own = (own + own.mT) / 2
        features = torch.randn(size, size, generator=generator, dtype=torch.float64)
        curvatures = own - own.mean(0) + features @ features.T / size
        slopes = torch.randn(EXAMPLES, size, generator=generator, dtype=torch.float64) / 2
        return cls(number, slopes, curvatures)

    @property
    def places(self) -> dict[str, list[int]]:
        """Weights of a component, and of all."""
        size = self.slopes.shape[1]
        return {"A": list(range(size // 2 + 1)), "full": list(range(size))}

    def draws(self, **settings: Any) -> xr.Dataset:
        """Draws with the loss of every example."""
        data = (self.slopes, self.curvatures)
        size = self.slopes.shape[1]
        masks = {}
        for name, inside in self.places.items():
            chosen = torch.zeros(size, dtype=torch.bool)
            chosen[inside] = True
            masks[name] = so.Mask({"w": chosen})
        hessian = self.curvatures.mean(0)
        stiff = N_BETA * float(torch.linalg.eigvalsh(hessian)[-1]) + LOCALIZATION
        kernel = so.BAOAB(STEP / math.sqrt(stiff), 2 * (LOCALIZATION * stiff) ** 0.25)
        return so.sample(
            Point(size), so.Target(quadratic_loss, data, N_BETA, LOCALIZATION), kernel,
            components=masks, probes={"reference": data}, pointwise=True, probe_every=1,
            batch_size=None, stacked=True, seed=stream_seed("response", self.number), **settings,
        )  # fmt: skip

    def rows(self, **settings: Any) -> Iterator[Row]:
        """Every quantity of every pair: truth, estimate, error, scale."""
        draws = self.draws(**settings)
        losses = draws.example_loss
        answers = {e: so.susceptibility(draws, losses, estimator=e) for e in ("restricted", "full")}
        pairs = so.influence(losses)
        for name in self.places:
            exact = Exact.of(self, name)
            for kind, table in answers.items():
                if kind == "full" and name == "full":
                    continue
                one = table.sel(component=name)
                for i in range(EXAMPLES):
                    truth, scale = exact.susceptibility(i, kind)
                    yield self._row(f"susceptibility, {kind}", one.isel(example=i), truth, scale)
            table = pairs.sel(component=name)
            for i in range(EXAMPLES):
                for j in range(i):
                    one = table.isel(query=i, example=j)
                    truth, scale = exact.influence(i, j)
                    yield self._row("influence", one, truth, scale)
                    yield self._row("correlation", one, -truth / scale, 1.0)

    def _row(self, quantity: str, found: xr.Dataset, truth: float, scale: float) -> Row:
        name = quantity.split(",")[0]
        error = float(found["mcse" if name == "susceptibility" else f"{name}_mcse"])
        value = float(found[name])
        return {
            "case": self.number, "quantity": quantity, "truth": truth, "estimate": value,
            "error": error, "relative_error": error / scale,
            "within": bool(abs(value - truth) <= 2 * error),
        }  # fmt: skip


@dataclass(frozen=True, eq=False)
class Exact:
    """Closed forms of one component; the losses are its own, the rest stays at the center."""

    sigma: np.ndarray
    mean: np.ndarray
    slopes: np.ndarray
    curvatures: np.ndarray
    whole_change: np.ndarray

    @classmethod
    def of(cls, posterior: Posterior, name: str) -> "Exact":
        """Of a component."""

        def part(inside: list[int]) -> tuple[np.ndarray, ...]:
            slopes = posterior.slopes.numpy()[:, inside]
            curvatures = posterior.curvatures.numpy()[:, inside][:, :, inside]
            hessian = curvatures.mean(0)
            sigma = gaussian_covariance(hessian, N_BETA, LOCALIZATION)
            mean = gaussian_mean(hessian, slopes.mean(0), N_BETA, LOCALIZATION)
            return sigma, mean, slopes, curvatures

        whole = part(posterior.places["full"])
        return cls(*part(posterior.places[name]), _means(*whole) - _means(*whole).mean())

    def covariance(self, first: np.ndarray, second: np.ndarray) -> float:
        """Of two mixtures of the examples, given by their weights."""
        pairs = [
            (weights @ self.slopes, np.tensordot(weights, self.curvatures, 1))
            for weights in (first, second)
        ]
        return quadratic_covariance(self.sigma, *pairs, self.mean)

    def susceptibility(self, i: int, kind: str) -> tuple[float, float]:
        """χ and √(Var φ · Var ΔL)."""
        even = np.full(EXAMPLES, 1 / EXAMPLES)
        change = np.eye(EXAMPLES)[i] - even
        value = -self.covariance(even, change)
        if kind == "full":
            means = _means(self.sigma, self.mean, self.slopes, self.curvatures)
            value -= means.mean() * (means[i] - means.mean() - self.whole_change[i])
        variances = self.covariance(even, even) * self.covariance(change, change)
        return value, math.sqrt(variances)

    def influence(self, i: int, j: int) -> tuple[float, float]:
        """−Cov and √(Var · Var) of two examples."""
        one, two = np.eye(EXAMPLES)[i], np.eye(EXAMPLES)[j]
        scale = math.sqrt(self.covariance(one, one) * self.covariance(two, two))
        return -self.covariance(one, two), scale


def _means(
    sigma: np.ndarray, mean: np.ndarray, slopes: np.ndarray, curvatures: np.ndarray
) -> np.ndarray:
    """E[L_i] of every example."""
    second = sigma + np.outer(mean, mean)
    return np.asarray(slopes @ mean + np.einsum("nij,ji->n", curvatures, second) / 2)
