"""The graph of heads joined by composition.

Source: Elhage et al. 2021, "A Mathematical Framework for Transformer Circuits", composition; the
level of random heads is subtracted as there.
"""

from collections.abc import Sequence

import numpy as np
import xarray as xr

from somite.baselines.arrays import matrix_between
from somite.behavior.composition import composition
from somite.core.checks import one_of
from somite.core.errors import InputError
from somite.models.transformer import Transformer

KINDS = ("Q", "K", "V")


def composition_graph(
    model: Transformer, kinds: Sequence[str] = KINDS, seed: int = 0, n_random: int = 100
) -> xr.DataArray:
    """How much heads read each other's writing, above what random heads would.

        A_st = Σ_kinds max(strength_st − mean strength of random heads, 0),   s below t

    The mean is over heads of independent normal weights of equal shape. Heads that compose through
    one kind alone have an edge, whatever the others. It does not change with the coordinates inside
    a head. Heads of one layer cannot compose and have 0. Strengths are shares of norms: a part of a
    head that reads nothing but is large hides what the rest of it reads.

    Args:
        model: The model; left as it was; at least two layers.
        kinds: Any of "Q", "K", "V".
        seed: Seed of the random heads.
        n_random: Number of pairs of random heads.

    Returns:
        Dims (component, other), symmetric, not negative, zero on the diagonal.

    Raises:
        InputError: If there is no kind, one is unknown or given twice, or the model has one layer.

    Example:
        >>> from somite.models import TransformerConfig
        >>> model = Transformer(TransformerConfig(vocab_size=5, context=4, n_heads=2))
        >>> composition_graph(model).shape
        (4, 4)
    """
    for kind in kinds:
        one_of("kinds", kind, KINDS)
    if not kinds or len(set(kinds)) < len(kinds):
        rule, remedy = "must name at least one kind, each once", f"Choose from {KINDS}."
        raise InputError("kinds", rule, list(kinds), remedy)
    if model.config.n_layers < 2:
        remedy = "Composition needs heads above heads."
        raise InputError("model", "must have at least two layers", model.config.n_layers, remedy)
    excess = composition(model, seed, n_random).excess.sel(kind=list(kinds))
    each = np.nan_to_num(excess.transpose("kind", "source", "target").to_numpy())
    directed = np.maximum(each, 0).sum(0)
    return matrix_between(directed + directed.T, [str(n) for n in excess.source.to_numpy()])
