"""All cases, and how some of them are chosen."""

from collections.abc import Sequence

from somite.core.errors import InputError, nearest
from somite.verify import gaussian_cases, linear_cases, monomial_cases, superposition_cases
from somite.verify.case import Case

CASES: tuple[Case, ...] = (
    *gaussian_cases.CASES,
    *monomial_cases.CASES,
    *linear_cases.CASES,
    *superposition_cases.CASES,
)
SHORT = frozenset(
    {
        *("gaussian-sgld", "gaussian-sgld-noise", "gaussian-sgld-no-loss", "gaussian-rmsprop"),
        *("gaussian-adam", "gaussian-baoab", "gaussian-sgnht-noise", "gaussian-mala"),
        *("gaussian-hmc", "quartic-sgld", "cross-baoab", "linear-local-value"),
    }
)
"""Every kernel, and every subject but the slow one, in half a minute."""


def select_cases(short: bool = False, only: Sequence[str] = ()) -> tuple[Case, ...]:
    """Cases to verify.

    Args:
        short: Only those of the short set.
        only: Names of cases, if not all.

    Returns:
        In their fixed order.

    Raises:
        InputError: If a name is unknown, or no case is left.

    Example:
        >>> [case.name for case in select_cases(only=["quartic-hmc"])]
        ['quartic-hmc']
    """
    known = [case.name for case in CASES]
    for name in only:
        if name not in known:
            raise InputError("only", "must be the name of a case", name, nearest(name, known))
    chosen = tuple(
        case
        for case in CASES
        if (not only or case.name in only) and (not short or case.name in SHORT)
    )
    if not chosen:
        remedy = "Leave out --short."
        raise InputError("only", "must be a case of the short set", list(only), remedy)
    return chosen
