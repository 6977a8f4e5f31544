"""Checks of the shape of a linear network."""

from collections.abc import Sequence

from somite.core.checks import at_least
from somite.core.errors import InputError


def check_widths(widths: Sequence[int]) -> None:
    """Require at least two widths, each of at least one.

    Raises:
        InputError: If there are fewer, or one is smaller.
    """
    if len(widths) < 2:
        remedy = "Give the number of inputs, of hidden units if any, and of outputs."
        raise InputError("widths", "must hold at least two widths", list(widths), remedy)
    for width in widths:
        at_least("widths", width, 1, "Every layer needs at least one unit.")


def check_rank(widths: Sequence[int], rank: int) -> None:
    """Require widths of at least one and a rank that a product of such layers can have.

    Raises:
        InputError: If one breaks its rule.
    """
    check_widths(widths)
    at_least("rank", rank, 0, "A rank is zero or more.")
    if rank > min(widths):
        rule = f"must be at most the smallest width, {min(widths)}"
        raise InputError("rank", rule, rank, "Lower the rank or widen the narrowest layer.")
