"""Specialisation: how unevenly a component's complexity is spread over data sets."""

import numpy as np
import xarray as xr

from somite.core.errors import InputError
from somite.modularity.series import Array


def specialization(llc: xr.DataArray) -> xr.Dataset:
    r"""Profiles over domains and how specialised they are.

    With D the data-refined LLC of a component on each of m domains, $D^+ = \max(D, 0)$ and
    $p = D^+ / \sum D^+$:

    - entropy_specialization $1 + \sum p \log p / \log m$: 0 even, 1 all on one domain;
    - selectivity $(p_{max} - \bar p) / (p_{max} + \bar p)$, $\bar p$ the mean of the other domains
      (Morcos et al. 2018): 0 even, 1 all on one;
    - participation_ratio $1 / \sum p^2$: the number of domains that take part, 1 to m.

    Args:
        llc: Data-refined LLC; dims (component, domain), at least two domains.

    Returns:
        dims (component, domain): profile; dims component: the three scores and negative_mass, the
        share of Σ|D| that was below zero and clipped.

    Raises:
        InputError: If dims are wrong, a value is not finite, there are fewer than two domains, or a
            component has no positive value.

    Example:
        >>> coords = {"component": ["0:0"], "domain": ["code", "wiki"]}
        >>> found = specialization(xr.DataArray([[3.0, 0.0]], coords, ("component", "domain")))
        >>> found.selectivity.item(), found.participation_ratio.item()
        (1.0, 1.0)
    """
    if set(llc.dims) != {"component", "domain"}:
        rule = "must have the dims component, domain"
        raise InputError("llc", rule, llc.dims, "Select one step of the data-refined LLC.")
    ordered = llc.transpose("component", "domain").astype(np.float64)
    values = ordered.to_numpy()
    if values.shape[1] < 2:
        remedy = "Measure the LLC on more than one domain."
        raise InputError("llc", "must have at least 2 domains", values.shape[1], remedy)
    _check_values(ordered)
    profile = profiles(values)
    variables = {name: ("component", score) for name, score in scores(profile).items()}
    variables["negative_mass"] = ("component", negative_mass(values))
    result = xr.Dataset(variables, coords=ordered.coords)
    return result.assign(profile=(("component", "domain"), profile))


def profiles(values: Array) -> Array:
    """Rows clipped at zero and divided by their sum; even where nothing is positive.

    Example:
        >>> profiles(np.array([[3.0, 1.0, -2.0], [-1.0, -1.0, -1.0]])).round(2).tolist()
        [[0.75, 0.25, 0.0], [0.33, 0.33, 0.33]]
    """
    clipped = np.maximum(values, 0.0)
    total = clipped.sum(-1, keepdims=True)
    even = np.full_like(clipped, 1.0 / values.shape[-1])
    return np.where(total > 0, clipped / np.where(total > 0, total, 1.0), even)


def negative_mass(values: Array) -> Array:
    """Share of the absolute sum of each row that is below zero; 0 for a row of zeros.

    Example:
        >>> negative_mass(np.array([[3.0, -1.0]])).tolist()
        [0.25]
    """
    size = np.abs(values).sum(-1)
    below: Array = np.maximum(-values, 0.0).sum(-1) / np.where(size > 0, size, 1.0)
    return below


def scores(profile: Array) -> dict[str, Array]:
    """The three scores of `specialization` for profiles (…, domain)."""
    m = profile.shape[-1]
    logarithm = np.log(np.where(profile > 0, profile, 1.0))
    top = profile.max(-1)
    others = (1.0 - top) / (m - 1)
    return {
        "entropy_specialization": 1.0 + (profile * logarithm).sum(-1) / np.log(m),
        "selectivity": (top - others) / (top + others),
        "participation_ratio": 1.0 / (profile**2).sum(-1),
    }


def _check_values(llc: xr.DataArray) -> None:
    if not bool(np.isfinite(llc).all()):
        bad = f"{int((~np.isfinite(llc)).sum())} NaN or infinite values"
        raise InputError("llc", "must be finite", bad, "Leave those components out.")
    empty = ~(llc > 0).any("domain").to_numpy()
    if empty.any():
        name = (
            str(llc.coords["component"].to_numpy()[empty][0]) if "component" in llc.coords else ""
        )
        rule = "must be positive on some domain for every component"
        raise InputError("llc", rule, f"none for {name}", "Leave that component out.")
