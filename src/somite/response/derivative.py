"""Weight derivatives: what happens to an observable when examples count more or less.

With weights ρ_m of the n examples, L = (1/n) Σ ρ_m L_m, the answer along a direction δρ at ρ = 1 is

    d⟨φ⟩ = −(n_beta / n) Σ_m δρ_m Cov[φ, L_m]

Along δρ = n δ_m − 1, which keeps the sum of the weights, it is n_beta times the susceptibility to
example m.
"""

import xarray as xr

from somite.core.errors import InputError
from somite.estimators.series import reference, scale
from somite.response.source import SERIES, check_reference
from somite.response.susceptibility import ERRORS, susceptibility

SCALED = ("susceptibility", *ERRORS[:3])


def weight_derivative(
    draws: xr.Dataset,
    losses: xr.DataArray,
    directions: xr.DataArray | None = None,
    *,
    observable: xr.DataArray | None = None,
    on_failure: str = "raise",
) -> xr.Dataset:
    """Estimate d⟨φ⟩ along directions of weights of examples, for every component.

    Args:
        draws: From `somite.sample` with the probe named reference.
        losses: Of all n examples of the data (component, chain, probe_draw, example).
        directions: δρ (direction, example); every example alone if left out.
        observable: φ (component, chain, probe_draw); if left out L(w) − L(w*) on the reference.
        on_failure: "raise" if a chain failed, or "leave out" chains that failed in any component.

    Returns:
        Over (component, direction), or (component, example): `derivative`, in units of φ, with the
        errors and tests of `susceptibility`. Attributes of the draws.

    Raises:
        InputError: As `susceptibility`, or if n_beta is 0 or the directions do not fit.

    Source: Linear response (arXiv 2605.07970), whose d⟨φ⟩/dρ_m = −β Cov[φ, L_m], β = n_beta / n.

    Example:
        >>> import numpy as np, somite as so, torch
        >>> loss = lambda model, x: (x * model.weight**2).sum(1)
        >>> data = torch.ones(4, 1)
        >>> model = torch.nn.Linear(1, 1, bias=False)
        >>> _ = model.weight.data.zero_()
        >>> draws = so.sample(model, so.Target(loss, data, 10, 1), so.BAOAB(0.2, 2.0), draws=400,
        ...                   components="full", probes={"reference": data}, pointwise=True)
        >>> more = xr.DataArray(np.ones((1, 4)), dims=("direction", "example"))
        >>> found = weight_derivative(draws, draws.example_loss, more).isel(component=0)
        >>> exact = -10 * 2 / 21**2  # −n_beta Var[w²], w of variance 1/21
        >>> bool(abs(found.derivative[0] - exact) < 3 * found.mcse[0])
        True
    """
    check_reference(draws)
    n_beta = scale(draws)
    if tuple(losses.dims) != (*SERIES, "example"):
        rule, remedy = f"must have the dims {', '.join(SERIES)}, example", "Average over tokens."
        raise InputError("losses", rule, losses.dims, remedy)
    count = losses.sizes["example"]
    mixed = losses.astype(float)
    if directions is not None:
        if tuple(directions.dims) != ("direction", "example") or directions.shape[1] != count:
            rule = f"must have the dims direction, example, and {count} examples"
            remedy = "Give one weight to each example."
            raise InputError("directions", rule, dict(directions.sizes), remedy)
        mixed = xr.dot(mixed, directions, dim="example")
    level = xr.DataArray(reference(draws.transpose("probe", *SERIES, ...)), dims=SERIES)
    # `susceptibility` takes L off again: what is left is Cov[φ, Σ δρ_m L_m / n].
    given = (mixed / count + level).transpose(*mixed.dims)
    found = susceptibility(draws, given, observable=observable, on_failure=on_failure)
    scaled = {name: n_beta * found[name] for name in SCALED}
    return found.assign(scaled).rename(susceptibility="derivative")
