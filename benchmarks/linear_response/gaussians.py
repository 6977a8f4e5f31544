"""Quadratic losses of single examples; their covariances under the posterior in closed form."""

import itertools
import math
from collections.abc import Iterator, Sequence
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


class Points(nn.Module):
    """Weights of several posteriors, at the origin (posterior, d)."""

    def __init__(self, count: int, size: int) -> None:
        """Start at the center."""
        super().__init__()
        self.w = nn.Parameter(torch.zeros(count, size, dtype=torch.float64))


def quadratic_loss(model: Points, batch: Batch) -> Tensor:
    """Σ_p g_ip·w_p + ½ w_pᵀA_ip w_p of every example: only what moves counts."""
    slopes, curvatures = batch
    curved = torch.einsum("pi,npij,pj->n", model.w, curvatures, model.w)
    return torch.einsum("npi,pi->n", slopes, model.w) + curved / 2


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
    def drawn(cls, number: int, size: int) -> "Posterior":
        """The one with this number, of so many weights."""
        generator = stream("response benchmark", number)
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

    def rows(self, draws: xr.Dataset) -> Iterator[Row]:
        """Every quantity of every pair: truth, estimate, error, scale.

        Args:
            draws: Of the components A and full of this posterior alone.
        """
        losses = draws.example_loss
        answers = {e: so.susceptibility(draws, losses, estimator=e) for e in ("restricted", "full")}
        pairs = so.influence(losses)
        for place, name in enumerate(self.places):
            exact = Exact.of(self, name)
            for kind, table in answers.items():
                if kind == name == "full":  # the same as restricted
                    continue
                for i in range(EXAMPLES):
                    found = table.susceptibility.values[place, i], table.mcse.values[place, i]
                    truth, scale = exact.susceptibility(i, kind)
                    yield self._row(f"susceptibility, {kind}", found, truth, scale)
            for i, j in itertools.combinations(range(EXAMPLES), 2):
                truth, scale = exact.influence(i, j)
                for what, exactly, size in (
                    ("influence", truth, scale),
                    ("correlation", -truth / scale, 1.0),
                ):
                    found = tuple(pairs[n].values[place, i, j] for n in (what, f"{what}_mcse"))
                    yield self._row(what, found, exactly, size)

    def _row(self, quantity: str, found: tuple[float, ...], truth: float, scale: float) -> Row:
        value, error = found
        return {
            "case": self.number, "quantity": quantity, "truth": truth, "estimate": float(value),
            "error": float(error), "relative_error": float(error) / scale,
            "within": bool(abs(value - truth) <= 2 * error),
        }  # fmt: skip


def sampled(size: int, numbers: Sequence[int], **settings: Any) -> Iterator[Row]:
    """Rows of several posteriors of one size, sampled side by side as components of one model."""
    posteriors = [Posterior.drawn(number, size) for number in numbers]
    data = tuple(
        torch.stack([getattr(p, name) for p in posteriors], 1) for name in ("slopes", "curvatures")
    )
    masks = {}
    for row, posterior in enumerate(posteriors):
        for name, inside in posterior.places.items():
            chosen = torch.zeros(len(posteriors), size, dtype=torch.bool)
            chosen[row, inside] = True
            masks[f"{name} {row}"] = so.Mask({"w": chosen})
    top = float(torch.linalg.eigvalsh(data[1].mean(0))[:, -1].max())
    stiff = N_BETA * top + LOCALIZATION
    kernel = so.BAOAB(STEP / math.sqrt(stiff), 2 * (LOCALIZATION * stiff) ** 0.25)
    target = so.Target(quadratic_loss, data, N_BETA, LOCALIZATION)
    draws = so.sample(
        Points(len(posteriors), size), target, kernel, components=masks,
        probes={"reference": data}, pointwise=True, probe_every=1, batch_size=None, stacked=True,
        seed=stream_seed("response", size, *numbers), **settings,
    )  # fmt: skip
    for row, posterior in enumerate(posteriors):
        own = draws.sel(component=[f"A {row}", f"full {row}"])
        yield from posterior.rows(own.assign_coords(component=["A", "full"]))


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
