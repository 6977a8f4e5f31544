"""Blocks of weights with known answers: coefficients, shares, interaction and coupling.

    λ_C   n_beta · E[K] with block C alone moving
    ν_C   ½ Σ_{i ∈ C} (1 − localization · E[Δw_i²]), the block's share with all blocks moving
    I(A, B) = λ_A + λ_B − λ_AB,   c_C = 1 − ν_C / λ_C,   T = Σ_C λ_C − λ

Two sources of truth: losses of two weights by quadrature, and quadratic losses in closed form,

    λ_C = ½ tr f(H_CC),   ν_C = ½ tr_C f(H),   f(H) = n_beta·H (n_beta·H + localization)⁻¹

where f is concave, so that I, c and T are never negative; they are 0 exactly without coupling.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from somite.core.checks import positive
from somite.core.errors import InputError
from somite.theory.gaussian import gaussian_covariance, gaussian_llc
from somite.theory.quadrature import GridLoss, quadrature_llc

Array = NDArray[np.float64]
Blocks = Mapping[str, Sequence[int]]
TWO = ("A", "B")


def block_truth(llc: Mapping[str, float], share: Mapping[str, float], full: float) -> xr.Dataset:
    """What follows from the coefficients of all blocks, their shares, and the full coefficient.

    Args:
        llc: λ_C by block.
        share: ν_C by block, with all blocks moving.
        full: λ with all blocks moving.

    Returns:
        Over component: `llc`, `share`, `coupling` (NaN where λ_C is 0); and `llc_full`,
        `total_coupling`.

    Example:
        >>> truth = block_truth({"A": 0.5, "B": 0.5}, {"A": 0.4, "B": 0.4}, 0.8)
        >>> round(truth.total_coupling.item(), 9), truth.coupling.values.round(9).tolist()
        (0.2, [0.2, 0.2])
    """
    names = list(llc)
    alone, part = (np.array([found[name] for name in names]) for found in (llc, share))
    ratio = np.divide(part, alone, out=np.full_like(alone, np.nan), where=alone != 0)
    columns = {"llc": alone, "share": part, "coupling": 1 - ratio}
    return xr.Dataset(
        {
            **{name: ("component", values) for name, values in columns.items()},
            "llc_full": full,
            "total_coupling": float(alone.sum()) - full,
        },
        {"component": names},
    )


def plane_truth(
    loss: GridLoss, n_beta: float, localization: float, center: Sequence[float] = (0.0, 0.0)
) -> xr.Dataset:
    """Exact coupling of the two weights of a loss, by quadrature.

    The shares are those of the virial theorem, exact as long as the posterior decays.

    Args:
        loss: Maps weights (…, 2) to losses (…); vectorised NumPy.
        n_beta: Inverse temperature times number of samples.
        localization: Precision γ of the Gaussian around the center, positive.
        center: w* (2,).

    Returns:
        As `block_truth`, the weights being components "A" and "B"; `total_coupling` is I(A, B).

    Raises:
        InputError: If localization is not positive, or the integral breaks a rule of
            `quadrature_llc`.

    Source: integration by parts of the posterior, E[Δw_i ∂_i U] = 1.

    Example:
        Two weights that must both move, u²v²: synergy, a negative interaction.

        >>> truth = plane_truth(lambda w: w[..., 0] ** 2 * w[..., 1] ** 2, 1000.0, 1.0)
        >>> truth.llc.values.tolist(), round(truth.total_coupling.item(), 2)
        ([0.0, 0.0], -0.39)
    """
    positive("localization", localization, "The shares need a prior that decays.")
    middle = np.asarray(center, dtype=np.float64)
    alone = {
        name: quadrature_llc(_along(loss, middle, i), n_beta, localization, [0.0]).llc
        for i, name in enumerate(TWO)
    }
    both = quadrature_llc(loss, n_beta, localization, center)
    moments = zip(TWO, both.second_moments, strict=True)
    share = {name: (1 - localization * moment) / 2 for name, moment in moments}
    return block_truth(alone, share, both.llc)


def gaussian_truth(
    hessian: ArrayLike, blocks: Blocks, n_beta: float, localization: float
) -> xr.Dataset:
    """Exact coupling of blocks of a quadratic loss around its minimum.

    Args:
        hessian: H (d, d), symmetric.
        blocks: Places of the weights of every block; disjoint. Weights of no block stay.
        n_beta: Inverse temperature times number of samples.
        localization: Precision γ of the Gaussian around the center, positive.

    Returns:
        As `block_truth`, and `interaction` (component, other), each pair by itself with all else
        at the center, 0 on the diagonal.

    Raises:
        InputError: If the blocks overlap or leave the matrix, a number is not positive, or there
            is no such Gaussian.

    Source:
        Gaussian integrals of the definitions above; I ≥ 0 because the spectrum of H majorises
        that of its diagonal blocks (Fan 1954; Marshall, Olkin and Arnold 2011, chapter 9) and f
        is concave.

    Example:
        >>> hessian = [[1.0, 0.9], [0.9, 1.0]]
        >>> truth = gaussian_truth(hessian, {"A": [0], "B": [1]}, n_beta=10, localization=1)
        >>> round(truth.interaction.sel(component="A", other="B").item(), 3)
        0.184
    """
    positive("n_beta", n_beta)
    positive("localization", localization)
    matrix = np.asarray(hessian, dtype=np.float64)
    moved = _places(blocks, len(matrix))
    inside = matrix[np.ix_(moved, moved)]
    kept = np.eye(len(inside)) - localization * gaussian_covariance(inside, n_beta, localization)
    part = dict(zip(moved, np.diag(kept) / 2, strict=True))
    share = {name: float(sum(part[i] for i in places)) for name, places in blocks.items()}
    alone = {name: _half(matrix, p, n_beta, localization) for name, p in blocks.items()}
    truth = block_truth(alone, share, _half(matrix, moved, n_beta, localization))
    pairs = gaussian_interactions(matrix, blocks, n_beta, localization)
    return truth.assign(interaction=pairs)


def gaussian_interactions(
    hessian: ArrayLike, blocks: Blocks, n_beta: float, localization: float
) -> xr.DataArray:
    """Interactions of all pairs of blocks of a quadratic loss: what `gaussian_truth` says of them.

    Args:
        hessian: H (d, d), symmetric.
        blocks: Places of the weights of every block; disjoint.
        n_beta: Inverse temperature times number of samples.
        localization: Precision γ of the Gaussian around the center, positive.

    Returns:
        (component, other), 0 on the diagonal.

    Raises:
        InputError: If the blocks overlap or leave the matrix, or a number is not positive.

    Example:
        >>> found = gaussian_interactions([[1.0, 0.9], [0.9, 1.0]], {"A": [0], "B": [1]}, 10, 1)
        >>> found.values.round(3).tolist()
        [[0.0, 0.184], [0.184, 0.0]]
    """
    positive("n_beta", n_beta)
    positive("localization", localization)
    matrix, names = np.asarray(hessian, dtype=np.float64), list(blocks)
    _places(blocks, len(matrix))
    alone = np.array([_half(matrix, blocks[name], n_beta, localization) for name in names])
    places = _padded([blocks[name] for name in names], len(matrix))
    framed = np.pad(matrix, (0, 1))  # a last row and column of zeros, which add nothing
    found = np.zeros((len(names),) * 2)
    for i in range(len(names) - 1):
        both = np.concatenate([np.tile(places[i], (len(names) - i - 1, 1)), places[i + 1 :]], 1)
        spectra = np.linalg.eigvalsh(framed[both[:, :, None], both[:, None, :]])
        gaussian_llc(spectra.ravel(), n_beta, localization)  # refuses what is no Gaussian
        whole = (n_beta * spectra / (n_beta * spectra + localization)).sum(1) / 2
        found[i, i + 1 :] = found[i + 1 :, i] = alone[i] + alone[i + 1 :] - whole
    return xr.DataArray(found, {"component": names, "other": names}, ("component", "other"))


def gaussian_information(
    hessian: ArrayLike, blocks: Blocks, n_beta: float, localization: float
) -> float:
    """Pointwise mutual information at the center of the blocks of a quadratic loss.

    Σ_C F_C − F with F_C = ½ log det(1 + n_beta·H_CC / localization), the free energies with the
    Gaussian around the center for a prior. Its slope in log n_beta is Σ_C λ_C − λ.

    Args:
        hessian: H (d, d), symmetric.
        blocks: Places of the weights of every block; disjoint.
        n_beta: Inverse temperature times number of samples.
        localization: Precision γ, positive.

    Returns:
        In nats.

    Raises:
        InputError: If the blocks overlap or leave the matrix.

    Example:
        >>> hessian = [[1.0, 1.0], [1.0, 1.0]]
        >>> found = gaussian_information(hessian, {"A": [0], "B": [1]}, 3.0, 1.0)
        >>> round(found, 6) == round(float(np.log(16 / 7) / 2), 6)
        True
    """
    positive("localization", localization)
    matrix = np.asarray(hessian, dtype=np.float64) * n_beta / localization
    moved = _places(blocks, len(matrix))

    def energy(places: Sequence[int]) -> float:
        inside = matrix[np.ix_(places, places)]
        return float(np.linalg.slogdet(np.eye(len(places)) + inside)[1]) / 2

    return sum(energy(places) for places in blocks.values()) - energy(moved)


def gaussian_energy_covariance(
    hessian: ArrayLike, blocks: Blocks, n_beta: float, localization: float
) -> xr.DataArray:
    """Covariance of the block energies of a quadratic loss, all blocks moving.

    n_beta² Cov(φ_A, φ_B) = ½ n_beta² tr(H_AA Σ_AB H_BB Σ_BA), with φ_C the loss that block C makes
    alone, and Σ the covariance of the posterior.

    Args:
        hessian: H (d, d), symmetric.
        blocks: Places of the weights of every block; disjoint.
        n_beta: Inverse temperature times number of samples.
        localization: Precision γ, positive.

    Returns:
        (component, other), dimensionless.

    Source: Isserlis 1918, the fourth moments of a Gaussian.

    Example:
        >>> found = gaussian_energy_covariance([[1.0]], {"A": [0]}, 1.0, 1.0)
        >>> found.item()
        0.125
    """
    matrix = np.asarray(hessian, dtype=np.float64)
    moved = _places(blocks, len(matrix))
    spread = np.zeros_like(matrix)
    inside = np.ix_(moved, moved)
    spread[inside] = gaussian_covariance(matrix[inside], n_beta, localization)
    values = [
        [_energies(matrix, spread, blocks[a], blocks[b]) * n_beta**2 for b in blocks]
        for a in blocks
    ]
    return xr.DataArray(
        values, {"component": list(blocks), "other": list(blocks)}, ("component", "other")
    )


def _energies(matrix: Array, spread: Array, a: Sequence[int], b: Sequence[int]) -> float:
    between = spread[np.ix_(a, b)]
    product = matrix[np.ix_(a, a)] @ between @ matrix[np.ix_(b, b)] @ between.T
    return float(np.trace(product)) / 2


def _half(matrix: Array, places: Sequence[int], n_beta: float, localization: float) -> float:
    inside = matrix[np.ix_(places, places)]
    return gaussian_llc(np.linalg.eigvalsh(inside), n_beta, localization)


def _along(loss: GridLoss, center: Array, axis: int) -> GridLoss:
    """The loss with one weight moving, as a function of its displacement (…, 1)."""

    def restricted(away: Array) -> Array:
        weights = np.broadcast_to(center, (*away.shape[:-1], 2)).copy()
        weights[..., axis] += away[..., 0]
        return loss(weights)

    return restricted


def _padded(places: Sequence[Sequence[int]], fill: int) -> NDArray[np.int64]:
    """Places of all blocks (block, place), short ones filled up."""
    width = max(map(len, places))
    return np.array([[*own, *[fill] * (width - len(own))] for own in places], dtype=np.int64)


def _places(blocks: Blocks, size: int) -> list[int]:
    """All places, block after block.

    Raises:
        InputError: If they overlap, are none, or leave the matrix.
    """
    places = [place for inside in blocks.values() for place in inside]
    if not places or len(set(places)) < len(places) or not set(places) <= set(range(size)):
        rule = f"must be disjoint sets of places below {size}"
        raise InputError("blocks", rule, dict(blocks), "Give every weight to one block at most.")
    return places
