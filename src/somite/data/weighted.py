"""Batches in which domains or examples count more or less than they did: training by weights."""

from collections.abc import Mapping

import torch
from torch import Tensor

from somite.core.checks import at_least
from somite.core.errors import InputError
from somite.core.random import stream


def mixed_shares(shares: Mapping[str, float], change: Mapping[str, float]) -> dict[str, float]:
    """Shares of the mixture q + Σ_j h_j (q_j − q): (1 − Σ h) p_j + h_j.

    Args:
        shares: p, share of each domain in the data, sum 1.
        change: h, such as the `weight` of `somite.pattern`; domains left out have none.

    Returns:
        The new shares, sum 1.

    Raises:
        InputError: If `change` names another domain, or a share would be negative: there is no
            training on less than nothing of a domain.

    Example:
        >>> mixed_shares({"text": 0.8, "code": 0.2}, {"code": 0.5})
        {'text': 0.4, 'code': 0.6}
    """
    for name in change:
        if name not in shares:
            raise InputError("change", "must name domains", name, f"They are {', '.join(shares)}.")
    total = sum(change.values())
    found = {name: (1 - total) * p + change.get(name, 0.0) for name, p in shares.items()}
    for name, share in found.items():
        if not share >= -1e-9:
            remedy = 'Solve with method="nonnegative" and these shares, or with a lower budget.'
            raise InputError(f"share of {name}", "must be zero or more", share, remedy)
    return {name: max(0.0, share) for name, share in found.items()}


def row_weights(rows: Mapping[str, Tensor], shares: Mapping[str, float]) -> Tensor:
    """Weights of all rows, domain after domain, from the shares of the domains.

    Args:
        rows: Rows of each domain (row, position).
        shares: Share of each domain.

    Returns:
        (all rows,), float64: the share of the row's domain over the number of its rows.

    Raises:
        InputError: If the domains differ.

    Example:
        >>> row_weights({"a": torch.zeros(2, 3), "b": torch.zeros(1, 3)}, {"a": 0.5, "b": 0.5})
        tensor([0.2500, 0.2500, 0.5000], dtype=torch.float64)
    """
    if set(rows) != set(shares):
        remedy = "Give one share to each."
        raise InputError("shares", f"must name the domains {list(rows)}", list(shares), remedy)
    parts = [
        torch.full((len(own),), shares[name] / len(own), dtype=torch.float64)
        for name, own in rows.items()
    ]
    return torch.cat(parts)


def weighted_batch(rows: Tensor, weights: Tensor, batch_size: int, seed: int, step: int) -> Tensor:
    """The batch of one training step, rows drawn with chances in proportion to their weights.

    The mean gradient is that of Σ_m ρ_m L_m / Σ ρ. A pure function of its arguments, as `train`
    asks; equal uniform numbers are turned into rows by the sums of the weights, so that runs with
    similar weights see mostly the same rows.

    Args:
        rows: All rows (row, position), or examples of any other shape.
        weights: ρ (row,), zero or more.
        batch_size: Rows in the batch.
        seed: Seed of the training run.
        step: Number of the training step, from 0.

    Returns:
        (batch, position).

    Raises:
        InputError: If weights are negative, not finite, all zero, or not one for each row.

    Example:
        >>> weighted_batch(torch.tensor([[1], [2]]), torch.tensor([0.0, 3.0]), 3, 0, 0).tolist()
        [[2], [2], [2]]
    """
    at_least("batch_size", batch_size, 1)
    at_least("step", step, 0)
    if weights.shape != rows.shape[:1]:
        rule, remedy = f"must be one for each of the {len(rows)} rows", "Use `row_weights`."
        raise InputError("weights", rule, tuple(weights.shape), remedy)
    if not bool((weights >= 0).all() and weights.isfinite().all() and weights.any()):
        remedy = 'Solve with method="nonnegative", or use `mixed_shares`.'
        rule = "must be finite, zero or more, and not all zero"
        raise InputError("weights", rule, f"{float(weights.min())} as the least", remedy)
    return rows[drawn(weights, batch_size, stream(seed, "weighted batch", step))]


def drawn(weights: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """Numbers of so many rows, with replacement, in proportion to their weights."""
    sums = weights.double().cumsum(0)
    uniform = torch.rand(count, generator=generator).double()
    return torch.searchsorted(sums, uniform * sums[-1], right=True)
