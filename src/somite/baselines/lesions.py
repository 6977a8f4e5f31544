"""Lesions: what the loss rises by when components, alone or in pairs, are withheld.

Sources: Hod et al. 2021 (2110.08058) for lesions on subsets of the data; Wang et al. 2022
(2211.00593) for backup heads, which a pair of lesions shows.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import combinations

import numpy as np
import xarray as xr

from somite.baselines.arrays import Array
from somite.core.errors import InputError

Evaluate = Callable[[Collection[str]], Mapping[str, Array]]
"""Names of withheld components to the loss of each example (example,) of each domain."""


def lesion_matrix(evaluate: Evaluate, names: Sequence[str]) -> xr.Dataset:
    """Rise of each domain's loss when one component is withheld.

        Δ_C = mean over examples of ( loss without C − loss )

    Args:
        evaluate: Losses with components withheld, such as `transformer_lesions` makes; for the
            whole model it is called with no name. The same examples every time.
        names: The components.

    Returns:
        Dims (component, domain): `loss_change` and its `standard_error` across examples, paired;
        NaN for a single example.

    Bad input:
        `InputError` if names repeat or are too few, or losses are no finite vectors.

    Example:
        >>> def evaluate(out):
        ...     return {"x": np.array([1.0, 2.0]) + 3 * ("a" in out)}
        >>> lesion_matrix(evaluate, ["a", "b"]).loss_change.values.tolist()
        [[3.0], [0.0]]
    """
    check_names(names, least=1)
    clean = losses_without(evaluate, [])
    changes = [_changes(evaluate, [name], clean) for name in names]
    dims = ("component", "domain")
    mean = np.array([[change.mean() for change in row.values()] for row in changes])
    error = np.array([[standard_error(change) for change in row.values()] for row in changes])
    coords = {"component": list(names), "domain": list(clean)}
    return xr.Dataset({"loss_change": (dims, mean), "standard_error": (dims, error)}, coords)


def lesion_synergy(evaluate: Evaluate, names: Sequence[str]) -> xr.Dataset:
    """What a pair of lesions does beyond the sum of both.

        S_AB = Δ_AB − Δ_A − Δ_B

    Above 0 one stands in for the other (backup, redundancy); below 0 both are links of one chain,
    which one lesion breaks already. Takes a pass for each pair.

    Args:
        evaluate: As for `lesion_matrix`.
        names: The components, at least two.

    Returns:
        Dims (component, other, domain): `synergy`, zero where component and other are the same,
        and its `standard_error` across examples, paired; NaN for a single example.

    Bad input:
        `InputError` if names repeat or are too few, or losses are no finite vectors.

    Example:
        >>> def evaluate(out):  # the loss rises only when both are gone
        ...     return {"x": np.array([1.0, 2.0]) + 3 * ({"a", "b"} <= set(out))}
        >>> lesion_synergy(evaluate, ["a", "b"]).synergy.values[..., 0].tolist()
        [[0.0, 3.0], [3.0, 0.0]]
    """
    check_names(names, least=2)
    clean = losses_without(evaluate, [])
    single = [_changes(evaluate, [name], clean) for name in names]
    shape = (len(names), len(names), len(clean))
    mean, error = np.zeros(shape), np.zeros(shape)
    for i, j in combinations(range(len(names)), 2):
        both = _changes(evaluate, [names[i], names[j]], clean)
        for place, domain in enumerate(clean):
            beyond = both[domain] - single[i][domain] - single[j][domain]
            mean[[i, j], [j, i], place] = beyond.mean()
            error[[i, j], [j, i], place] = standard_error(beyond)
    coords = {"component": list(names), "other": list(names), "domain": list(clean)}
    dims = ("component", "other", "domain")
    return xr.Dataset({"synergy": (dims, mean), "standard_error": (dims, error)}, coords)


def check_names(names: Sequence[str], least: int = 1, argument: str = "names") -> None:
    """Require so many components, each once.

    Raises:
        InputError: If they are fewer, or one is there twice.
    """
    if len(names) < least or len(set(names)) < len(names):
        words = "one component" if least == 1 else f"{least} components"
        rule = f"must name at least {words}, each once"
        raise InputError(argument, rule, list(names), "Choose from the model's components.")


def losses_without(evaluate: Evaluate, withheld: Collection[str]) -> dict[str, Array]:
    """Losses of every example with some components withheld, by domain, in float64.

    Raises:
        InputError: If there are none, or they are no finite vectors.
    """
    found = {domain: np.asarray(x, np.float64) for domain, x in evaluate(withheld).items()}
    if not found:
        raise InputError("losses", "must be given for at least one domain", {}, "Add data.")
    for domain, losses in found.items():
        if losses.ndim != 1 or not losses.size or not np.isfinite(losses).all():
            rule = f"must be a finite vector for {domain}"
            raise InputError("losses", rule, losses.shape, "Give one loss per example.")
    return found


def _changes(
    evaluate: Evaluate, withheld: Collection[str], clean: Mapping[str, Array]
) -> dict[str, Array]:
    """Rise of each example's loss, by domain."""
    found = losses_without(evaluate, withheld)
    return {domain: found[domain] - losses for domain, losses in clean.items()}


def standard_error(values: Array) -> float:
    """Standard error of the mean of some values; NaN for a single one."""
    return float(values.std(ddof=1) / len(values) ** 0.5) if len(values) > 1 else float("nan")
