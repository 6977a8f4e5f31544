"""The control: what a response is under a plain Gaussian around the center, without any loss.

At n_beta = 0 the weights have the law N(w*, 1/localization). What is found there comes from the
architecture and the center alone; only what differs from it is owed to the posterior.
"""

import numpy as np
import xarray as xr
from scipy.stats import norm

from somite.core.errors import InputError
from somite.response.susceptibility import adjusted

SAME = ("localization", "weight_decay", "bounding_box", "estimator", "checkpoint")


def contrast(found: xr.Dataset, control: xr.Dataset) -> xr.Dataset:
    """How far susceptibilities differ from those of the run without loss.

    The runs must be independent: with the same seed they share noise, and the error would be wrong.

    Args:
        found: From `somite.susceptibility`.
        control: The same of draws with n_beta = 0 and another seed, all else alike.

    Returns:
        Over component and items: `susceptibility`, `control`, `difference`, its error `mcse` =
        √(mcse² + mcse_control²), `z`, two-sided `p_value` (normal) and `p_adjusted` (Benjamini and
        Hochberg 1995, over the whole table). Attributes of the former.

    Raises:
        InputError: If the control has a loss, the same seed or another localization, the tables
            do not have the same rows, or one has no errors.

    Example:
        >>> one = xr.Dataset({"susceptibility": ("component", [3.0]), "mcse": ("component", [0.3])},
        ...                  {"component": ["A"]}, {"n_beta": 10.0, "seed": 0})
        >>> other = one.assign(susceptibility=("component", [1.0]), mcse=("component", [0.4]))
        >>> control = other.assign_attrs(n_beta=0.0, seed=1)
        >>> contrast(one, control).z.item()
        4.0
    """
    check_control(found, control)
    _check_rows(found, control)
    difference = found.susceptibility - control.susceptibility
    error = np.hypot(found.mcse, control.mcse)
    z = (difference / error).where(error > 0)
    p_value = xr.apply_ufunc(lambda values: 2 * norm.sf(abs(values)), z)
    columns = {
        "susceptibility": found.susceptibility,
        "control": control.susceptibility,
        "difference": difference,
        "mcse": error,
        "z": z,
        "p_value": p_value,
        "p_adjusted": p_value.copy(data=adjusted(p_value.values)),
    }
    return xr.Dataset(columns, attrs=found.attrs)


def check_control(found: xr.Dataset, control: xr.Dataset) -> None:
    """Require a control without loss, of another seed and else the same settings.

    Raises:
        InputError: If it is none.
    """
    if control.attrs.get("n_beta") != 0:
        remedy = "Sample it with n_beta=0, localization as before."
        raise InputError("n_beta of the control", "must be 0", control.attrs.get("n_beta"), remedy)
    if found.attrs.get("seed") == control.attrs.get("seed"):
        remedy = "Sample the control with another seed."
        rule = "must differ from that of the draws"
        raise InputError("seed of the control", rule, control.attrs.get("seed"), remedy)
    for name in SAME:
        values = [table.attrs.get(name) for table in (found, control)]
        if values[0] != values[1]:
            remedy = "Sample the control with the same settings, n_beta and seed apart."
            raise InputError(f"{name} of the control", "must be the same", values, remedy)


def _check_rows(found: xr.Dataset, control: xr.Dataset) -> None:
    for name, table in (("found", found), ("control", control)):
        if "mcse" not in table:
            raise InputError(name, "must have errors", list(table), "Leave out errors=False.")
    shapes = [dict(table.susceptibility.sizes) for table in (found, control)]
    names = [table.component.values.tolist() for table in (found, control)]
    if shapes[0] != shapes[1] or names[0] != names[1]:
        remedy = "Record the same components and probes in both runs."
        raise InputError("tables", "must have the same rows", shapes, remedy)
