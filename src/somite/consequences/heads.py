"""What a transformer suffers when some of its heads are withheld: pruned in order, or at random."""

from collections.abc import Sequence

import numpy as np
import xarray as xr

from somite.baselines.lesions import Evaluate, check_names, losses_without
from somite.core.checks import at_least
from somite.core.errors import InputError
from somite.core.random import stream_seed

Array = np.ndarray


def head_pruning(evaluate: Evaluate, names: Sequence[str]) -> xr.DataArray:
    """Rise of each example's loss when ever more components are withheld, the least missed first.

    The order is that of the mean rise without one component alone, over the examples of all
    domains; nothing is trained again.

    Args:
        evaluate: Losses with components withheld, such as `transformer_lesions` makes.
        names: The components.

    Returns:
        dims (kept, example), kept from 0 to all; the attribute `order` names them as they go.

    Raises:
        InputError: If a name is there twice, or there is none.

    Example:
        >>> def evaluate(out):
        ...     return {"x": np.array([1.0, 2.0]) + 3 * ("a" in out) + ("b" in out)}
        >>> head_pruning(evaluate, ["a", "b"]).mean("example").values.tolist()
        [4.0, 1.0, 0.0]
    """
    check_names(names)
    clean = _losses(evaluate, [])
    alone = [float((_losses(evaluate, [name]) - clean).mean()) for name in names]
    order = [names[i] for i in np.argsort(alone, kind="stable")]
    rises = [_losses(evaluate, order[:out]) - clean for out in range(len(order), -1, -1)]
    kept = {"kept": np.arange(len(order) + 1)}
    return xr.DataArray(np.stack(rises), kept, ("kept", "example"), attrs={"order": order})


def random_removal(
    evaluate: Evaluate, names: Sequence[str], number: int, sets: int = 10, seed: int = 0
) -> xr.DataArray:
    """Rise of each example's loss when so many components, chosen at random, are withheld.

    Args:
        evaluate: As for `head_pruning`.
        names: The components.
        number: How many are withheld at once.
        sets: Random sets over which is averaged.
        seed: Of the sets.

    Returns:
        dims example.

    Raises:
        InputError: If there are not so many components.

    Example:
        >>> def evaluate(out):
        ...     return {"x": np.array([1.0, 2.0]) + 3 * len(out)}
        >>> random_removal(evaluate, ["a", "b"], 1).values.tolist()
        [3.0, 3.0]
    """
    if at_least("number", number, 1) > len(names):
        raise InputError("number", f"must be at most {len(names)}", number, "Lower it.")
    generator = np.random.default_rng(stream_seed("random removal", seed))
    clean = _losses(evaluate, [])
    drawn = [
        generator.choice(names, number, replace=False) for _ in range(at_least("sets", sets, 1))
    ]
    rises = [_losses(evaluate, [str(name) for name in out]) - clean for out in drawn]
    return xr.DataArray(np.mean(rises, axis=0), dims="example")


def _losses(evaluate: Evaluate, withheld: Sequence[str]) -> Array:
    """Losses of the examples of all domains, one after the other (example,)."""
    return np.concatenate(list(losses_without(evaluate, withheld).values()))
