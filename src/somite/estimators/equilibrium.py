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

        BAOAB   heat / 2
        SGLD    ((ε/8)·E[n_beta·∂L·G] − (r(n_beta²·tr C) − heat)/2)
        heat    = r(n_beta²·tr C)·f(tr(C·∂²L) / tr C),   f(h) = n_beta·h / (n_beta·h + γ)

    divided by λ̂. G is the stochastic gradient of the potential, C the covariance of a minibatch
    gradient, r the kernel's `noise_ratio`: a direction in which the gradient has the variance s² is
    wider by the share r(s²), and counts ½·f(h) in λ̂, next to nothing where the loss is flat. f is
    concave: its value at the mean curvature that the noise meets is an upper bound of its mean
    (Jensen). With full gradients, on a quadratic loss, λ̂ less this bias is the estimate of
    infinitely small steps, exactly; with minibatches it is an upper bound. BAOAB has no bias of the
    step; a kernel that accepts or rejects has none at all.

    n_beta·∂L·G = ‖G‖² − γ·Δw·G = ‖G‖² − 2·γ·n_beta·share − γ²·distance.

    Args:
        draws: Of one component, the good chains only.
    """
    kernel = known_kernel(draws)
    if kernel is None:
        return OWN_KERNEL
    if kernel.exact:
        return 0.0
    if not isinstance(kernel, SGLD | BAOAB):
        return "known for SGLD and BAOAB only, the temperature tells of others"
    needed = ("share", "distance", "drift_square", "noise_curvature")
    if why := _missing(draws, *needed) or _other_forces(draws):
        return why
    noise = _noise(draws)
    if isinstance(noise, str):
        return noise
    heat = kernel.noise_ratio(noise) / 2
    counted = heat * _counted(draws)
    if isinstance(kernel, BAOAB):
        return relative(counted, _estimate(draws))
    scale, held = draws.attrs["n_beta"], draws.attrs["localization"]
    pull = 2 * scale * held * draws["share"].values + held**2 * draws["distance"].values
    excess = kernel.step_size / 8 * float((draws["drift_square"].values - pull).mean())
    return relative(excess - (heat - counted), _estimate(draws))


def _counted(draws: xr.Dataset) -> float:
    """What directions of gradient noise count, at most: f at the mean curvature they meet."""
    noise, curvature = _mean(draws, "draw_noise"), _mean(draws, "noise_curvature")
    stiff = draws.attrs["n_beta"] * max(curvature, 0.0)
    held = draws.attrs["localization"] * noise
    return stiff / (stiff + held) if stiff > 0 else 0.0


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
    noise = _mean(draws, "draw_noise")
    return NO_CHAIN if np.isnan(noise) else draws.attrs["n_beta"] ** 2 * noise


def _mean(draws: xr.Dataset, name: str) -> float:
    """Mean over the chains that have it."""
    return float(draws[name].mean(skipna=True))


def _estimate(draws: xr.Dataset) -> float:
    """λ̂ = n_beta · the mean loss difference."""
    return float(draws.attrs["n_beta"] * draws["loss"].values.mean())


def _missing(draws: xr.Dataset, *names: str) -> str:
    lost = [name for name in names if name not in draws]
    return f"the draws hold no {' and no '.join(lost)}" if lost else ""
