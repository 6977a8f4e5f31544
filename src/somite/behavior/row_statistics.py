"""Means over tokens and their standard errors across rows.

Tokens of one row depend on each other, rows do not; so an error comes from the spread of rows.
"""

import torch
from torch import Tensor


def ratio_mean(sums: Tensor, counts: Tensor) -> tuple[Tensor, Tensor]:
    """Mean over all counted tokens, and what each row contributes to its error.

    With s_r the sum and n_r the number of tokens of row r, and N = Σ_r n_r:

        mean = Σ_r s_r / N        influence_r = (s_r - mean · n_r) / N

    Args:
        sums: Sum over the counted tokens of each row (..., row).
        counts: Number of counted tokens of each row (row,), not all zero.

    Returns:
        The mean (...) and the influences (..., row), both float64.

    Example:
        >>> mean, influence = ratio_mean(torch.tensor([1.0, 5.0]), torch.tensor([1, 2]))
        >>> mean.item(), influence.tolist()
        (2.0, [-0.3333333333333333, 0.3333333333333333])
    """
    sums, counts = sums.double(), counts.double()
    total = counts.sum()
    mean = sums.sum(-1) / total
    return mean, (sums - mean[..., None] * counts) / total


def standard_error(influence: Tensor) -> Tensor:
    """Standard error of a mean, or of a difference of means, from the influences of the rows.

        error = √( m/(m-1) · Σ_r influence_r² )        m: number of rows

    For equal counts this is the standard deviation of the rows' means over √m.

    Args:
        influence: Contribution of each row (..., row), at least two rows; of a difference of two
            means, the difference of their influences.

    Returns:
        The standard error (...).

    Example:
        >>> values = torch.tensor([1.0, 2.0, 4.0, 5.0], dtype=torch.float64)
        >>> _, influence = ratio_mean(values, torch.ones(4))
        >>> bool(torch.isclose(standard_error(influence), values.std() / 2))
        True
    """
    rows = influence.shape[-1]
    return ((influence**2).sum(-1) * rows / (rows - 1)).sqrt()


def row_mean(values: Tensor) -> tuple[Tensor, Tensor]:
    """Mean over rows and its standard error.

    Args:
        values: One number for each row (..., row), at least two rows.

    Returns:
        Mean (...) and standard error (...), float64.
    """
    ones = torch.ones(values.shape[-1], device=values.device)
    mean, influence = ratio_mean(values, ones)
    return mean, standard_error(influence)
