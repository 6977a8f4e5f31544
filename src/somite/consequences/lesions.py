"""Lesion of a whole module, and of everything but it, against random sets of the same size."""

from collections.abc import Collection, Mapping, Sequence
from itertools import combinations, product
from math import comb, prod

import numpy as np
import xarray as xr

from somite.baselines.lesions import Evaluate, check_names, losses_without, standard_error
from somite.core.checks import at_least, one_of
from somite.core.random import stream_seed
from somite.modularity import false_discovery

SETS = 200
Array = np.ndarray
Sets = list[tuple[str, ...]]


def module_lesion(
    evaluate: Evaluate,
    module: Sequence[str],
    layers: Mapping[str, str],
    sets: int = SETS,
    seed: int = 0,
) -> xr.Dataset:
    """What is lost without a module, and what is kept with it alone, against random sets.

        rise = mean over examples of ( loss without the module − loss )
        faithfulness = (L_none − L_alone) / (L_none − L)

    L_none is the mean loss without any component of the module's layers, L_alone that without all
    of them but the module: 1 if the module alone does what its layers do, 0 if it does nothing. A
    random set has as many components of each layer as the module. Where there are no more than
    `sets` of them, each is taken once, the module among them, and p is exact; else they are drawn,
    and p is (1 + number at least as large) / (1 + number drawn).

    Args:
        evaluate: Losses with components withheld, of each behaviour or domain.
        module: Its components.
        layers: Layer of every component that there is.
        sets: Most random sets.
        seed: Of the sets.

    Returns:
        Over measure: `rise`, its `standard_error` across examples, `p_value` (random sets that cost
        at least as much) and `q_value` (Benjamini and Hochberg over the measures); `faithfulness`,
        `faithfulness_p` (sets that keep at least as much) and `faithfulness_q`, NaN where the
        layers do not lower the loss; over (set, measure) `random_rise`, `random_faithfulness`.

    Raises:
        InputError: If the module is empty, names a component twice or an unknown one.

    Example:
        >>> layers = {name: "0" for name in "abcd"}
        >>> def evaluate(out):  # a and b do the work
        ...     return {"x": np.array([1.0, 2.0]) + ("a" in out) + 2 * ("b" in out)}
        >>> found = module_lesion(evaluate, ["a", "b"], layers)
        >>> found.rise.item(), round(found.p_value.item(), 3), found.faithfulness.item()
        (3.0, 0.167, 1.0)
    """
    check_names(module, argument="module")
    for name in module:
        one_of("module", name, layers)
    at_least("sets", sets, 1)
    drawn, exact = random_sets(module, layers, sets, seed)
    clean, spoiled = losses_without(evaluate, []), losses_without(evaluate, module)
    own = {name: values - clean[name] for name, values in spoiled.items()}
    rises = np.array([_means(evaluate, one) for one in drawn]) - _mean(clean)
    there = {layers[name] for name in module}
    around = [name for name, layer in layers.items() if layer in there]
    without = _means(evaluate, around)
    kept = _faithful(evaluate, [tuple(module)], around, without, _mean(clean))[0]
    random_kept = _faithful(evaluate, drawn, around, without, _mean(clean))
    p_value = p_values(_mean(own), rises, exact)
    errors = np.array([standard_error(values) for values in own.values()])
    table = xr.Dataset(
        {
            "rise": ("measure", _mean(own)),
            "standard_error": ("measure", errors),
            "p_value": ("measure", p_value),
            "faithfulness": ("measure", kept),
            "faithfulness_p": ("measure", p_values(kept, random_kept, exact)),
            "random_rise": (("set", "measure"), rises),
            "random_faithfulness": (("set", "measure"), random_kept),
        },
        coords={"measure": list(clean)},
        attrs={"sets": len(drawn), "exact": int(exact)},
    )
    return table.assign(
        q_value=false_discovery(table.p_value),
        faithfulness_q=false_discovery(table.faithfulness_p),
    )


def random_sets(
    module: Collection[str], layers: Mapping[str, str], most: int, seed: int
) -> tuple[Sets, bool]:
    """Sets with as many components of each layer as a module, and whether these are all there are.

    Args:
        module: Its components.
        layers: Layer of every component.
        most: Sets that are drawn if there are more than these.
        seed: Of the draws.

    Example:
        >>> random_sets(["a"], {"a": "0", "b": "0", "c": "1"}, 9, 0)
        ([('a',), ('b',)], True)
    """
    members: dict[str, list[str]] = {}
    for name, layer in layers.items():
        members.setdefault(layer, []).append(name)
    counts = {layer: sum(layers[name] == layer for name in module) for layer in members}
    used = {layer: count for layer, count in counts.items() if count}
    if prod(comb(len(members[layer]), count) for layer, count in used.items()) <= most:
        each = [combinations(members[layer], count) for layer, count in used.items()]
        return [tuple(n for part in parts for n in part) for parts in product(*each)], True
    generator = np.random.default_rng(stream_seed("random sets", seed, sorted(module)))
    drawn = [
        tuple(
            str(name)
            for layer, count in used.items()
            for name in generator.choice(members[layer], count, replace=False)
        )
        for _ in range(most)
    ]
    return drawn, False


def kept_evaluations(evaluate: Evaluate) -> Evaluate:
    """The same function, which remembers what it has found for a set of names."""
    found: dict[frozenset[str], Mapping[str, Array]] = {}

    def remembering(withheld: Collection[str]) -> Mapping[str, Array]:
        key = frozenset(withheld)
        if key not in found:
            found[key] = evaluate(withheld)
        return found[key]

    return remembering


def _mean(losses: Mapping[str, Array]) -> Array:
    return np.array([values.mean() for values in losses.values()])


def _means(evaluate: Evaluate, withheld: Collection[str]) -> Array:
    return _mean(losses_without(evaluate, withheld))


def _faithful(
    evaluate: Evaluate, sets: Sets, around: Sequence[str], without: Array, clean: Array
) -> Array:
    """What each set alone recovers of what its layers do (set, measure)."""
    alone = np.array([_means(evaluate, [n for n in around if n not in one]) for one in sets])
    whole = without - clean
    return np.where(whole > 0, (without - alone) / np.where(whole > 0, whole, 1.0), np.nan)


def p_values(own: Array, others: Array, exact: bool) -> Array:
    """Share of sets that are at least as large, to rounding (measure,).

    Args:
        own: Of the set that is compared (measure,).
        others: Of random sets (set, measure).
        exact: Whether they are all that there are, itself among them.

    Example:
        >>> p_values(np.array([2.0]), np.array([[1.0], [2.0], [0.0]]), exact=False).tolist()
        [0.5]
    """
    slack = 1e-9 * (1 + np.abs(own))
    as_large = (others >= own - slack).sum(0)
    found = as_large / len(others) if exact else (1 + as_large) / (1 + len(others))
    return np.where(np.isnan(own), np.nan, found)
