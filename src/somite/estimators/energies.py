"""Correlation of block energies under the posterior in which all blocks move.

    φ_C(w) = L(w* with block C taken from w) − L(w*)
    ρ_AB = Cov(φ_A, φ_B) / √(Var φ_A · Var φ_B)

One full chain gives all pairs. In a quadratic basin Cov = ½ tr(H_AA Σ_AB H_BB Σ_BA) ≥ 0, 0 exactly
if A and B carry no correlation that the loss sees.
"""

import numpy as np
import xarray as xr

from somite.components.unions import FULL
from somite.core.checks import at_least, one_of
from somite.core.errors import InputError
from somite.estimators.joint import require_components
from somite.estimators.series import good_chains, scale
from somite.sampling.convergence import LEAST_DRAWS, mean_error


def energy_correlation(
    draws: xr.Dataset, component: str = FULL, on_failure: str = "raise"
) -> xr.Dataset:
    """Estimate covariance and correlation of the block energies.

    Errors come from first-order series over (chain, probe draw): (φ_A − E φ_A)(φ_B − E φ_B) for
    the covariance, z_A z_B − ρ(z_A² + z_B²)/2 with standardised energies z for the correlation.

    Args:
        draws: From `somite.sample(..., blocks=blocks, block_energies=True)` with the reference
            probe.
        component: The one that moves all blocks.
        on_failure: "raise" if a chain failed, or "leave out" such chains and count them.

    Returns:
        Over (block, other): `covariance` (of n_beta·φ, dimensionless), `correlation`, each with
        `_mcse`; NaN where an energy does not vary; `chains_failed`. Attributes of the draws.

    Raises:
        InputError: If energies were not recorded, the component is missing, it does not move a
            block, there are too few draws, or a chain failed.

    Source: `somite.theory.gaussian_energy_covariance` in a quadratic basin.

    Example:
        >>> import somite as so, torch
        >>> loss = lambda model, batch: (model.weight**2).sum().expand(len(batch))
        >>> model = torch.nn.Linear(2, 1, bias=False)
        >>> _ = model.weight.data.zero_()
        >>> blocks = {"A": so.Mask({"weight": torch.tensor([[True, False]])}),
        ...           "B": so.Mask({"weight": torch.tensor([[False, True]])})}
        >>> data = torch.zeros(1)
        >>> draws = so.sample(model, so.Target(loss, data, 10, 1), so.BAOAB(0.2, 2.0), seed=1,
        ...                   components="full", blocks=blocks, block_energies=True, draws=200,
        ...                   probes={"reference": data})
        >>> round(energy_correlation(draws).correlation.sel(block="A", other="A").item(), 9)
        1.0
    """
    one_of("on_failure", on_failure, ("raise", "leave out"))
    if "block_energy" not in draws:
        remedy = "Sample with blocks, block_energies=True and the probe named reference."
        raise InputError("draws", "must hold block energies", list(draws), remedy)
    require_components(draws, [component], "Sample all blocks together.")
    n_beta, one = scale(draws), draws.sel(component=component)
    good = good_chains(one, on_failure)
    at_least("number of good chains", int(good.sum()), 1, "Mend the sampler settings.")
    at_least("number of probe draws", one.sizes["probe_draw"], LEAST_DRAWS, "Draw more.")
    energies = n_beta * one.block_energy.transpose("block", "chain", "probe_draw").values[:, good]
    names = [str(name) for name in draws.block.values]
    if still := [n for n, e in zip(names, energies, strict=True) if not np.isfinite(e).all()]:
        remedy = "Choose a component that holds every block."
        raise InputError(f"component {component}", "must move all blocks", still, remedy)
    columns = {name: (("block", "other"), values) for name, values in _table(energies).items()}
    found = {**columns, "chains_failed": int((~good).sum())}
    return xr.Dataset(found, {"block": names, "other": names}, draws.attrs)


def _table(energies: np.ndarray) -> dict[str, np.ndarray]:
    centred = energies - energies.mean((1, 2), keepdims=True)
    spread = np.sqrt((centred**2).mean((1, 2), keepdims=True))
    z = np.divide(centred, spread, out=np.full_like(centred, np.nan), where=spread > 0)
    products = centred[:, None] * centred[None]  # (block, other, chain, draw)
    squares = (z[:, None] ** 2 + z[None] ** 2) / 2
    correlation = (z[:, None] * z[None]).mean((2, 3))
    change = z[:, None] * z[None] - correlation[..., None, None] * squares
    return {
        "covariance": products.mean((2, 3)),
        "covariance_mcse": _errors(products),
        "correlation": correlation,
        "correlation_mcse": _errors(change),
    }


def _errors(series: np.ndarray) -> np.ndarray:
    return np.array(
        [[mean_error(one) if np.isfinite(one).all() else np.nan for one in row] for row in series]
    )
