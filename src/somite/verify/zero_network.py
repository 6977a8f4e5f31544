"""The exact posterior of a two-layer linear network at the zero map, where it is most singular.

    L(A, B) = scale · ‖B A‖²,   A (H, M), B (N, H),   p ∝ exp(−n_beta L − γ/2 (‖A‖² + ‖B‖²))

Given A the rows of B are normal with precision γ + 2·n_beta·scale·A Aᵀ, so that B can be integrated
out. What is left depends on the singular values s of A alone, whose density under the prior is
Π s_i^(M−H) e^(−γ s_i²/2) Π_{i<j} |s_i² − s_j²|:

    λ = E[(N/2) Σ_i x_i],   x_i = c s_i² / (γ + c s_i²),   c = 2·n_beta·scale,
    under  Π_i s_i^(M−H) e^(−γ s_i²/2) (γ + c s_i²)^(−N/2) · Π_{i<j} |s_i² − s_j²|

One or two hidden units leave an integral over one or two numbers.
"""

import numpy as np
from numpy.polynomial.legendre import leggauss

POINTS = 400
REACH = 12.0
"""Upper end of s in units of γ^(−1/2)."""


def zero_network_llc(
    widths: tuple[int, int, int], n_beta: float, localization: float, scale: float = 1.0
) -> float:
    """Exact local learning coefficient at A = 0, B = 0.

    Args:
        widths: (M, H, N): inputs, hidden, outputs; H is 1 or 2, and M at least H.
        n_beta: Inverse temperature times number of samples.
        localization: Precision γ of the Gaussian around zero, > 0.
        scale: Factor in front of the squared norm.

    Returns:
        λ at this temperature; for n_beta → ∞ that of `reduced_rank_coefficient`.

    Source: the Gaussian integral over B, and the density of singular values of a normal matrix
    (Muirhead 1982, theorem 3.2.18).

    Example:
        One weight in each layer is u²v².

        >>> from somite.theory import quadrature_llc
        >>> cross = quadrature_llc(lambda w: w[..., 0] ** 2 * w[..., 1] ** 2, 30.0, 4.0, [0.0, 0.0])
        >>> abs(zero_network_llc((1, 1, 1), 30.0, 4.0) - cross.llc) < 1e-6
        True
    """
    inputs, hidden, outputs = widths
    largest, measure = _nodes(REACH / localization**0.5)
    values = largest[None]
    if hidden == 2:
        # The second is a part of the first: the density has no kink inside the triangle.
        part, part_measure = _nodes(1.0)
        values = np.stack(np.broadcast_arrays(largest[:, None], largest[:, None] * part))
        measure = measure[:, None] * part_measure * largest[:, None]
    bent = localization + 2 * n_beta * scale * values**2
    log_density = (inputs - hidden) * np.log(values) - localization / 2 * values**2
    weight = np.exp((log_density - outputs / 2 * np.log(bent / localization)).sum(0)) * measure
    if hidden == 2:
        weight *= values[0] ** 2 - values[1] ** 2
    active = (1 - localization / bent).sum(0)
    return outputs / 2 * float((weight * active).sum() / weight.sum())


def _nodes(end: float) -> tuple[np.ndarray, np.ndarray]:
    """Gauss–Legendre points and weights on [0, end], close together near 0."""
    points, weights = leggauss(POINTS)
    part = (points + 1) / 2
    return end * part**3, end * 3 * part**2 * weights / 2
