"""Is this network modular? One verdict for a matrix, and many verdicts together."""

from collections.abc import Callable, Sequence

import numpy as np
import xarray as xr
from scipy.stats import false_discovery_control

from somite.core.errors import InputError
from somite.modularity.clustering import Labels
from somite.modularity.modules import DEFAULT
from somite.modularity.scoring import REPEATS, score_found
from somite.modularity.series import Array

LEVEL = 0.05


def is_modular(
    matrix: xr.DataArray,
    seed: int,
    null: str | xr.DataArray = "pairs",
    search: str | Callable[[Array, int], Labels] = DEFAULT,
    strata: Sequence[object] | None = None,
    repeats: int = REPEATS,
) -> xr.Dataset:
    """Whether the best partition of a matrix is better than that of matrices without modules.

    The whole search, the number of modules included, is repeated on every null matrix; the
    statistic is the signed modularity Q, largest over the search. Q itself says nothing: it is
    large on random matrices, too.

    A verdict is as good as its null. `pairs` and `configuration` take weights of different pairs to
    be independent. Correlations, CKA and other Gram matrices are not: two components like a third
    are like each other, and noise alone is then called modular in half of the cases. For these take
    `rotation`, or, best and for everything else, null matrices from networks without modules
    (`null=` matrices from shuffled weights, random initialisations or shuffled data).

    What `score_found` refuses is refused.

    Args:
        matrix: Weights; dims (component, other).
        seed: Seed of the search and of the null.
        null: A name in `NULLS`, or null matrices; dims (null, component, other).
        search: A name in `GRAPH_ALGORITHMS`, or a function of (weights, seed) to labels.
        strata: Stratum of each component, such as its layer.
        repeats: Number of null matrices.

    Returns:
        As `score_found`, and modular: whether p_value is below 0.05.

    Example:
        >>> names = [f"0:{i}" for i in range(12)]
        >>> blocks = np.kron(np.eye(3), np.ones((4, 4)))
        >>> coords = {"component": names, "other": names}
        >>> found = is_modular(xr.DataArray(blocks, coords, ("component", "other")), 0, repeats=39)
        >>> bool(found.modular), found.p_value.item(), int(found.label.max()) + 1
        (True, 0.025, 3)
    """
    found = score_found(matrix, "modularity", seed, null, search, strata, repeats)
    return found.assign(modular=found.p_value < LEVEL)


def holm(p_values: xr.DataArray) -> xr.DataArray:
    """P-values adjusted for their number by Holm's method; NaN stays NaN.

    The i-th smallest of m (from 0) becomes the largest of (m − j)·p_j over j ≤ i, at most 1. The
    chance that any test below an adjusted level is wrong is at most that level, however the tests
    hang together.

    Args:
        p_values: One for each test, of any shape.

    Returns:
        Adjusted values, of the same shape.

    Source: Holm 1979, Scandinavian Journal of Statistics 6, 65.

    Example:
        >>> holm(xr.DataArray([0.04, 0.01, np.nan])).values.tolist()
        [0.04, 0.02, nan]
    """
    result = p_values.to_numpy().astype(np.float64)
    known = np.flatnonzero(~np.isnan(result.ravel()))
    order = known[np.argsort(result.ravel()[known], kind="stable")]
    weighed = (len(order) - np.arange(len(order))) * result.ravel()[order]
    result.ravel()[order] = np.minimum(np.maximum.accumulate(weighed), 1.0)
    return p_values.copy(data=result)


def false_discovery(p_values: xr.DataArray) -> xr.DataArray:
    """P-values adjusted for their number (Benjamini and Hochberg 1995); NaN stays NaN.

    Among the tests with an adjusted value below q, at most a share q is expected to be wrong, for
    tests that are independent or hang together positively, as those of successive checkpoints.

    Args:
        p_values: One for each test, in [0, 1] or NaN, of any shape.

    Returns:
        Adjusted values, of the same shape.

    Raises:
        InputError: If a value is outside [0, 1].

    Example:
        >>> false_discovery(xr.DataArray([0.01, 0.04, np.nan])).values.tolist()
        [0.02, 0.04, nan]
    """
    values = p_values.to_numpy().astype(np.float64)
    known = ~np.isnan(values)
    if ((values[known] < 0) | (values[known] > 1)).any():
        rule, remedy = "must be between 0 and 1", "Give p-values, not z."
        raise InputError("p_values", rule, values[known].tolist(), remedy)
    result = values.copy()
    if known.any():
        result[known] = false_discovery_control(values[known])
    return p_values.copy(data=result)
