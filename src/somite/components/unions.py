"""Unions of components: what must be sampled beside them to measure how they interact."""

import random
from collections.abc import Mapping, Sequence
from itertools import combinations

from somite.components.mask import Mask
from somite.core.checks import at_least
from somite.core.errors import InputError, nearest
from somite.core.random import stream_seed

FULL = "full"
"""Name of the union of all components."""
Partition = Mapping[str, Sequence[str]]
"""Components by module."""


def union_name(names: Sequence[str]) -> str:
    """Name under which the union of some components is sampled.

    Example:
        >>> union_name(["0:0", "1:3"])
        '0:0|1:3'
    """
    return "|".join(names)


def union(masks: Sequence[Mask]) -> Mask:
    """Entries that belong to any of the masks."""
    whole = masks[0]
    for mask in masks[1:]:
        whole = whole | mask
    return whole


def check_disjoint(components: Mapping[str, Mask]) -> None:
    """Require that no weight belongs to two components.

    Raises:
        InputError: If one does; the first two such components are named.
    """
    for (a, one), (b, other) in combinations(components.items(), 2):
        for name in set(one.entries) & set(other.entries):
            if shared := int((one.entries[name] & other.entries[name]).sum()):
                remedy = "Give every weight to one component, such as whole heads or layers."
                rule = "must not share weights"
                got = f"{shared} entries of {name} in both"
                raise InputError(f"components {a} and {b}", rule, got, remedy)


def pairs(
    components: Mapping[str, Mask], which: Sequence[tuple[str, str]] | None = None
) -> dict[str, Mask]:
    """Components and the unions of their pairs, to be sampled in one call for `interaction`.

    Units should be whole heads, MLPs, neuron groups or layers. A query and its key matrix, or a
    value and its output matrix, share a gauge: what one multiplies by a matrix the other undoes,
    which alone makes an interaction of half the number of its entries.

    Args:
        components: Masks by name, disjoint; two or more.
        which: The pairs, by name; all if left out.

    Returns:
        Masks of the components that occur in a pair, then of the unions, named "A|B".

    Raises:
        InputError: If components share weights, are fewer than two, or a pair names none of them
            or the same twice.

    Example:
        >>> import torch
        >>> a, b = (Mask({"w": torch.tensor(chosen)}) for chosen in ([True, False], [False, True]))
        >>> {name: mask.size for name, mask in pairs({"A": a, "B": b}).items()}
        {'A': 1, 'B': 1, 'A|B': 2}
    """
    at_least("number of components", len(components), 2, "Two are needed to interact.")
    chosen = list(combinations(components, 2)) if which is None else list(which)
    for pair in chosen:
        for name in pair:
            if name not in components:
                remedy = nearest(name, components)
                raise InputError("pairs", "must be of known components", name, remedy)
        if len(set(pair)) != 2:
            remedy = "Give two different components."
            raise InputError("pairs", "must be of two components", pair, remedy)
    wanted = {name for pair in chosen for name in pair}
    singles = {name: mask for name, mask in components.items() if name in wanted}
    check_disjoint(singles)
    return singles | {union_name(p): union([components[name] for name in p]) for p in chosen}


def modules(
    components: Mapping[str, Mask], partitions: Sequence[Partition] = ()
) -> dict[str, Mask]:
    """Components, the modules of partitions, and the whole, for `coupling` and `partition_score`.

    Args:
        components: Masks by name, disjoint; two or more.
        partitions: Each a mapping from modules to the components they hold.

    Returns:
        Masks of the components, of all modules of two or more, named by `union_name` of their
        components in the order of `components`, and of the union "full" of all components.

    Raises:
        InputError: If components share weights or are fewer than two, or a partition does not
            hold every component once.

    Example:
        >>> import torch
        >>> rows = torch.eye(3, dtype=torch.bool)
        >>> parts = {name: Mask({"w": row}) for name, row in zip("ABC", rows)}
        >>> list(modules(parts, [{"left": ["A", "B"], "right": ["C"]}]))
        ['A', 'B', 'C', 'A|B', 'full']
    """
    at_least("number of components", len(components), 2, "Two are needed to interact.")
    check_disjoint(components)
    masks = dict(components)
    for partition in partitions:
        for members in module_members(list(components), partition).values():
            if 1 < len(members) < len(components):
                masks[union_name(members)] = union([components[name] for name in members])
    return masks | {FULL: union(list(components.values()))}


def module_members(components: Sequence[str], partition: Partition) -> dict[str, list[str]]:
    """Components of every module, in the order of `components`.

    Raises:
        InputError: If a component is in two modules, in none, or unknown, or a module is empty.
    """
    held = [name for members in partition.values() for name in members]
    for name in held:
        if name not in components:
            remedy = nearest(name, components)
            raise InputError("partition", "must hold known components", name, remedy)
        if held.count(name) > 1:
            remedy = "Give each to one module."
            raise InputError("partition", "must hold every component once", name, remedy)
    if missing := [name for name in components if name not in held]:
        remedy = "Give each to a module, if only to one of its own."
        raise InputError("partition", "must cover all components", f"none of {missing}", remedy)
    if empty := [module for module, members in partition.items() if not members]:
        raise InputError("partition", "must have no empty module", empty, "Leave it out.")
    return {
        module: [name for name in components if name in members]
        for module, members in partition.items()
    }


def random_partitions(
    components: Sequence[str], partition: Partition, count: int, seed: int = 0
) -> list[dict[str, list[str]]]:
    """Partitions with modules of the same sizes, components dealt out at random.

    Args:
        components: Names.
        partition: Gives the sizes.
        count: How many.
        seed: Of the stream.

    Returns:
        Partitions with the names of the modules; the given one may be among them.

    Raises:
        InputError: If the partition does not hold every component once, or `count` is below 1.

    Example:
        >>> found = random_partitions("ABCD", {"left": "AB", "right": "CD"}, 3)
        >>> [len(members) for members in found[0].values()]
        [2, 2]
    """
    at_least("count", count, 1, "Take 100 or more.")
    sizes = {name: len(held) for name, held in module_members(components, partition).items()}
    order, dealt = random.Random(stream_seed(seed, "same-size partitions")), []
    for _ in range(count):
        left = iter(order.sample(list(components), len(components)))
        drawn = {module: {next(left) for _ in range(size)} for module, size in sizes.items()}
        dealt.append(module_members(components, {m: sorted(held) for m, held in drawn.items()}))
    return dealt
