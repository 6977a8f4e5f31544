"""Do components of known kinds lie apart from the others along given directions?"""

from collections.abc import Iterable, Sequence

import numpy as np
import xarray as xr

from somite.core.errors import InputError
from somite.modularity.clustering import Labels
from somite.modularity.nulls.relabeling import relabelings, strata_of
from somite.modularity.series import Array

ROUNDING = 1e-9


def separation(
    loading: xr.DataArray,
    kinds: Sequence[object],
    strata: Iterable[object] | None,
    seed: int,
    permutations: int = 9999,
) -> xr.Dataset:
    """How far the kinds of components lie apart along each direction, and by chance.

    Loadings are taken less the mean of their stratum. With n_k components of kind k and mean m_k,

        between = Σ n_k m_k² / Σ (all squares)

    is the share of their variance that lies between kinds, each of which may go its own way. Its
    p-value permutes kinds within strata. `p_any` compares the largest share with the largest ones
    of the permuted kinds, so that several directions may be looked at.

    Args:
        loading: (mode, component), such as those of a response matrix.
        kinds: What each component is (component,); all that are no kind share one name.
        strata: What the permutations keep, such as the layer of each component; None for nothing.
        seed: Of the permutations.
        permutations: Their number, where there are more orders than that.

    Returns:
        Over mode: `between` and its `p_value`; `p_any`.

    Raises:
        InputError: If there is not one kind or stratum for each component, they are all of one
            kind, or there is only one order within strata.

    Example:
        >>> one = xr.DataArray([[5.0, 0, 1, 0, 1, 0]], dims=("mode", "component"))
        >>> found = separation(one, ["induction", *5 * [""]], None, 0)
        >>> found.between.item() > 0.9, round(found.p_any.item(), 3)
        (True, 0.167)
    """
    if loading.dims != ("mode", "component") or loading.sizes["component"] != len(kinds):
        rule = f"must have the dims mode, component, and the {len(kinds)} components of kinds"
        raise InputError("loading", rule, dict(loading.sizes), "Give one kind to each.")
    labels = np.unique([str(kind) for kind in kinds], return_inverse=True)[1].astype(np.int64)
    layers = strata_of(strata, len(labels))
    if len({(int(k), int(s)) for k, s in zip(labels, layers, strict=True)}) == len(set(layers)):
        remedy = "Name components of several kinds within one stratum."
        raise InputError("kinds", "must differ within a stratum", list(kinds), remedy)
    orders, exact = relabelings(labels, layers, seed, permutations)
    shares = _between(_within(loading.values.astype(float), layers), np.vstack([labels, orders]))
    found = {
        "between": ("mode", shares[0]),
        "p_value": ("mode", [_chance(column, exact) for column in shares.T]),
        "p_any": _chance(shares.max(1), exact),
    }
    return xr.Dataset(found)


def _within(loading: Array, strata: Labels) -> Array:
    """Loadings (mode, component) less the mean of their stratum."""
    result = loading.copy()
    for stratum in np.unique(strata):
        result[:, strata == stratum] -= result[:, strata == stratum].mean(1, keepdims=True)
    return result


def _between(loading: Array, labels: Labels) -> Array:
    """Share of the squares between kinds (labelling, mode); 0 where all loadings are 0."""
    total = (loading**2).sum(1)
    found = np.zeros((len(labels), len(loading)))
    for kind in np.unique(labels):
        inside = (labels == kind).astype(float)  # (labelling, component)
        found += (inside @ loading.T) ** 2 / inside.sum(1, keepdims=True)
    return np.divide(found, total, out=np.zeros_like(found), where=total > 0)


def _chance(values: Array, exact: bool) -> float:
    """Share of the values after the first that reach it, up to rounding."""
    reached, count = int((values[1:] >= values[0] - ROUNDING).sum()), len(values) - 1
    return reached / count if exact else (reached + 1) / (count + 1)
