"""Labels and sets of components drawn at random within strata."""

from collections.abc import Iterable, Iterator
from itertools import permutations as orders
from itertools import product
from math import factorial, prod

import numpy as np
from numpy.typing import NDArray

from somite.core.checks import at_least
from somite.core.errors import InputError
from somite.core.random import stream_seed
from somite.modularity.clustering import Labels, canonical


def relabelings(labels: Labels, strata: Labels, seed: int, count: int) -> tuple[Labels, bool]:
    """Labels permuted inside each stratum (relabeling, component), and whether these are all.

    Partitions into modules of the same sizes. Where there are no more than `count` orders in all,
    each is there once.

    Example:
        >>> relabelings(np.array([0, 1]), np.array([0, 0]), 0, 10)[0].tolist()
        [[0, 1], [1, 0]]
    """
    members = [np.flatnonzero(strata == s) for s in range(int(strata.max()) + 1)]
    if prod(factorial(len(m)) for m in members) <= count:
        return np.array(list(_every_order(labels, members))), True
    generator = np.random.default_rng(stream_seed("relabelings", seed))
    result = np.tile(labels, (count, 1))
    for m in members:
        result[:, m] = generator.permuted(result[:, m], axis=1)
    return result, False


def random_sets(
    members: NDArray[np.bool_], strata: Labels, seed: int, count: int
) -> NDArray[np.bool_]:
    """Random sets of components, as many from each stratum as the given set holds.

    For what is measured on a set: a lesion, the LLC of a union.

    Args:
        members: Which components the set holds (component,).
        strata: Stratum of each component, such as its layer and type (component,).
        seed: Seed of the draw.
        count: Number of sets.

    Returns:
        Sets (set, component).

    Raises:
        InputError: If the set is empty, or lengths differ.

    Example:
        >>> random_sets(np.array([True, False, True]), np.array([0, 0, 1]), 0, 9).sum(0)[2].item()
        9
    """
    at_least("count", count, 1, "Draw 99.")
    if len(members) != len(strata):
        lengths = f"{len(members)} and {len(strata)}"
        rule, remedy = "must have one entry for each component", "Give a stratum to each."
        raise InputError("strata", rule, lengths, remedy)
    if not members.any():
        raise InputError("members", "must hold a component", 0, "Name the set.")
    generator = np.random.default_rng(stream_seed("random sets", seed))
    result = np.zeros((count, len(members)), dtype=np.bool_)
    for stratum in np.unique(strata):
        places = np.flatnonzero(strata == stratum)
        result[:, places] = generator.permuted(np.tile(members[places], (count, 1)), axis=1)
    return result


def strata_of(strata: Iterable[object] | None, count: int) -> Labels:
    """Strata as labels: one name for each component, or None for a single stratum.

    Raises:
        InputError: If there is not one name for each component.

    Example:
        >>> strata_of(["head", "mlp", "head"], 3).tolist()
        [0, 1, 0]
    """
    if strata is None:
        return np.zeros(count, dtype=np.int64)
    names = [str(name) for name in strata]
    if len(names) != count:
        rule, remedy = "must name a stratum for each component", "Give the layer and type of each."
        raise InputError("strata", rule, f"{len(names)} for {count}", remedy)
    return canonical(np.unique(np.array(names), return_inverse=True)[1])


def _every_order(labels: Labels, members: list[Labels]) -> Iterator[Labels]:
    for choice in product(*(orders(m) for m in members)):
        result = labels.copy()
        for place, source in zip(members, choice, strict=True):
            result[place] = labels[list(source)]
        yield result
