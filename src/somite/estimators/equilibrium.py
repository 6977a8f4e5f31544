"""Whether a chain is as warm, as quiet and as far from the center as its target says."""

import numpy as np
import xarray as xr

from somite.estimators.trace import FEW_DRAWS, NO_CHAIN, relative
from somite.estimators.value import Value
from somite.sampling.convergence import LEAST_DRAWS, mean_error
from somite.sampling.kernels import BAOAB, SGLD, Kernel
from somite.sampling.kernels.registry import KERNELS, kernel_of

DECAY = "weight_decay pulls too, which is not recorded"
BOX = "the bounding box pushes too"
FREE = "localization is 0, nothing holds the chain"
OWN_KERNEL = "the kernel is none of ours"


def temperature(draws: xr.Dataset) -> dict[str, Value]:
    """Effective temperature T = E[Δw·∂U] / d = (2·n_beta·E[share] + γ·E[distance]) / d.

    The exact posterior has T = 1, whatever the loss: E[Δw·∂U] = d by partial integration. SGLD has
    T = 1 + (ε/4)·E‖G‖²/d, G the stochastic gradient of U: its step and the noise of minibatches
    heat the chain. A chain that has not yet filled its basin is too cold.

    Args:
        draws: Of one component, the good chains only.

    Returns:
        `temperature` and `temperature_error`.
    """
    names = ("temperature", "temperature_error")
    if why := _missing(draws, "share", "distance", "size") or _other_forces(draws):
        return dict.fromkeys(names, why)
    if why := _too_few(draws):
        return dict.fromkeys(names, why)
    scale, held = draws.attrs["n_beta"], draws.attrs["localization"]
    pull = 2 * scale * draws["share"].values + held * draws["distance"].values
    series = pull / int(draws["size"])
    return dict(zip(names, (float(series.mean()), mean_error(series)), strict=True))


def noise_ratio(draws: xr.Dataset) -> Value:
    """Variance of minibatch gradients over that of the injected noise, in one step.

    Measured at a few draws: at the center of noiseless data it would be 0. Where each weight has a
    step of its own it is an upper bound.

    Args:
        draws: Of one component, the good chains only.
    """
    kernel = known_kernel(draws)
    if kernel is None:
        return OWN_KERNEL
    if kernel.exact:
        return 0.0
    noise = _noise(draws)
    return noise if isinstance(noise, str) else kernel.noise_ratio(noise / int(draws["size"]))


def distance_ratio(draws: xr.Dataset) -> dict[str, Value]:
    """Mean squared distance from the center over that of a chain without any loss.

    Args:
        draws: Of one component, the good chains only.

    Returns:
        `distance_ratio` and `distance_error`, the error of the ratio.
    """
    names, kernel = ("distance_ratio", "distance_error"), known_kernel(draws)
    if kernel is None:
        return dict.fromkeys(names, OWN_KERNEL)
    if why := _missing(draws, "distance", "size") or _not_free(draws) or _too_few(draws):
        return dict.fromkeys(names, why)
    free = int(draws["size"]) * kernel.variance(draws.attrs["localization"])
    series = draws["distance"].values / free
    return dict(zip(names, (float(series.mean()), mean_error(series)), strict=True))


def acceptance(draws: xr.Dataset) -> Value:
    """Acceptance rate: of a kernel that accepts or rejects, else what MALA would accept.

    Without a rejection step it says little of the step size. A settled chain's steps raise
    ‖∂U‖² as often as they lower it, so that the logarithm of the ratio has mean 0 where the loss is
    quadratic, and the rate is ½ + e^{σ²/2}Φ(−σ) > ½ however long the step. It is below ½ while a
    chain still spreads.

    Args:
        draws: Of one component, the good chains only.
    """
    tried = draws["acceptance"].values if "acceptance" in draws else np.array([])
    tried = tried[np.isfinite(tried)]
    return float(tried.mean()) if len(tried) else "no step was tried"


def step_bias(draws: xr.Dataset) -> Value:
    """What step size and minibatch noise add to λ̂, as a share of λ̂.

        (ε/8)·E[n_beta·∂L·G] / λ̂,   n_beta·∂L·G = ‖G‖² − γ·Δw·G
                                                = ‖G‖² − 2·γ·n_beta·share − γ²·distance

    G is the stochastic gradient of the potential. For SGLD on a quadratic loss with full gradients
    λ̂ less this bias is the estimate of infinitely small steps, exactly; with minibatches it is an
    upper bound. 0 for a kernel that accepts or rejects. BAOAB has only the part of minibatches: a
    direction whose gradient has the variance s² is wider by the share r(s²), its `noise_ratio`, and
    counts at most ½ in λ̂, so that half the ratio of all the noise together is an upper bound.

    Args:
        draws: Of one component, the good chains only.
    """
    kernel = known_kernel(draws)
    if kernel is None:
        return OWN_KERNEL
    if kernel.exact:
        return 0.0
    if isinstance(kernel, BAOAB):
        noise = _noise(draws)
        if isinstance(noise, str):
            return noise
        return relative(kernel.noise_ratio(noise) / 2, _estimate(draws))
    if not isinstance(kernel, SGLD):
        return "known for SGLD and BAOAB only, the temperature tells of others"
    if why := _missing(draws, "share", "distance", "drift_square") or _other_forces(draws):
        return why
    if draws.sizes["chain"] == 0:
        return NO_CHAIN
    scale, held = draws.attrs["n_beta"], draws.attrs["localization"]
    pull = 2 * scale * held * draws["share"].values + held**2 * draws["distance"].values
    excess = kernel.step_size / 8 * float((draws["drift_square"].values - pull).mean())
    return relative(excess, _estimate(draws))


def known_kernel(draws: xr.Dataset) -> Kernel | None:
    """The kernel that made the draws; None if it is not one of ours."""
    return kernel_of(draws.attrs) if draws.attrs.get("kernel") in KERNELS else None


def _not_free(draws: xr.Dataset) -> str:
    """Why a chain without loss is not the Gaussian of localization alone; empty if it is."""
    return _other_forces(draws) or ("" if draws.attrs.get("localization") else FREE)


def _too_few(draws: xr.Dataset) -> str:
    if draws.sizes["chain"] == 0:
        return NO_CHAIN
    return FEW_DRAWS if draws.sizes["draw"] < LEAST_DRAWS else ""


def _other_forces(draws: xr.Dataset) -> str:
    if draws.attrs.get("weight_decay"):
        return DECAY
    return BOX if draws.attrs.get("bounding_box") else ""


def _noise(draws: xr.Dataset) -> Value:
    """Trace of the covariance of the stochastic gradient of the potential, mean of a few draws."""
    if why := _missing(draws, "draw_noise", "size"):
        return why
    noise = draws["draw_noise"].values
    noise = noise[np.isfinite(noise)]
    return draws.attrs["n_beta"] ** 2 * float(noise.mean()) if len(noise) else NO_CHAIN


def _estimate(draws: xr.Dataset) -> float:
    """λ̂ = n_beta · the mean loss difference."""
    return float(draws.attrs["n_beta"] * draws["loss"].values.mean())


def _missing(draws: xr.Dataset, *names: str) -> str:
    lost = [name for name in names if name not in draws]
    return f"the draws hold no {' and no '.join(lost)}" if lost else ""
