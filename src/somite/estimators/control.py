"""The control: chains without any loss must sample the Gaussian that localization alone makes.

At n_beta = 0 every weight has the precision γ, so that E‖w − w*‖² = d·variance(γ), where the
kernel's own step-size error is part of the variance. Whatever the model and the data, the
chains must agree with that; if they do not, the sampler or its noise is wrong.
"""

import numpy as np
import xarray as xr

from somite.core.checks import positive
from somite.core.errors import InputError
from somite.estimators.diagnostics import good_chains
from somite.sampling.convergence import LEAST_DRAWS, mean_error
from somite.sampling.kernels.registry import kernel_of


def control_check(draws: xr.Dataset) -> xr.Dataset:
    """Compare the distance of chains without loss with its closed form.

    Args:
        draws: From `somite.sample` with n_beta = 0, localization, and neither weight decay nor a
            bounding box; started with enough burn-in to forget the center.

    Returns:
        Over component: `distance` E‖w − w*‖² and its error `mcse`, from the good chains;
        `expected_least` and `expected_most`, the same number for all kernels but preconditioned
        ones, whose steps lie between 0 and their largest; `z`, how many errors the distance is
        away from there, positive if too far. The attributes are those of the draws.

    Raises:
        InputError: If the draws are no control run, too few, or no chain is left.

    Example:
        >>> import somite as so, torch
        >>> loss = lambda model, batch: (model.weight**2).sum().expand(len(batch))
        >>> draws = so.sample(torch.nn.Linear(5, 5), so.Target(loss, torch.zeros(4), 0, 2),
        ...                   so.SGLD(0.5), components="weight", draws=100)
        >>> found = control_check(draws)
        >>> round(found.expected_least.item(), 3), bool(abs(found.z.item()) < 4)
        (16.667, True)
    """
    _check_control(draws)
    kernel, held = kernel_of(draws.attrs), draws.attrs["localization"]
    size, variance = draws["size"].values, kernel.variance(held)
    least, most = sorted((1 / held if kernel.preconditioned else variance, variance))
    found = np.array([_distance(draws.sel(component=name)) for name in draws.component.values])
    mean, error = found.T
    away = np.where(mean < least * size, mean - least * size, np.maximum(mean - most * size, 0))
    columns = {
        "distance": mean,
        "mcse": error,
        "expected_least": least * size,
        "expected_most": most * size,
        "z": away / error,
    }
    table = {name: ("component", values) for name, values in columns.items()}
    return xr.Dataset(table, {"component": draws.component}, draws.attrs)


def _distance(draws: xr.Dataset) -> tuple[float, float]:
    """Mean squared distance of the good chains of one component, and its error.

    Raises:
        InputError: If no chain is left.
    """
    good = draws.distance.values[good_chains(draws)]
    if not len(good):
        rule, status = "must have a chain that ended well", str(draws.status.values[0])
        raise InputError(f"component {draws.component.values}", rule, status, "Lower step_size.")
    return float(good.mean()), mean_error(good)


def _check_control(draws: xr.Dataset) -> None:
    attrs = draws.attrs
    if attrs["n_beta"] != 0:
        remedy = "Sample once more with Target(..., n_beta=0)."
        raise InputError(
            "n_beta of the draws", "must be 0 for the control", attrs["n_beta"], remedy
        )
    positive("localization of the draws", attrs["localization"], "Nothing else holds the chains.")
    for name in ("weight_decay", "bounding_box"):
        if attrs.get(name):
            rule, remedy = "must be absent from the control", "Leave it out: localization holds."
            raise InputError(f"{name} of the draws", rule, attrs[name], remedy)
    if draws.sizes["draw"] < LEAST_DRAWS:
        rule = f"must be at least {LEAST_DRAWS} per chain"
        raise InputError("draws", rule, draws.sizes["draw"], "Draw more.")
