"""Does λ̂ ± 1.96 mcse hold the truth as often as it says?

Over 200 repeats the interval is asked to hold the kernel's own stationary value, and the value of
the posterior. A step and minibatch noise shift the first away from the second: where the shift is
more than half an error, the interval is one for the kernel's own value only.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.stats import beta
from torch import Tensor, nn

import somite as so
from somite.sampling.convergence import effective_size, mean_error
from somite.sampling.kernels.kernel import Kernel
from somite.sampling.kernels.sgld import overdamped_variance
from somite.sampling.target import Target
from somite.theory import gaussian_llc, quadrature_llc
from somite.verify.basins import Basin, basin_loss, even_tilts, flat, straight
from somite.verify.landscapes import Copies, Height, cross, quartic

REPEATS, CHAINS = 200, 2
HALF_WIDTH = 1.96
HALF = 0.5
"""Bias in units of the error above which an interval is none for the posterior."""
CURVATURES = np.geomspace(0.3, 3.0, 8)
N_BETA, LOCALIZATION = 10.0, 2.0
TILT = 0.5
Singular = tuple[str, Height, float, Kernel, int]
SINGULAR: tuple[Singular, ...] = (
    ("w⁴", quartic, 30.0, so.SGLD(0.003), 2000),
    ("w⁴", quartic, 30.0, so.RMSpropSGLD(0.0009), 2000),
    ("w⁴", quartic, 30.0, so.BAOAB(0.12, 4.0), 600),
    ("u²v²", cross, 16.0, so.SGLD(0.004), 2000),
    ("u²v²", cross, 16.0, so.RMSpropSGLD(0.0012), 2000),
    ("u²v²", cross, 16.0, so.BAOAB(0.12, 4.0), 600),
)
"""Singular losses, each with n_beta, a kernel with a small step, and the draws of a chain."""
DIMENSIONS = {"w⁴": 1, "u²v²": 2}
SINGULAR_LOCALIZATION, SINGULAR_BURN_IN = 4.0, 300
COPIES = 4
"""Independent copies that are sampled as one: a loss of one weight alone is far from normal."""
COLUMNS = (
    *("target", "kernel", "own_value", "posterior", "coverage_of_own", "coverage_of_posterior"),
    *("coverage_range", "z_sd", "bias_in_errors", "interval_for"),
)

Row = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Question:
    """One kernel on one target.

    Args:
        name: Of the target.
        kernel: The sampler.
        model: The center.
        target: Loss, data and scale.
        posterior: Exact value of the posterior.
        own: Exact stationary value of the kernel, given its step for every weight.
        batch_size: None for full gradients.
        burn_in: Steps before the first draw.
        draws: Per chain.
    """

    name: str
    kernel: Kernel
    model: nn.Module
    target: Target
    posterior: float
    own: Callable[[Any], float]
    batch_size: int | None = None
    burn_in: int = 50
    draws: int = 200


def run(tiny: bool = False, folder: Path | None = None) -> dict[str, Any]:
    """All settings; in tiny mode few repeats of the first and the last."""
    asked = [*gaussian(0.0), *gaussian(TILT)]
    repeats = 6 if tiny else REPEATS
    if tiny:
        asked = [replace(asked[1], draws=40)]
    rows = [answer(question, repeats) for question in asked]
    rows += [on_copies(row, repeats) for row in (SINGULAR[-1:] if tiny else SINGULAR)]
    return {"repeats": repeats, "chains": CHAINS, "settings": rows}


def gaussian(tilt: float) -> list[Question]:
    """A quadratic basin with full gradients, or with additive minibatch noise."""
    variance = (N_BETA * tilt) ** 2
    data, size = (even_tilts(8, tilt), 1) if tilt else (flat(8), None)
    target = Target(basin_loss, data, N_BETA, LOCALIZATION)
    name = "Gaussian, minibatch noise" if tilt else "Gaussian, full gradients"
    exact = gaussian_llc(CURVATURES, N_BETA, LOCALIZATION)
    precisions = N_BETA * CURVATURES + LOCALIZATION

    def from_variances(variances: Sequence[float]) -> float:
        return N_BETA / 2 * float(CURVATURES @ np.array(variances))

    def of_steps(steps: Any) -> float:
        each = np.broadcast_to(np.asarray(steps), precisions.shape)
        pairs = zip(each, precisions, strict=True)
        return from_variances([overdamped_variance(e, a, variance) for e, a in pairs])

    underdamped = so.BAOAB(0.2, 4.5)

    def of_underdamped(steps: Any) -> float:
        return from_variances([underdamped.variance(a, variance) for a in precisions])

    basin = Basin(straight(CURVATURES))
    return [
        Question(name, kernel, basin, target, exact, own, size)
        for kernel, own in (
            (so.SGLD(0.04), of_steps),
            (so.RMSpropSGLD(0.025), of_steps),
            (underdamped, of_underdamped),
        )
    ]


def answer(question: Question, repeats: int) -> Row:
    """Coverage over so many repeats."""
    kernel, states = remembering(question.kernel)
    draws = so.sample(
        question.model, question.target, kernel, components="full",
        probes={"reference": question.target.data} if question.batch_size else {},
        batch_size=question.batch_size, chains=CHAINS * repeats, burn_in=question.burn_in,
        draws=question.draws, seed=11,
    )  # fmt: skip
    steps = question.burn_in + question.draws
    last = states[steps - 1 :: steps]
    places = [slice(CHAINS * i, CHAINS * (i + 1)) for i in range(repeats)]
    tables = [so.llc(draws.isel(chain=place)) for place in places]
    llc = np.array([table.llc.item() for table in tables])
    error = np.array([table.mcse.item() for table in tables])
    each = np.array([question.own(np.asarray(kernel.diffusion(state))) for state in last])
    own = np.array([each[place].mean() for place in places])
    row = judged(llc, error, own, question.posterior)
    print(f"{question.name}, {question.kernel}: {row['coverage_range']}", flush=True)
    ess = float(np.mean([table.ess.item() for table in tables]))
    return {
        "target": question.name,
        "kernel": repr(question.kernel),
        **described(llc, error, question.posterior, ess),
        **row,
        "own_value": float(own.mean()),
    }


def on_copies(question: Singular, repeats: int) -> Row:
    """Coverage on a singular loss; every few copies of one long run are a chain of their own."""
    name, height, n_beta, kernel, draws = question
    center = (0.0,) * DIMENSIONS[name]
    exact = COPIES * quadrature_llc(height, n_beta, SINGULAR_LOCALIZATION, center).llc
    model = Copies(height, center, repeats * CHAINS * COPIES)
    places = torch.arange(len(model.w))
    found = so.sample(
        model, Target(each_copy, places, n_beta, SINGULAR_LOCALIZATION), kernel,
        components="full", probes={"reference": places}, probe_every=1, pointwise=True,
        batch_size=None, chains=1, burn_in=SINGULAR_BURN_IN, draws=draws, seed=11,
    )  # fmt: skip
    heights = found.example_loss.values[0, 0].T / len(model.w)  # (copy, draw)
    series = heights.reshape(repeats, CHAINS, COPIES, draws).sum(2)
    llc = n_beta * series.mean((1, 2))
    error = n_beta * np.array([mean_error(losses) for losses in series])
    row = judged(llc, error, None, exact)
    ess = float(np.mean([effective_size(losses) for losses in series]))
    return {"target": name, "kernel": repr(kernel)} | described(llc, error, exact, ess) | row


def each_copy(model: Copies, places: Tensor) -> Tensor:
    """Loss of the copies at some places, times their number: the mean of all is their sum."""
    heights: Tensor = model.height(model.w)
    return heights[places] * len(heights)


def described(llc: np.ndarray, error: np.ndarray, posterior: float, ess: float) -> Row:
    """Mean of the estimates with its error, and how long the chains were."""
    return {
        "own_value": float("nan"),
        "posterior": posterior,
        "mean": llc.mean(),
        "mean_error": llc.std(ddof=1) / np.sqrt(len(llc)),
        "relative_mcse": np.median(error) / llc.mean(),
        "ess": ess,
    }


def judged(llc: np.ndarray, error: np.ndarray, own: np.ndarray | None, posterior: float) -> Row:
    """Coverage of both values, and what the interval is one for.

    The bias is that of the kernel's own value where it is known, else of the mean over repeats.
    """
    shift = (llc if own is None else own).mean() - posterior
    bias, size = shift / np.median(error), len(llc)
    noise = 0.0 if own is not None else llc.std(ddof=1) / np.sqrt(size) / np.median(error)
    z = (llc - (posterior if own is None else own)) / error
    return {
        "coverage_of_own": float("nan") if own is None else _coverage(z),
        "coverage_of_posterior": _coverage((llc - posterior) / error),
        "coverage_range": binomial_range(int((abs(z) <= HALF_WIDTH).sum()), size),
        "z_mean": z.mean(),
        "z_sd": z.std(ddof=1),
        "bias_in_errors": bias,
        "bias_error": noise,
        "interval_for": "posterior" if abs(bias) < HALF else "the kernel's own value",
    }


def binomial_range(hits: int, size: int) -> list[float]:
    """95 % range of a probability from hits among trials (Clopper and Pearson)."""
    low = beta.ppf(0.025, hits, size - hits + 1) if hits else 0.0
    high = beta.ppf(0.975, hits + 1, size - hits) if hits < size else 1.0
    return [round(float(low), 3), round(float(high), 3)]


def remembering(kernel: Kernel) -> tuple[Kernel, list[Any]]:
    """The same kernel, which also keeps the state after every step."""
    states: list[Any] = []

    class Remembering(type(kernel)):  # type: ignore[misc]
        def step(self, *arguments: Any) -> Any:
            place, state = super().step(*arguments)
            states.append(state)
            return place, state

    return Remembering(**vars(kernel)), states


def _coverage(z: np.ndarray) -> float:
    return float((abs(z) <= HALF_WIDTH).mean())
