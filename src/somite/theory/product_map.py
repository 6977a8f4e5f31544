"""The product map W ↦ W_L … W_1 of a deep linear network, and the rank of its Jacobian."""

from collections.abc import Sequence
from itertools import accumulate, pairwise

import numpy as np
from numpy.typing import NDArray

from somite.core.errors import InputError

Matrix = NDArray[np.floating]


def jacobian_rank(weights: Sequence[Matrix]) -> int:
    """Rank of the Jacobian of W ↦ W_L … W_1.

    Σ_l rank(A_l) (rank(B_l) − rank(B_{l+1})), A_l = W_L … W_{l+1}, B_l = W_{l−1} … W_1,
    B_{L+1} = 0: the image is the sum of col(A_l) ⊗ row(B_l), and these spaces are nested.

    Args:
        weights: W_1, …, W_L; W_l has the shape (H_l, H_{l−1}). In float64 small singular values
            are told from zero more safely than in float32.

    Returns:
        The rank, at most the number of inputs times the number of outputs.

    Raises:
        InputError: If the weights are not a chain of matrices with finite entries.

    Example:
        >>> jacobian_rank([np.eye(5), np.zeros((5, 5))]), jacobian_rank([np.zeros((5, 5))] * 2)
        (25, 0)
    """
    chain = check_chain(weights)
    return staircase(_ranks_from_input(chain), _ranks_from_output(chain))


def generic_jacobian_rank(widths: Sequence[int]) -> int:
    """Rank of the Jacobian of W ↦ W_L … W_1 at almost every W.

    Args:
        widths: H_0, …, H_L.

    Returns:
        The largest rank that a network of these widths can have.

    Example:
        >>> generic_jacobian_rank([10, 5, 10])
        75
    """
    return staircase(list(accumulate(widths, min)), list(accumulate(widths[::-1], min)))


def staircase(from_input: Sequence[int], from_output: Sequence[int]) -> int:
    """Jacobian rank from the ranks of the partial products.

    Args:
        from_input: H_0, rank(W_1), rank(W_2 W_1), …, rank(W_L … W_1).
        from_output: H_L, rank(W_L), rank(W_L W_{L−1}), …, rank(W_L … W_1).

    Returns:
        Σ_l rank(A_l) (rank(B_l) − rank(B_{l+1})), the last B counted as 0.
    """
    kept = [*from_input[:-1], 0]
    lost = [before - after for before, after in pairwise(kept)]
    return sum(rank * step for rank, step in zip(from_output[-2::-1], lost, strict=True))


def is_regular(weights: Sequence[Matrix]) -> bool:
    """Whether the Jacobian of W ↦ W_L … W_1 has the same rank at all W nearby.

    That is: `jacobian_rank` equals `generic_jacobian_rank`, the rank at a generic neighbour.

    Args:
        weights: W_1, …, W_L; W_l has the shape (H_l, H_{l−1}).

    Returns:
        True at a regular point; then the coefficient is `regular_coefficient`.

    Raises:
        InputError: If the weights are not a chain of matrices with finite entries.

    Example:
        >>> is_regular([np.eye(3), np.zeros((3, 3))]), is_regular([np.zeros((3, 3))] * 2)
        (True, False)
    """
    chain = check_chain(weights)
    return jacobian_rank(chain) == generic_jacobian_rank(widths_of(chain))


def check_chain(weights: Sequence[Matrix]) -> list[Matrix]:
    """Require matrices of which each takes what the one before gives; finite entries only.

    Raises:
        InputError: If there are none, or one does not fit.
    """
    chain = [_floating(np.asarray(matrix)) for matrix in weights]
    shapes = [matrix.shape for matrix in chain]
    fits = all(len(shape) == 2 and min(shape) > 0 for shape in shapes) and all(
        after[1] == before[0] for before, after in pairwise(shapes)
    )
    if not chain or not fits:
        rule = "must be matrices of shapes (H_1, H_0), (H_2, H_1), …"
        raise InputError("weights", rule, shapes, "List the first layer first.")
    if not all(np.isfinite(matrix).all() for matrix in chain):
        rule, remedy = "must hold finite numbers only", "Choose another center."
        raise InputError("weights", rule, "NaN or infinite entries", remedy)
    return chain


def widths_of(chain: Sequence[Matrix]) -> list[int]:
    """Widths H_0, …, H_L."""
    return [chain[0].shape[1], *(len(matrix) for matrix in chain)]


def _ranks_from_input(chain: Sequence[Matrix]) -> list[int]:
    """Number of inputs, then the rank of each product W_l … W_1.

    An orthonormal basis of the image goes through the layers: a rank is decided against the
    scale of one layer, however badly scaled the whole product is.
    """
    basis = np.eye(chain[0].shape[1])
    ranks = [len(basis)]
    for matrix in chain:
        tolerance = max(matrix.shape) * np.finfo(matrix.dtype).eps * np.linalg.norm(matrix)
        image, sizes, _ = np.linalg.svd(matrix @ basis, full_matrices=False)
        basis = image[:, sizes > tolerance]
        ranks.append(basis.shape[1])
    return ranks


def _ranks_from_output(chain: Sequence[Matrix]) -> list[int]:
    return _ranks_from_input([matrix.T for matrix in reversed(chain)])


def _floating(matrix: NDArray[np.generic]) -> Matrix:
    kept = np.issubdtype(matrix.dtype, np.floating)
    return np.asarray(matrix if kept else matrix.astype(np.float64))
