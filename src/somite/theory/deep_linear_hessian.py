"""Curvatures of a deep linear network at a true parameter, exact and without the full Hessian."""

from collections.abc import Sequence
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from somite.core.checks import positive
from somite.core.errors import InputError
from somite.theory.product_map import Matrix, check_chain


def hessian_spectrum(
    weights: Sequence[Matrix],
    scale: float = 1.0,
    input_covariance: NDArray[np.float64] | None = None,
    layers: Sequence[int] | None = None,
) -> NDArray[np.float64]:
    """Curvatures of L(W) = scale · ‖(W_L … W_1 − T) S^½‖_F² where L is zero, T = W_L … W_1.

    The Hessian is 2·scale·JᵀJ, J the Jacobian of the product times S^½. Its nonzero eigenvalues
    are those of the small matrix

        2 · scale · Σ_l (A_l A_lᵀ) ⊗ (S^½ B_lᵀ B_l S^½),   A_l = W_L … W_{l+1}, B_l = W_{l−1} … W_1

    whose side is the number of inputs times the number of outputs.

    Args:
        weights: W_1, …, W_L; W_l has the shape (H_l, H_{l−1}).
        scale: Factor in front of the squared norm.
        input_covariance: S (H_0, H_0), positive definite; the identity if left out.
        layers: Places of the layers that move, 0 for W_1; all if left out. The others are held.

    Returns:
        Eigenvalues (min(H_0 · H_L, number of moving weights),), largest first, none negative.
        All further eigenvalues of the Hessian are zero.

    Raises:
        InputError: If the weights are no chain, the scale is not positive, S does not fit or is
            not positive definite, or a layer does not exist.

    Example:
        L(a, b) = (b a − 2)² at a = 1, b = 2 has the Hessian 2 (2, 1)(2, 1)ᵀ.

        >>> float(hessian_spectrum([np.array([[1.0]]), np.array([[2.0]])])[0])
        10.0
    """
    chain = [matrix.astype(np.float64) for matrix in check_chain(weights)]
    positive("scale", scale)
    moving = _check_layers(layers, len(chain))
    root = _root(input_covariance, chain[0].shape[1])
    before = list(accumulate(chain[:-1], lambda product, matrix: matrix @ product, initial=root))
    end = np.eye(len(chain[-1]))
    after = list(accumulate(chain[:0:-1], lambda product, matrix: product @ matrix, initial=end))
    gram = np.zeros((before[0].shape[1] * len(end),) * 2)
    for place in moving:
        left, right = after[-1 - place], before[place]
        gram += np.kron(left @ left.T, right.T @ right)
    found = np.linalg.eigvalsh(2 * scale * gram)[::-1]
    return np.clip(found[: sum(chain[i].size for i in moving)], 0.0, None)


def _check_layers(layers: Sequence[int] | None, count: int) -> list[int]:
    moving = sorted(set(range(count) if layers is None else layers))
    if not moving or not set(moving) <= set(range(count)):
        rule = f"must be places from 0 to {count - 1}"
        raise InputError("layers", rule, layers, "Count the layers from the input, from 0.")
    return moving


def _root(covariance: NDArray[np.float64] | None, inputs: int) -> NDArray[np.float64]:
    """A factor C with S = C Cᵀ; every such factor gives the same spectrum as S^½.

    Raises:
        InputError: If S has the wrong shape or is not positive definite.
    """
    if covariance is None:
        return np.eye(inputs)
    argument, remedy = "input_covariance", "Pass the covariance of the inputs."
    if covariance.shape != (inputs, inputs) or not np.allclose(covariance, covariance.T):
        rule = f"must be symmetric with the shape {(inputs, inputs)}"
        raise InputError(argument, rule, f"a matrix of shape {covariance.shape}", remedy)
    least = float(np.linalg.eigvalsh(covariance)[0])
    if not least > 0:
        rule = "must be positive definite"
        raise InputError(argument, rule, f"a smallest eigenvalue of {least}", remedy)
    return np.asarray(np.linalg.cholesky(covariance), dtype=np.float64)
