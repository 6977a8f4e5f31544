"""What a method's matrix is worth on a network whose modules are known."""

from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from sklearn.metrics import adjusted_rand_score

from somite.modularity import agreement, is_modular, score_given
from somite.truths.truth import ALL, GroundTruth

REPEATS, PERMUTATIONS = 99, 999
"""Null matrices of the verdict; permutations of labels."""
LEAST = 0.05
"""Weight of a pair beyond which it counts as coupled."""
Row = dict[str, Any]


class Judged(NamedTuple):
    """Scores, and the modules that were found.

    Args:
        row: Scores by column.
        modules: Module of each component; empty where there are only two components.
    """

    row: Row
    modules: dict[str, int]


def judged(matrix: xr.DataArray, truth: GroundTruth, null: str, seed: int) -> Judged:
    """Scores of a matrix against the modules, or the interaction, that are known.

    Args:
        matrix: Between the components of a truth, or some of them.
        truth: The network.
        null: What `is_modular` compares with.
        seed: Of search, null and permutations.

    Returns:
        For three components or more: `auc` (of pairs in one module against pairs in two), `ari` and
        `ami` of the partition that is found without being told the number of modules, each with
        `_p`, from labels permuted among components, and `p` of the verdict "modular". Components
        without a label are in the matrix, and not judged. For two: `weight`, `expected` sign of the
        interaction where it is known, and whether the weight has it.

    Bad input:
        `InputError` if the matrix has no edge or is not finite.
    """
    names = [str(name) for name in matrix.component.values]
    if len(truth.components) == 2:
        return Judged(_pair(matrix, truth), {})
    found = is_modular(matrix, seed, null=null, repeats=REPEATS)
    modules = dict(zip(names, found.label.values.tolist(), strict=True))
    row: Row = {"p": float(found.p_value), "components": len(names)}
    judges = [name for name in names if name in truth.labels]
    labels = np.unique([truth.labels[name] for name in judges], return_inverse=True)[1]
    if len(set(labels.tolist())) > 1:
        row |= _against(matrix, judges, labels, modules, seed)
    return Judged(row, modules)


def shift(before: xr.DataArray, after: xr.DataArray) -> float:
    """‖after − before‖ / ‖before‖ over the pairs of components that both have.

    Example:
        >>> names = ["a", "b"]
        >>> coords = {"component": names, "other": names}
        >>> one = xr.DataArray([[0.0, 1.0], [1.0, 0.0]], coords, ("component", "other"))
        >>> shift(one, 3 * one)
        2.0
    """
    both = [name for name in before.component.values if name in after.component.values]
    values = [m.sel(component=both, other=both).values.astype(float) for m in (before, after)]
    one, two = (matrix[~np.eye(len(both), dtype=bool)] for matrix in values)
    size = float(np.linalg.norm(one))
    return float(np.linalg.norm(two - one)) / size if size > 0 else float("nan")


def same_partition(before: dict[str, int], after: dict[str, int]) -> float:
    """ARI of two partitions of the components that both have."""
    both = [name for name in before if name in after]
    return float(adjusted_rand_score([before[n] for n in both], [after[n] for n in both]))


def expected_sign(truth: GroundTruth) -> int | None:
    """Sign of the interaction of the two components of a truth, where it is known."""
    a, b = truth.components
    if {a, b, ALL} <= set(truth.exact):
        value = truth.exact[a] + truth.exact[b] - truth.exact[ALL]
    elif f"I({a},{b})" in truth.exact:
        value = truth.exact[f"I({a},{b})"]
    else:
        return None
    return int(np.sign(value))


def _against(
    matrix: xr.DataArray, names: list[str], labels: np.ndarray, modules: dict[str, int], seed: int
) -> Row:
    inside = matrix.sel(component=names, other=names)
    ours = [modules[name] for name in names]
    same = agreement(labels, ours, [0] * len(names), seed, PERMUTATIONS)
    row: Row = {"ari": same.ari, "ari_p": same.p_value}
    row |= {"ami": same.ami, "ami_p": same.ami_p_value}
    if len(set(labels.tolist())) < len(labels):
        pairs = score_given(inside, labels, "pair_auc", seed, repeats=PERMUTATIONS)
        row |= {"auc": float(pairs.value), "auc_p": float(pairs.p_value)}
    return row


def _pair(matrix: xr.DataArray, truth: GroundTruth) -> Row:
    a, b = truth.components
    weight, sign = float(matrix.sel(component=a, other=b)), expected_sign(truth)
    row: Row = {"weight": weight, "components": 2}
    if sign is not None:
        seen = int(np.sign(weight)) if abs(weight) > LEAST else 0
        row |= {"expected": sign, "sign_right": seen == sign}
    return row
