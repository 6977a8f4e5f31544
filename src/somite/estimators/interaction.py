"""Interaction of two components: what their coefficients have in common.

    I(A, B) = λ_A + λ_B − λ_AB

all around the same center at the same n_beta and localization. I·log n_beta is the leading term of
the pointwise mutual information of the two sets of weights under the posterior. Positive: one can
make up for the other, they share directions or a symmetry; negative: both must move for the loss
to change; 0 for independent components (but not for them alone). In a quadratic basin I ≥ 0.
"""

from collections.abc import Sequence
from itertools import permutations
from typing import Any

import numpy as np
import xarray as xr

from somite.components.unions import union_name
from somite.core.checks import one_of
from somite.core.errors import InputError
from somite.estimators.joint import Joint, joined, joint, require_components, require_whole
from somite.estimators.series import scale
from somite.estimators.shares import gate
from somite.sampling.convergence import effective_size, rank_r_hat

Pair = tuple[str, str]
REMEDY = "Sample the masks of `somite.pairs(components)` in one call."
NO_CHAIN = "no chain is left"


def interaction(
    draws: xr.Dataset | Sequence[xr.Dataset],
    pairs: Sequence[Pair] | None = None,
    on_failure: str = "raise",
) -> xr.Dataset:
    """Estimate I(A, B) = λ_A + λ_B − λ_AB of pairs of components.

    The estimate and its error are the mean and the Monte Carlo error of the joint series
    n_beta·(l_A + l_B − l_AB) over chains and draws: the three chains share minibatches and noise,
    most of which cancels. The error is the larger of that of minibatch losses and that on the
    probe named "reference". Minibatch noise and long steps bias I, even its sign: repeat at half
    the step and compare with `moved`.

    Args:
        draws: From one `somite.sample` with the masks of `somite.pairs`, or from several that are
            alike in all but their components, the seed included.
        pairs: Names (A, B); all whose union "A|B" is there if left out.
        on_failure: "raise" if a chain failed, or "leave out" chains that failed in any of the
            three, and count them.

    Returns:
        Over pair (named "A|B"), dimensionless: `interaction`, `mcse`, `z` (the former over the
        latter), `llc_first`, `llc_second`, `llc_union`; `r_hat` and `ess` of the joint series;
        `anharmonicity` of the union, `anharmonicity_mcse` and `remark`, words if the quadratic
        theorems do not hold; `chains_failed`; coordinates `first`, `second`. Attributes of draws.

    Raises:
        InputError: If runs differ in a setting such as n_beta or localization, a component or a
            union is missing, the two overlap, n_beta is 0, or a chain failed.

    Source:
        docs/glossary.md; the free energies behind it: Watanabe 2009, and dF/d log n_beta = λ.

    Example:
        >>> import somite as so, torch
        >>> loss = lambda model, batch: (model.weight.sum() ** 2).expand(len(batch))
        >>> model = torch.nn.Linear(2, 1, bias=False)
        >>> _ = model.weight.data.zero_()
        >>> masks = {"A": so.Mask({"weight": torch.tensor([[True, False]])}),
        ...          "B": so.Mask({"weight": torch.tensor([[False, True]])})}
        >>> draws = so.sample(model, so.Target(loss, torch.zeros(1), 10, 1), so.BAOAB(0.2, 2.0),
        ...                   components=so.pairs(masks), draws=400)
        >>> interaction(draws).sel(pair="A|B").remark.item()
        ''
    """
    one_of("on_failure", on_failure, ("raise", "leave out"))
    draws = joined(draws)
    scale(draws)
    chosen = chosen_pairs(draws, pairs)
    rows = [_row(draws, pair, on_failure) for pair in chosen]
    columns = {name: ("pair", [row[name] for row in rows]) for name in rows[0]}
    return xr.Dataset(columns, pair_coordinates(chosen), draws.attrs)


def pair_matrix(values: xr.DataArray) -> xr.DataArray:
    """A column over pairs as a symmetric matrix.

    Args:
        values: Over pair, with coordinates `first` and `second`, such as `table.interaction`.

    Returns:
        (component, other), in the order of first appearance; NaN on the diagonal and for pairs
        that were not measured. The attributes are those of the column.

    Example:
        >>> coordinates = {"pair": ["A|B"], "first": ("pair", ["A"]), "second": ("pair", ["B"])}
        >>> pair_matrix(xr.DataArray([0.5], coordinates, ["pair"])).sel(component="B").values
        array([0.5, nan])
    """
    first, second = (values[name].values.tolist() for name in ("first", "second"))
    names = list(dict.fromkeys(name for pair in zip(first, second, strict=True) for name in pair))
    empty = np.full((len(names),) * 2, np.nan)
    matrix = xr.DataArray(
        empty, {"component": names, "other": names}, ("component", "other"), attrs=values.attrs
    )
    for a, b, value in zip(first, second, values.values, strict=True):
        matrix.loc[a, b] = matrix.loc[b, a] = value
    return matrix


def chosen_pairs(draws: xr.Dataset, pairs: Sequence[Pair] | None) -> list[Pair]:
    """Pairs to be estimated, checked against the draws.

    Raises:
        InputError: If there is none, one is incomplete, or its two components overlap.
    """
    names = [str(name) for name in draws.component.values]
    if pairs is None:
        pairs = [pair for pair in permutations(names, 2) if union_name(pair) in names]
    if not pairs:
        rule = "must hold two components and their union, named 'A|B'"
        raise InputError("draws", rule, names, REMEDY)
    for pair in pairs:
        require_components(draws, [*pair, union_name(pair)], REMEDY)
        require_whole(draws, pair, union_name(pair))
    return list(pairs)


def pair_coordinates(pairs: Sequence[Pair]) -> dict[str, Any]:
    """Coordinates of a table over pairs."""
    return {
        "pair": [union_name(pair) for pair in pairs],
        "first": ("pair", [first for first, _ in pairs]),
        "second": ("pair", [second for _, second in pairs]),
    }


def weights(pair: Pair) -> dict[str, float]:
    """What the coefficients of A, B and A|B count in I."""
    return {pair[0]: 1.0, pair[1]: 1.0, union_name(pair): -1.0}


def _row(draws: xr.Dataset, pair: Pair, on_failure: str) -> dict[str, Any]:
    both = union_name(pair)
    series = joint(draws, [*pair, both], on_failure)
    if series is None:
        absent = dict.fromkeys((*NUMBERS, "anharmonicity", "anharmonicity_mcse"), float("nan"))
        return {**absent, "remark": NO_CHAIN, "chains_failed": draws.sizes["chain"]}
    numbers = dict(zip(NUMBERS, _numbers(series, pair), strict=True))
    failed = series.chains_failed
    return {**numbers, **gate(series.draws.sel(component=both)), "chains_failed": failed}


NUMBERS = (
    *("interaction", "mcse", "z", "llc_first", "llc_second", "llc_union"),
    *("r_hat", "ess"),
)


def _numbers(series: Joint, pair: Pair) -> tuple[float, ...]:
    value, error = series.estimate(weights(pair))
    apart = series.combined(weights(pair))
    z = value / error if error else 0.0 if value == 0 else float("nan")
    coefficients = [float(series.loss[name].mean()) for name in (*pair, union_name(pair))]
    return value, error, z, *coefficients, rank_r_hat(apart), effective_size(apart)
