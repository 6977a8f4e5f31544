"""Sampler against sampler at equal gradient evaluations.

Every chain may evaluate so many gradients, burn-in included; on minibatches, one gradient on the
whole data counts as many as it has minibatches. Steps follow one rule: a bias of 5 % along the
stiffest direction for SGLD, half of the largest stable step for BAOAB, a quarter for SGNHT, the
usual acceptance rates for MALA and HMC. What a preconditioned kernel makes of its step depends on
the size of gradients; these run at several multiples of a step that is safe for vanishing ones.
Each chain gives an estimate of its own.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

import somite as so
from questions.reference import long_run, tuned
from somite.core.random import stream
from somite.models import (
    DeepLinear,
    deep_linear_loss,
    deep_linear_population_loss,
    random_center,
)
from somite.sampling.convergence import effective_size
from somite.sampling.kernels.kernel import Kernel
from somite.sampling.target import Target, n_examples
from somite.theory import gaussian_llc, hessian_spectrum
from somite.verify.basins import Basin, basin_loss, flat, straight

GRADIENTS, CHAINS = 2400, 5
BURN_IN = 0.1
BIAS = 0.05
"""εa/4 along the stiffest direction."""
LAG = 19.0
"""By how much averaging gradients at momentum 0.9 raises that bias."""
MULTIPLES = (3.0, 10.0)
"""Of the safe step, for preconditioned kernels."""
LEAPFROGS = 20
MALA_ACCEPTANCE = (0.5, 0.65)
CURVATURES = np.geomspace(0.01, 10.0, 20)
WIDTHS, EXAMPLES, BATCH_SIZE = (6, 10, 10, 5), 1000, 32
REFERENCE_DRAWS = 1500
COLUMNS = (
    *("target", "kernel", "step_size", "draws", "relative_error", "bias", "bias_error"),
    *("ess_per_1000", "ess_per_second", "acceptance"),
)

Row = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Problem:
    """What is sampled.

    Args:
        name: For the table.
        model: The center.
        target: Loss, data and scale.
        truth: λ̂ of the posterior.
        stiffest: Largest curvature of the loss.
        batch_size: None for full gradients.
    """

    name: str
    model: nn.Module
    target: Target
    truth: float
    stiffest: float
    batch_size: int | None = None

    @property
    def precision(self) -> float:
        """Of the stiffest direction."""
        return self.target.n_beta * self.stiffest + self.target.localization

    @property
    def whole(self) -> int:
        """Gradients that one on the whole data counts as."""
        n = n_examples(self.target.data)
        return 1 if self.batch_size is None else math.ceil(n / self.batch_size)


def run(tiny: bool = False, folder: Path | None = None) -> dict[str, Any]:
    """All kernels on all targets; in tiny mode few gradients on the first target."""
    gradients = 100 if tiny else GRADIENTS
    problems = [gaussian()] if tiny else [gaussian(), deep(REFERENCE_DRAWS), minibatches()]
    rows = [
        compared(problem, kernel, gradients) for problem in problems for kernel in kernels(problem)
    ]
    return {"gradients": gradients, "chains": CHAINS, "runs": rows}


def gaussian() -> Problem:
    """A quadratic basin whose precisions span a factor of 92."""
    target = Target(basin_loss, flat(len(CURVATURES)), 10.0, 1.0)
    truth = gaussian_llc(CURVATURES, 10.0, 1.0)
    return Problem("Gaussian", Basin(straight(CURVATURES)), target, truth, CURVATURES.max())


def deep(draws: int) -> Problem:
    """A deep linear network with its exact population loss; the truth is a long run."""
    model = _network()
    row = torch.zeros(1, dtype=torch.float64)
    target = Target(deep_linear_population_loss, row, 1000.0, 300.0)
    spectrum = hessian_spectrum(model.matrices(), model.loss_scale)
    reference = long_run(model, target, 1 / math.sqrt(1000.0 * spectrum[0]), draws)
    return Problem("deep linear", model, target, reference.llc, spectrum[0])


def minibatches() -> Problem:
    """The same network on minibatches of random inputs."""
    model = _network()
    inputs = model.inputs(EXAMPLES, stream("benchmark inputs", "samplers"))
    x = inputs.numpy()
    spectrum = hessian_spectrum(model.matrices(), 1 / WIDTHS[-1], x.T @ x / len(x))
    target = Target(deep_linear_loss, inputs, 1000.0, 300.0)
    truth = gaussian_llc(spectrum, 1000.0, 300.0)
    name = "deep linear, minibatches"
    return Problem(name, model, target, truth, spectrum[0], BATCH_SIZE)


def kernels(problem: Problem) -> list[Kernel]:
    """One of each kind, with steps by the rule above."""
    a, friction = problem.precision, 2 * math.sqrt(problem.target.localization)
    step, root = 4 * BIAS / a, 1 / math.sqrt(a)
    offset = so.RMSpropSGLD(step).offset

    def hamiltonian(size: float) -> Kernel:
        return so.HMC(size, LEAPFROGS)

    def exact(kind: Callable[[float], Kernel], start: float, **more: Any) -> Kernel:
        return tuned(problem.model, problem.target, start, kind, **more)

    return [
        so.SGLD(step),
        *(so.RMSpropSGLD(many * step * offset) for many in MULTIPLES),
        *(so.AdamSGLD(many * step * offset / LAG) for many in MULTIPLES),
        so.BAOAB(root, friction),
        so.SGNHT(root / 2, friction),
        exact(so.MALA, 4 * step, wanted=MALA_ACCEPTANCE),
        exact(hamiltonian, root),
    ]


def compared(problem: Problem, kernel: Kernel, gradients: int) -> Row:
    """Errors of single chains, and the effective number of draws for what they cost."""
    each = float(problem.whole if kernel.exact else 1)
    each *= (1 + LEAPFROGS) / 2 if isinstance(kernel, so.HMC) else 1
    steps = max(2, round(gradients / each))
    burn_in = math.ceil(BURN_IN * steps)
    begin = time.process_time()
    draws = so.sample(
        problem.model, problem.target, kernel, components="full", chains=CHAINS,
        batch_size=None if kernel.exact else problem.batch_size,
        burn_in=burn_in, draws=steps - burn_in, seed=5,
    )  # fmt: skip
    seconds = time.process_time() - begin
    estimates = problem.target.n_beta * draws.loss[0].mean("draw").values
    off = estimates / problem.truth - 1
    size = effective_size(draws.loss[0].values)
    return {
        "target": problem.name,
        "kernel": type(kernel).__name__,
        "settings": repr(kernel),
        "step_size": kernel.step_size,
        "draws": steps - burn_in,
        "truth": problem.truth,
        "relative_error": np.sqrt((off**2).mean()),
        "bias": off.mean(),
        "bias_error": off.std(ddof=1) / np.sqrt(CHAINS),
        "ess_per_1000": size / (CHAINS * steps * each / 1000),
        "ess_per_second": size / seconds,
        "acceptance": draws.acceptance.mean().item() if kernel.exact else float("nan"),
        "statuses": sorted(set(draws.status.values.ravel().tolist())),
    }


def _network() -> DeepLinear:
    return DeepLinear.from_weights(random_center(WIDTHS, stream("benchmark samplers")))
