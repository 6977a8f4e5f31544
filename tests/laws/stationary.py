"""The stationary law of every kernel on the Gaussian basin, from its full linear recursion.

Written down a second time here, with matrices: coupled weights, minibatch noise, finite steps. Each
recursion x ← T x + ξ has the covariance that solves C = T C T' + Cov(ξ); x is the weights w, with
the momentum p or the averaged gradient m behind them where the kernel has one.
"""

from dataclasses import dataclass
from functools import singledispatch

import numpy as np
from scipy.linalg import solve_discrete_lyapunov
from scipy.optimize import brentq

from laws.gaussian import PLACES, Setting
from somite import BAOAB, HMC, MALA, SGLD, SGNHT, AdamSGLD, RMSpropSGLD


@dataclass(frozen=True)
class Pull:
    """Drift nβH·(w − c) + γ·(w − c), the first with noise of covariance S."""

    loss: np.ndarray
    localization: float
    noise: np.ndarray

    @classmethod
    def of(cls, setting: Setting, block: str) -> "Pull":
        s, place = setting, PLACES[block]
        curvature = s.n_beta * s.curvature.numpy()[np.ix_(place, place)]
        tilts = np.cov(s.tilts.numpy()[:, place].T, ddof=0)
        return cls(curvature, s.localization, s.n_beta**2 * np.atleast_2d(tilts) / s.batch_size)

    @property
    def precision(self) -> np.ndarray:
        return self.loss + self.localization * self.one

    @property
    def one(self) -> np.ndarray:
        return np.eye(len(self.loss))


def stationary(setting: Setting, block: str = "AB", kernel=None, state=None) -> np.ndarray:
    """Stationary covariance of the moved weights; `state` holds frozen steps where there are."""
    return law(kernel or SGLD(setting.step_size), Pull.of(setting, block), state)


def exact_llc(setting: Setting, block: str = "AB", kernel=None, state=None) -> float:
    """λ̂ that unbiased estimation from stationary draws converges to: ½ n_beta tr(HΣ)."""
    covariance = stationary(setting, block, kernel, state)
    return 0.5 * float(np.trace(Pull.of(setting, block).loss @ covariance))


@singledispatch
def law(kernel, pull: Pull, state) -> np.ndarray:
    raise TypeError(f"no law of {kernel}")


@law.register
def _(kernel: SGLD, pull: Pull, state) -> np.ndarray:
    return overdamped(kernel.step_size * pull.one, pull)


@law.register
def _(kernel: RMSpropSGLD, pull: Pull, state) -> np.ndarray:
    return overdamped(np.diag(kernel.diffusion(state).numpy()), pull)


def overdamped(steps: np.ndarray, pull: Pull) -> np.ndarray:
    transition = pull.one - steps / 2 @ pull.precision
    return solve_discrete_lyapunov(transition, steps + steps @ pull.noise @ steps / 4)


@law.register
def _(kernel: AdamSGLD, pull: Pull, state) -> np.ndarray:
    steps, keep, gain = (
        np.diag(kernel.diffusion(state).numpy()),
        kernel.momentum,
        1 - kernel.momentum,
    )
    averaged = np.hstack([gain * pull.loss, keep * pull.one])
    moved = np.hstack([pull.one - steps / 2 * pull.localization, 0 * pull.one])
    transition = np.vstack([moved - steps / 2 @ averaged, averaged])
    kick = np.vstack([-steps / 2, pull.one]) * gain
    noise = kick @ pull.noise @ kick.T
    noise[: len(steps), : len(steps)] += steps
    return solve_discrete_lyapunov(transition, noise)[: len(steps), : len(steps)]


@law.register
def _(kernel: BAOAB, pull: Pull, state) -> np.ndarray:
    h, keep = kernel.step_size, np.exp(-kernel.friction * kernel.step_size)
    return underdamped(h, keep, 1 - keep**2, pull)[0]


@law.register
def _(kernel: SGNHT, pull: Pull, state) -> np.ndarray:
    """With the thermostat at rest where it holds E[p·p/d] at 1: its own fluctuations left out."""
    h = kernel.step_size

    def at(friction: float) -> tuple[np.ndarray, float]:
        keep = np.exp(-friction * h)
        return underdamped(h, keep, kernel.friction * (1 - keep**2) / friction, pull)

    least, most = kernel.friction / 10, kernel.friction * 10 + h * np.trace(pull.noise)
    return at(brentq(lambda friction: at(friction)[1] - 1, least, most))[0]


def underdamped(h: float, keep: float, fresh: float, pull: Pull) -> tuple[np.ndarray, float]:
    """Covariance of w, and the mean of p² just before and just after the momentum is refreshed."""
    one, d = pull.one, len(pull.one)
    kicked = np.hstack([-h * pull.precision, one])
    middle = np.hstack([one, 0 * one]) + h / 2 * kicked
    transition = np.vstack([middle + h / 2 * keep * kicked, keep * kicked])
    kick = -h * np.vstack([h / 2 * (1 + keep) * one, keep * one])
    renewed = np.vstack([h / 2 * one, one])
    noise = kick @ pull.noise @ kick.T + fresh * renewed @ renewed.T
    both = solve_discrete_lyapunov(transition, noise)
    before = kicked @ both @ kicked.T + h**2 * pull.noise
    after = both[d:, d:]
    return both[:d, :d], float(np.trace(before + after)) / (2 * d)


@law.register(MALA)
@law.register(HMC)
def _(kernel, pull: Pull, state) -> np.ndarray:
    return np.linalg.inv(pull.precision)
