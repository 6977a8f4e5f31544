"""What the factors of a sweep do to a measure: differences of means, with intervals over seeds."""

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.stats import false_discovery_control

from somite.core.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

LEVEL = 0.95


def effects(
    table: "pd.DataFrame", factors: Sequence[str], measures: Sequence[str]
) -> "pd.DataFrame":
    r"""Effects of factors and of their pairs on measures.

    For each measure a linear model is fitted by least squares,

        y = mean + Σ factor + Σ factor × factor + seed + ε,

    every factor categorical, its levels summing to zero, the seed a block. An effect is the
    difference of the means of a level and of the factor's first level, averaged over the levels of
    the others; that of a pair is the difference of two such differences. Intervals are Student's.

    Args:
        table: One row for each model and seed, such as the last checkpoints (`last`) or
            `at_equal_loss`.
        factors: Columns that were varied.
        measures: Columns that were measured; rows without one are left out of its model.

    Returns:
        Columns measure, term, effect, low, high (95 %), p_value, q_value (Benjamini and Hochberg
        over all rows returned), n (models behind it).

    Raises:
        InputError: If there is one seed (no interval exists), a factor has one level, or there are
            fewer models than terms.

    Example:
        >>> import pandas as pd
        >>> table = pd.DataFrame({"width": [1, 1, 1, 2, 2, 2], "seed": [0, 1, 2] * 2,
        ...                       "z": [0.0, 1.0, 2.0, 3.0, 4.0, 5.1]})
        >>> effects(table, ["width"], ["z"])[["term", "effect"]].round(3).values.tolist()
        [['width: 2 − 1', 3.033]]
    """
    import pandas as pd

    rows: list[dict[str, Any]] = []
    for measure in measures:
        known = table[table[measure].notna()]
        _check(known, factors, measure)
        rows += _of_measure(known, list(factors), measure)
    found = pd.DataFrame(rows)
    found["q_value"] = false_discovery_control(found.p_value)
    return found


def last(table: "pd.DataFrame") -> "pd.DataFrame":
    """The last checkpoint of each model and seed that was made."""
    made = table[table.failed == ""].sort_values("step")
    return made.groupby(["model", "seed"], as_index=False).tail(1).sort_values(["model", "seed"])


def _of_measure(table: "pd.DataFrame", factors: list[str], measure: str) -> list[dict[str, Any]]:
    """The rows of one measure.

    Raises:
        InputError: If there are fewer models than terms.
    """
    import statsmodels.api as sm

    codes = {name: _codes(table[name].to_numpy()) for name in factors}
    pairs = [pair for pair in itertools.combinations(factors, 2)
             if _crossed(table, pair)]  # fmt: skip
    terms: list[tuple[str, ...]] = [*((name,) for name in factors), *pairs]
    parts = {("seed",): _codes(table.seed.to_numpy())[1], (): np.ones((len(table), 1))}
    parts |= {(name,): codes[name][1] for name in factors}
    parts |= {pair: _products(codes[pair[0]][1], codes[pair[1]][1]) for pair in pairs}
    columns = np.concatenate(list(parts.values()), 1)
    if len(table) <= columns.shape[1] or np.linalg.matrix_rank(columns) < columns.shape[1]:
        rule = f"must have more than {columns.shape[1]} models of different settings"
        raise InputError(measure, rule, len(table), "Add seeds, or leave factors out.")
    fitted = sm.OLS(table[measure].to_numpy(float), columns).fit()
    starts = dict(
        zip(parts, np.cumsum([0, *(part.shape[1] for part in parts.values())]), strict=False)
    )
    rows = []
    for term in terms:
        for label, contrast in _contrasts([codes[name][0] for name in term], term):
            vector = np.zeros(columns.shape[1])
            vector[starts[term] : starts[term] + len(contrast)] = contrast
            test = fitted.t_test(vector)
            low, high = test.conf_int(1 - LEVEL)[0]
            rows.append({"measure": measure, "term": label, "effect": float(test.effect[0]),
                         "low": float(low), "high": float(high), "p_value": float(test.pvalue),
                         "n": len(table)})  # fmt: skip
    return rows


def _codes(values: np.ndarray) -> tuple[list[Any], np.ndarray]:
    """Levels, and columns that sum to zero over them."""
    levels = sorted(set(values.tolist()))
    table = np.vstack([np.eye(len(levels) - 1), -np.ones(len(levels) - 1)])
    return levels, table[[levels.index(value) for value in values.tolist()]]


def _products(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    products: np.ndarray = np.einsum("ni,nj->nij", a, b).reshape(len(a), -1)
    return products


def _contrasts(levels: Sequence[list[Any]], names: Sequence[str]) -> list[tuple[str, np.ndarray]]:
    """Differences to the first level, of one factor, or of differences, of two."""
    singles = []
    for name, known in zip(names, levels, strict=True):
        table = np.vstack([np.eye(len(known) - 1), -np.ones(len(known) - 1)])
        singles.append([(f"{name}: {known[i]} − {known[0]}", table[i] - table[0])
                        for i in range(1, len(known))])  # fmt: skip
    found = []
    for chosen in itertools.product(*singles):
        vector = chosen[0][1] if len(chosen) == 1 else np.outer(chosen[0][1], chosen[1][1]).ravel()
        found.append((" × ".join(label for label, _ in chosen), vector))
    return found


def _crossed(table: "pd.DataFrame", pair: tuple[str, str]) -> bool:
    """Whether all combinations of two factors were made."""
    levels = [table[name].nunique() for name in pair]
    return bool(len(table[list(pair)].drop_duplicates()) == levels[0] * levels[1])


def _check(table: "pd.DataFrame", factors: Sequence[str], measure: str) -> None:
    """Refuse what has no interval.

    Raises:
        InputError: See `effects`.
    """
    if table.seed.nunique() < 2:
        remedy = "Make the models with more seeds: from one, no interval exists."
        raise InputError("seeds", "must be at least 2", table.seed.nunique(), remedy)
    for name in factors:
        if table[name].nunique() < 2:
            remedy = f"Leave it out: models with {measure} have one level of it."
            raise InputError(f"factor {name}", "must have 2 levels", table[name].nunique(), remedy)
