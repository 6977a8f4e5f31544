"""Whether an estimate moves with the step or with minibatch noise: two tables of it, compared.

Minibatch noise and long steps bias interactions and couplings, even their sign. Repeat the run at
half the step, or with `control_variates=True`, and see what moves by more than 2 errors.
"""

from collections.abc import Sequence

import numpy as np
import xarray as xr

from somite.core.checks import at_least
from somite.core.errors import InputError
from somite.estimators.shares import ERRORS

SUFFIX = "_mcse"
PLAIN = {"interaction": "mcse", "llc": "mcse"}
MOVED = "moves with the settings by more than 2 errors: shorten the step or raise batch_size"


def moved(table: xr.Dataset, other: xr.Dataset, columns: Sequence[str]) -> xr.Dataset:
    """Compare two tables of the same quantities, sampled with other steps or other noise.

    z = (other − one) / √(mcse² + mcse_other²), for runs with different seeds, which are
    independent. Where the seed is the same, shared noise makes z smaller than it is.

    Args:
        table: From `interaction`, `coupling` or `partition_score`.
        other: The same at half the step, or with control variates.
        columns: Quantities to compare, such as "interaction", "total_coupling" or "cut".

    Returns:
        For each column its change, under its own name; the z of it, as NAME_z; and NAME_remark,
        words if |z| > 2.

    Raises:
        InputError: If a column or its error is missing, the tables are of different things, or no
            setting of the runs differs.

    Example:
        >>> one = xr.Dataset({"cut": 0.3, "cut_mcse": 0.01}, attrs={"step_size": 0.1})
        >>> half = xr.Dataset({"cut": 0.1, "cut_mcse": 0.01}, attrs={"step_size": 0.05})
        >>> moved(one, half, ["cut"]).cut_remark.item()
        'moves with the settings by more than 2 errors: shorten the step or raise batch_size'
    """
    at_least("number of columns", len(columns), 1, "Name a quantity.")
    if table.attrs == other.attrs:
        remedy = "Sample once more at half the step, or with control_variates=True."
        raise InputError("settings of the two runs", "must differ", "the same", remedy)
    found: dict[str, xr.DataArray] = {}
    for name in columns:
        (one, error), (two, other_error) = (_column(t, name) for t in (table, other))
        if one.sizes != two.sizes or not all(one[c].equals(two[c]) for c in one.coords):
            remedy = "Estimate the same pairs or components in both runs."
            raise InputError(name, "must be of the same things in both", dict(two.sizes), remedy)
        change = two - one
        spread = (error**2 + other_error**2) ** 0.5
        z = (change / spread).where(change != 0, 0.0)
        words = np.where(np.abs(z.values) > ERRORS, MOVED, "")
        found |= {name: change, f"{name}_z": z, f"{name}_remark": z.copy(data=words)}
    return xr.Dataset(found)


def _column(table: xr.Dataset, name: str) -> tuple[xr.DataArray, xr.DataArray]:
    """A column and its error.

    Raises:
        InputError: If one is missing.
    """
    error = PLAIN.get(name, f"{name}{SUFFIX}")
    for wanted in (name, error):
        if wanted not in table:
            remedy = "Pass a table of `interaction`, `coupling` or `partition_score`."
            raise InputError(wanted, "must be in both tables", list(table), remedy)
    return table[name], table[error]
