"""Deep linear networks at a given true parameter: the coefficient there, where it is regular.

Where the set of true parameters is smooth and its codimension is the rank of the Jacobian of the
product map, the loss is quadratic across the set, and the coefficient is half that rank.
"""

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from somite.core.errors import InputError
from somite.theory.coefficient import Coefficient
from somite.theory.product_map import Matrix, check_chain, is_regular, jacobian_rank
from somite.theory.widths import check_rank


def two_layer_local_coefficient(
    widths: tuple[int, int, int], first_rank: int, second_rank: int
) -> Coefficient:
    """Learning coefficient of y = B A x at one pair (A, B), where a factor has full rank.

    λ = (rank(A) N + rank(B) M − rank(A) rank(B)) / 2,  m = 1.

    Args:
        widths: (M, H, N): inputs, hidden, outputs.
        first_rank: Rank of A (H × M).
        second_rank: Rank of B (N × H).

    Returns:
        λ and m.

    Raises:
        InputError: If a rank does not fit, or neither factor has full rank: then the pair is
            singular and this is no more than a lower bound.

    Source: half the Jacobian rank; compare `reduced_rank_coefficient`, which is the minimum over
    all pairs with the same product.

    Example:
        A of full rank and B = 0 in a network 5-5-5: 12.5, where the minimum over all pairs with
        product 0 is 9.5.

        >>> two_layer_local_coefficient((5, 5, 5), first_rank=5, second_rank=0)
        Coefficient(value=12.5, multiplicity=1)
    """
    inputs, hidden, outputs = widths
    check_rank((inputs, hidden), first_rank)
    check_rank((hidden, outputs), second_rank)
    if first_rank < min(inputs, hidden) and second_rank < min(hidden, outputs):
        rule = "must include one of a factor with full rank"
        remedy = "Use reduced_rank_coefficient for the most degenerate pair."
        raise InputError("ranks", rule, (first_rank, second_rank), remedy)
    twice = first_rank * outputs + second_rank * inputs - first_rank * second_rank
    return Coefficient(float(Fraction(twice, 2)))


def is_smooth(weights: Sequence[Matrix]) -> bool:
    """Whether the loss is quadratic across a smooth set of true parameters at this point.

    Every regular point is smooth. So are points where the Jacobian has a higher rank nearby but
    not on the set itself, such as B = 0 and A of full rank in 10-5-10.

    Layers of full rank are taken out one by one, none of which changes the local geometry: an
    inner one merges with its neighbour (the product of the two moves freely), an outer one is
    divided out. The point is smooth if one layer remains.

    Args:
        weights: W_1, …, W_L; W_l has the shape (H_l, H_{l−1}).

    Returns:
        True where `regular_coefficient` is exact.

    Raises:
        InputError: If the weights are not a chain of matrices with finite entries.

    Example:
        >>> is_smooth([np.eye(5, 10), np.zeros((10, 5))])
        True
    """
    chain = check_chain(weights)
    if is_regular(chain):
        return True
    while len(chain) > 1:
        full = (place for place, matrix in enumerate(chain) if _rank(matrix) == min(matrix.shape))
        place = next(full, None)
        if place is None:
            return False
        chain = _without(chain, place)
    return True


def regular_coefficient(weights: Sequence[Matrix]) -> Coefficient:
    """Learning coefficient at a smooth true parameter: half the rank of the Jacobian, m = 1.

    Args:
        weights: W_1, …, W_L; W_l has the shape (H_l, H_{l−1}).

    Returns:
        λ and m.

    Raises:
        InputError: If the weights are no chain of matrices, or the point is singular.

    Example:
        >>> regular_coefficient([np.eye(5), np.zeros((5, 5))])
        Coefficient(value=12.5, multiplicity=1)
    """
    chain = check_chain(weights)
    if not is_smooth(chain):
        ranks = [_rank(matrix) for matrix in chain]
        remedy = "At diag(W_r, 0) use deep_linear_coefficient; elsewhere run a reference sampler."
        raise InputError("weights", "must be a smooth point", f"layers of rank {ranks}", remedy)
    return Coefficient(jacobian_rank(chain) / 2)


def _rank(matrix: Matrix) -> int:
    return int(np.linalg.matrix_rank(matrix))


def _without(chain: list[Matrix], place: int) -> list[Matrix]:
    """The chain without a layer of full rank, which is merged with a neighbour or divided out."""
    rows, columns = chain[place].shape
    first, last = place == 0, place == len(chain) - 1
    neighbour = place - 1 if rows <= columns else place + 1
    if (rows <= columns and first) or (rows > columns and last):
        return [matrix for other, matrix in enumerate(chain) if other != place]
    low = min(place, neighbour)
    return [*chain[:low], chain[low + 1] @ chain[low], *chain[low + 2 :]]
