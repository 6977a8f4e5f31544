"""Modules of a matrix: the partition an algorithm finds in it, its number of modules chosen."""

from collections.abc import Sequence

import numpy as np
import xarray as xr

from somite.core.checks import at_least, one_of
from somite.core.errors import InputError
from somite.core.random import stream_seed
from somite.modularity.algorithms import GRAPH_ALGORITHMS
from somite.modularity.clustering import Labels, canonical
from somite.modularity.matrix import check_matrix, negative_share, off_diagonal
from somite.modularity.partition import LARGEST, choose
from somite.modularity.series import Array
from somite.modularity.stability import group_stability
from somite.modularity.statistics import modularities

DEFAULT = "average"


def find_modules(
    matrix: xr.DataArray,
    replicates: xr.DataArray,
    seed: int,
    algorithm: str = DEFAULT,
    largest: int = LARGEST,
) -> xr.Dataset:
    """Modules of a matrix, their number chosen by stability over resampled matrices.

    As in `partition`, a number of modules qualifies when each of its modules is found again in the
    replicates with a mean Jaccard similarity of at least 0.75 (Hennig 2007), and among those that
    qualify the one with the largest signed modularity is taken; where none qualifies, the most
    stable, and the note says so. Algorithms that choose the number bring candidates of their own.
    It always finds something: whether that is more than chance is for `is_modular` to say.

    Args:
        matrix: Weights; dims (component, other).
        replicates: Resampled matrices, from the joint (chain, draw) series, since components share
            their noise; dims (replicate, component, other). See `resampled_matrices`.
        seed: Seed of the algorithm.
        algorithm: A name in `GRAPH_ALGORITHMS`.
        largest: Largest number of modules tried.

    Returns:
        dims component: label, module_stability; dims (replicate, component): replicate_label, the
        replicates cut into as many modules; dims candidate (number of modules):
        candidate_stability (of the least stable module). Attributes n_modules, stability,
        algorithm, negative_share (of the weight), note.

    Raises:
        InputError: If the matrix is unfit (`check_matrix`), replicates do not match it, or the
            algorithm is unknown.
    """
    checked = check_matrix(matrix)
    again = _check_replicates(replicates, checked)
    weights = checked.to_numpy()
    found = candidates(weights, algorithm, seed, largest)
    repeated = [candidates(r, algorithm, seed, largest) for r in again]
    rows = np.arange(len(weights))
    groups = [
        group_stability(labels, ((rows, each[i]) for each in repeated))
        for i, labels in enumerate(found)
    ]
    stability = np.array([g.min() for g in groups])
    quality = modularities(weights, found)
    chosen, note = choose(stability, quality)
    counts = [int(labels.max()) + 1 for labels in found]
    return xr.Dataset(
        {
            "label": ("component", found[chosen]),
            "module_stability": ("component", groups[chosen][found[chosen]]),
            "replicate_label": (
                ("replicate", "component"),
                np.stack([r[chosen] for r in repeated]),
            ),
            "candidate_stability": ("candidate", stability),
        },
        coords={"component": checked.component.to_numpy(), "candidate": counts},
        attrs={
            "n_modules": counts[chosen],
            "stability": float(stability[chosen]),
            "algorithm": algorithm,
            "negative_share": negative_share(weights),
            "note": note,
        },
    )


def candidates(weights: Array, algorithm: str, seed: int, largest: int) -> Labels:
    """Labels (candidate, component) that an algorithm offers for 2, 3, … modules, or its own one.

    The largest number is at most one fewer than the components; to these are added components
    without any edge, each a module of its own.
    """
    cut = GRAPH_ALGORITHMS[one_of("algorithm", algorithm, GRAPH_ALGORITHMS)]
    at_least("largest", largest, 2, "Allow two modules or more.")
    counts = range(2, max(2, min(largest, len(weights) - 1)) + 1)
    found = cut(weights, counts, stream_seed(algorithm, seed) % 2**32)
    alone = ~off_diagonal(weights).any(1)
    own = len(weights) + np.arange(len(weights))
    return np.stack([canonical(np.where(alone, own, labels)) for labels in found])


def best_modules(weights: Array, algorithm: str, seed: int, largest: int) -> Labels:
    """The candidate with the largest signed modularity: a search that null matrices can repeat."""
    found = candidates(weights, algorithm, seed, largest)
    best: Labels = found[int(np.argmax(modularities(weights, found)))]
    return best


def _check_replicates(replicates: xr.DataArray, matrix: xr.DataArray) -> Sequence[Array]:
    if set(replicates.dims) != {"replicate", "component", "other"}:
        rule = "must have the dims replicate, component, other"
        raise InputError("replicates", rule, replicates.dims, "See `resampled_matrices`.")
    at_least("replicates", replicates.sizes["replicate"], 2, "Resample 100 times.")
    ordered = replicates.transpose("replicate", "component", "other").astype(np.float64)
    names = matrix.component.to_numpy().tolist()
    for dim in ("component", "other"):
        if dim not in ordered.indexes or ordered.indexes[dim].tolist() != names:
            rule = f"must have the same {dim} as matrix"
            raise InputError("replicates", rule, ordered.sizes[dim], "Resample the same matrix.")
    values = ordered.to_numpy()
    own = np.eye(len(names), dtype=bool)
    if not np.isfinite(values[:, ~own]).all():
        raise InputError("replicates", "must be finite", "NaN or infinite", "Leave those out.")
    values = np.where(own, 0.0, values)
    return list((values + values.transpose(0, 2, 1)) / 2)
