"""Coefficients, shares and interactions of blocks from products alone, by random probe vectors.

    λ_S ≈ mean over probes of ½ z_Sᵀ (z_S − localization·x_S)
    ν_C ≈ mean over probes of ½ z_Cᵀ (z − localization·x)_C,   x with all blocks moving
    (n_beta·H_SS + localization) x_S = z_S

with z_i = ±1 (Hutchinson), the systems solved by conjugate gradients. One probe serves all blocks,
so that differences are estimated together and have errors of their own.
"""

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
import torch
import xarray as xr
from scipy.sparse.linalg import LinearOperator, cg

from somite.core.checks import at_least, positive
from somite.core.errors import InputError
from somite.curvature.products import Product

TOLERANCE = 1e-8
MOST_STEPS = 1000


def block_dimensions(
    product: Product,
    places: Mapping[str, Sequence[int]],
    n_beta: float,
    localization: float,
    generator: torch.Generator,
    probes: int = 32,
) -> xr.Dataset:
    """What `somite.theory.gaussian_truth` says, where the matrix is known by its products alone.

    Each probe solves one system for every block, for every pair and for the whole; a system takes
    about √(n_beta·h/localization) products, h the largest curvature.

    Args:
        product: v ↦ H v for float64 vectors (d,); H symmetric, with no negative eigenvalue.
        places: Entries of every block; disjoint, and all d together.
        n_beta: Inverse temperature times number of samples.
        localization: Precision γ of the Gaussian around the center, positive.
        generator: CPU stream of the probes.
        probes: Random vectors.

    Returns:
        Over component `llc`, `share`, `coupling`; over (component, other) `interaction`; `llc_full`
        and `total_coupling`; each with `_error`, the standard error over probes of the joint
        series (of a ratio to first order).

    Raises:
        InputError: If a number is not positive, there are too few probes, the blocks do not make
            up the whole, or a system is not solved.

    Source: Hutchinson 1990; Hestenes and Stiefel 1952.

    Example:
        >>> from somite.core.random import stream
        >>> diagonal = torch.tensor([3.0, 1.0], dtype=torch.float64)
        >>> places = {"A": [0], "B": [1]}
        >>> found = block_dimensions(lambda v: diagonal * v, places, 1.0, 1.0, stream("example"))
        >>> found.llc.values.round(6).tolist(), round(found.total_coupling.item(), 6)
        ([0.375, 0.25], 0.0)
    """
    positive("n_beta", n_beta)
    positive("localization", localization)
    at_least("probes", probes, 2)
    inside = {name: np.asarray(list(block), dtype=int) for name, block in places.items()}
    whole = np.concatenate(list(inside.values()))
    size = len(whole)
    if sorted(whole.tolist()) != list(range(size)):
        rule, remedy = "must hold every weight once", "Give every weight to one block."
        raise InputError("places", rule, {n: len(block) for n, block in inside.items()}, remedy)
    pairs = list(combinations(inside, 2))
    sets = [*inside.values(), *(np.concatenate([inside[a], inside[b]]) for a, b in pairs)]
    terms, shares = [], []
    for _ in range(probes):
        z = torch.randint(0, 2, (size,), generator=generator).double().numpy() * 2 - 1
        kept = _kept(product, np.arange(size), z, n_beta, localization)
        shares.append([z[block] @ kept[block] / 2 for block in inside.values()])
        parts = [_kept(product, s, z, n_beta, localization) for s in sets]
        terms.append([z @ part / 2 for part in (*parts, kept)])
    return _table(list(inside), np.array(terms), np.array(shares))


def _kept(
    product: Product, places: np.ndarray, z: np.ndarray, n_beta: float, localization: float
) -> np.ndarray:
    """f(H_SS) z_S, zero elsewhere.

    Raises:
        InputError: If the system is not solved.
    """
    vector = np.zeros_like(z)

    def apply(part: np.ndarray) -> np.ndarray:
        vector[:] = 0
        vector[places] = part.ravel()
        moved = product(torch.from_numpy(vector.copy())).detach().cpu().double().numpy()
        found: np.ndarray = n_beta * moved[places] + localization * part.ravel()
        return found

    shape = (len(places),) * 2
    system = LinearOperator(shape, apply, dtype=np.float64)
    x, left = cg(system, z[places], rtol=TOLERANCE, atol=0.0, maxiter=MOST_STEPS)
    if left:
        remedy = "Raise the localization, or check that the matrix has no negative eigenvalue."
        raise InputError("product", "must lead to a system that is solved", f"{left} steps", remedy)
    kept = np.zeros_like(z)
    kept[places] = z[places] - localization * x
    return kept


def _table(names: list[str], terms: np.ndarray, shares: np.ndarray) -> xr.Dataset:
    """Means and errors of (probe, set) and (probe, block)."""
    count = len(names)
    alone, full = terms[:, :count], terms[:, -1]
    mean = alone.mean(0)
    kept = np.divide(shares.mean(0), mean, out=np.full(count, np.nan), where=mean != 0)
    change = np.divide(
        shares - kept * alone, mean, out=np.full_like(alone, np.nan), where=mean != 0
    )
    first, second = np.triu_indices(count, 1)
    apart = np.zeros((len(terms), count, count))
    apart[:, first, second] = alone[:, first] + alone[:, second] - terms[:, count:-1]
    apart[:, second, first] = apart[:, first, second]
    series = {"llc": alone, "share": shares, "coupling": 1 - kept - change}
    scalars = {"llc_full": full, "total_coupling": alone.sum(1) - full}
    found: dict[str, tuple[tuple[str, ...], np.ndarray]] = {}
    for dims, columns in (
        (("component",), series),
        (("component", "other"), {"interaction": apart}),
        ((), scalars),
    ):
        for name, values in columns.items():
            found[name] = dims, values.mean(0)
            found[f"{name}_error"] = dims, values.std(0, ddof=1) / len(values) ** 0.5
    return xr.Dataset(found, {"component": names, "other": names})
