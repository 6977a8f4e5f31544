"""Which attention counts for which behaviour: the definitions behind the scores of heads.

Positions count from 0; a_{q,k} is the attention of query q on key k ≤ q. No definition counts
query 0, which can attend to nothing but itself.
"""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Target:
    """What a head with a certain behaviour attends to.

    Args:
        keys: Whether attention of a query on a key counts (row, query, key), boolean.
        queries: Whether a query is counted (row, query), boolean.
    """

    keys: Tensor
    queries: Tensor


def previous_token(tokens: Tensor) -> Target:
    """a_{q,q-1}, for every query q ≥ 1."""
    query, key = _places(tokens)
    return _after_first(tokens, key == query - 1)


def current_token(tokens: Tensor) -> Target:
    """a_{q,q}, for every query q ≥ 1."""
    query, key = _places(tokens)
    return _after_first(tokens, key == query)


def first_token(tokens: Tensor) -> Target:
    """a_{q,0}, for every query q ≥ 1."""
    query, key = _places(tokens)
    return _after_first(tokens, (key == 0) & (query >= 0))


def duplicate_token(tokens: Tensor) -> Target:
    """Σ_{k<q, x_k=x_q} a_{q,k}, for every query whose token x_q stands somewhere before it.

    Example:
        >>> duplicate_token(torch.tensor([[7, 8, 7]])).queries
        tensor([[False, False,  True]])
    """
    query, key = _places(tokens)
    equal = (tokens[:, :, None] == tokens[:, None, :]) & (key < query)
    return Target(equal, equal.any(-1))


def induction(tokens: Tensor, period: int) -> Target:
    """Σ_{1≤k≤q, x_{k-1}=x_q} a_{q,k}, for every query q ≥ period: prefix matching.

    Every key that follows an occurrence of the query's token counts, so that a head that spreads
    over all earlier periods scores as high as one that looks at the last.

    Args:
        tokens: Rows that repeat themselves (row, position).
        period: Length of the repeated string; in the first period there is nothing to match.

    Returns:
        The target.

    Source:
        Olsson et al. 2022, "In-context learning and induction heads", prefix-matching score.

    Example:
        >>> induction(torch.tensor([[7, 8, 7, 8]]), period=2).keys[0, 3]
        tensor([False, False,  True, False])
    """
    query, key = _places(tokens)
    before = tokens.roll(1, dims=1)  # x_{k-1}; what wraps round to key 0 is struck out below
    follows = (tokens[:, :, None] == before[:, None, :]) & (key >= 1) & (key <= query)
    late = torch.arange(tokens.shape[1], device=tokens.device) >= period
    return Target(follows, late.expand(tokens.shape))


def _places(tokens: Tensor) -> tuple[Tensor, Tensor]:
    place = torch.arange(tokens.shape[1], device=tokens.device)
    return place[:, None], place


def _after_first(tokens: Tensor, keys: Tensor) -> Target:
    rows, length = tokens.shape
    late = torch.arange(length, device=tokens.device) >= 1
    return Target(keys.expand(rows, length, length), late.expand(rows, length))
