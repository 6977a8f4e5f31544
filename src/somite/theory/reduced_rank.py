"""Reduced rank regression, y = B A x + noise: the two-layer linear network."""

from fractions import Fraction

from somite.theory.coefficient import Coefficient
from somite.theory.widths import check_rank


def reduced_rank_coefficient(inputs: int, hidden: int, outputs: int, rank: int) -> Coefficient:
    """Learning coefficient of y = B A x, A (H × M), B (N × H), when the true map has rank r.

    With s = H + r:
    (1) no width above the sum of the others (N + r ≤ M + H, M + r ≤ N + H, s ≤ M + N):
        λ = (2 s (M + N) + 2 M N − s² − M² − N²) / 8 and m = 1 if M + N + s is even,
        else the bracket grows by 1 and m = 2;
    (2) M + H < N + r: λ = (H M − H r + N r) / 2;
    (3) N + H < M + r: λ = (H N − H r + M r) / 2;
    (4) M + N < H + r: λ = M N / 2; m = 1 in (2) to (4).
    It is the smallest value over all pairs with B A = T: see `two_layer_local_coefficient`.

    Args:
        inputs: M, at least 1.
        hidden: H, at least 1.
        outputs: N, at least 1.
        rank: r, from 0 to min(M, H, N).

    Returns:
        λ and m.

    Raises:
        InputError: If a width is below 1, or no such network has that rank.

    Source: Aoyagi and Watanabe (2005), Stochastic complexities of reduced rank regression in
    Bayesian estimation, main theorem.

    Example:
        >>> reduced_rank_coefficient(5, 5, 5, rank=2)
        Coefficient(value=11.5, multiplicity=2)
    """
    check_rank((inputs, hidden, outputs), rank)
    total = hidden + rank
    if inputs + hidden < outputs + rank:
        twice = hidden * inputs - hidden * rank + outputs * rank
    elif outputs + hidden < inputs + rank:
        twice = hidden * outputs - hidden * rank + inputs * rank
    elif inputs + outputs < total:
        twice = inputs * outputs
    else:
        return _balanced(inputs, total, outputs)
    return Coefficient(float(Fraction(twice, 2)))


def _balanced(inputs: int, total: int, outputs: int) -> Coefficient:
    odd = (inputs + total + outputs) % 2
    cross = 2 * (total * inputs + total * outputs + inputs * outputs)
    bracket = cross - total**2 - inputs**2 - outputs**2 + odd
    return Coefficient(float(Fraction(bracket, 8)), 1 + odd)
