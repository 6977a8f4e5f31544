"""Solving A h = b for data weights h, of A from several chains.

The rows of A are divided by their lengths |A_i|, and b with them, so that all observables count
alike whatever their units.

    pseudo_inverse   h = Aᵀ(A Aᵀ)⁻¹ b, the smallest that makes b
    ridge            min ‖A h − b‖² + Σ_j λ_j h_j²,  λ_j = Σ_i Var(A_ij) unless given
    nonnegative      the same with h ≥ 0, or with shares p where p + h ≥ 0 and Σ h = 0

The variance is that of the mean over chains: with it the expected miss is smallest if errors of
different items do not depend on each other. With shares the first two give h − p Σ h, the same
mixture.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import nnls

from somite.core.errors import InputError
from somite.response.blocks import Array

PSEUDO_INVERSE, NONNEGATIVE = "pseudo_inverse", "nonnegative"
METHODS = ("ridge", PSEUDO_INVERSE, NONNEGATIVE)
HEAVY = 1e4
"""Weight of the equation Σ h = 0 beside rows of length 1."""
LEAST = 1e-10
"""Singular value, of rows of length 1, below which they depend on each other; smallest λ."""


@dataclass(frozen=True)
class Problem:
    """What is asked, of any estimate of A.

    Args:
        method: One of `METHODS`.
        goal: b (component,); NaN where free.
        shares: p (item,), or None.
        budget: Most Σ|h|, or None.
        norm: Largest ‖h‖, or None.
        ridge: λ, or None for the variances.
    """

    method: str
    goal: Array
    shares: Array | None = None
    budget: float | None = None
    norm: float | None = None
    ridge: float | None = None

    def rank(self, chains: Array) -> int:
        """Singular values beyond twice the noise of the mean, from A (chain, component, item).

        Raises:
            InputError: If there are fewer than rows, and a pseudo-inverse is asked for.
        """
        rows, noise, _ = self._rows(chains)
        level = np.median([np.linalg.norm(part, 2) for part in noise])
        level *= 2 / max(1, len(noise) - 1) ** 0.5
        rank = int((np.linalg.svd(rows, compute_uv=False) > max(level, LEAST)).sum())
        if self.method == PSEUDO_INVERSE and rank < len(rows):
            rule = f"must have rank {len(rows)} beyond their errors, one for each wanted component"
            remedy = 'Ask for fewer, sample longer, or pass method="ridge".'
            raise InputError("responses", rule, f"rank {rank}", remedy)
        return rank

    def solve(self, chains: Array) -> tuple[Array, float]:
        """Weights (item,), and the factor by which they were shortened, from A of chains."""
        rows, noise, goal = self._rows(chains)
        penalty = self._penalty(noise)
        if self.method == NONNEGATIVE:
            found = nonnegative(rows, goal, penalty, self.shares)
        else:
            found = smallest(rows, goal, penalty)
            if self.shares is not None:
                found = found - self.shares * found.sum()
        scale = self._scale(found)
        return scale * found, scale

    def _rows(self, chains: Array) -> tuple[Array, Array, Array]:
        """Rows of length 1, what each chain adds to them, and the goal."""
        asked = np.isfinite(self.goal)
        mean = chains.mean(0)[asked]
        length = np.linalg.norm(mean, axis=1)
        length = np.where(length > 0, length, 1.0)
        noise = (chains[:, asked] - mean) / length[:, None]
        return mean / length[:, None], noise, self.goal[asked] / length

    def _penalty(self, noise: Array) -> Array:
        """λ of every item (item,)."""
        count, items = len(noise), noise.shape[-1]
        if self.method == PSEUDO_INVERSE:
            return np.zeros(items)
        if self.ridge is not None:
            return np.full(items, self.ridge)
        variance: Array = (noise**2).sum((0, 1)) / max(1, count * (count - 1))
        return variance

    def _scale(self, weight: Array) -> float:
        sizes = (np.abs(weight).sum(), self.budget), (np.linalg.norm(weight), self.norm)
        factors = [most / size for size, most in sizes if most is not None and size > most]
        return float(min(factors, default=1.0))


def smallest(rows: Array, goal: Array, penalty: Array) -> Array:
    """The h of least ‖A h − b‖² + Σ λ h²; of least ‖h‖ where every λ is 0.

    Example:
        >>> smallest(np.array([[1.0, 1.0]]), np.ones(1), np.zeros(2)).round(6).tolist()
        [0.5, 0.5]
    """
    if not penalty.any():
        exact = np.linalg.lstsq(rows, goal, rcond=LEAST)[0]
        return np.asarray(exact, dtype=np.float64)
    inverse = 1 / np.maximum(penalty, LEAST * penalty.max())
    small = (rows * inverse) @ rows.T + np.eye(len(rows))
    found: Array = inverse * (rows.T @ np.linalg.solve(small, goal))
    return found


def nonnegative(rows: Array, goal: Array, penalty: Array, shares: Array | None) -> Array:
    """The same with h ≥ 0, or with p + h ≥ 0 and Σ h = 0.

    Example:
        >>> rows, even = np.array([[1.0, -1.0]]), np.full(2, 0.5)
        >>> nonnegative(rows, np.full(1, 3.0), np.zeros(2), even).round(4).tolist()
        [0.5, -0.5]
    """
    least = np.zeros(rows.shape[1]) if shares is None else shares
    matrix = np.vstack([rows, np.diag(np.sqrt(penalty))])
    right = np.append(goal + rows @ least, np.sqrt(penalty) * least)
    if shares is not None:
        matrix = np.vstack([matrix, np.full(len(least), HEAVY)])
        right = np.append(right, HEAVY)
    found: Array = nnls(matrix, right)[0] - least
    return found
