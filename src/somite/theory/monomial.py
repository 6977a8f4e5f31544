"""Monomials and normal crossings: the learning coefficient can be read off the exponents.

K(w) = (Π w_i^k_i)²,  prior ∝ Π |w_i|^h_i:   λ = min_i (h_i + 1) / (2 k_i)
"""

from collections.abc import Sequence
from fractions import Fraction

from somite.core.checks import at_least
from somite.core.errors import InputError
from somite.theory.coefficient import Coefficient

Chart = tuple[Sequence[int], Sequence[int]]


def monomial_coefficient(
    exponents: Sequence[int], prior_exponents: Sequence[int] | None = None
) -> Coefficient:
    """Learning coefficient of K(w) = (Π w_i^k_i)² at the origin, prior ∝ Π |w_i|^h_i.

    λ = min over k_i > 0 of (h_i + 1) / (2 k_i); m = how many i attain it.

    Args:
        exponents: k_i ≥ 0, one for each coordinate, not all zero.
        prior_exponents: h_i ≥ 0, one for each coordinate; all 0 (a flat prior) if left out.

    Returns:
        λ and m.

    Raises:
        InputError: If an exponent is negative or no whole number, all k_i are zero, or the
            lengths differ.

    Source: Watanabe (2009), theorem 2.4.

    Example:
        >>> monomial_coefficient([1, 2]), monomial_coefficient([2, 3], [0, 4])
        (Coefficient(value=0.25, multiplicity=1), Coefficient(value=0.25, multiplicity=1))
    """
    prior = [0] * len(exponents) if prior_exponents is None else list(prior_exponents)
    if len(prior) != len(exponents):
        remedy = "Give one prior exponent for each exponent."
        raise InputError("prior_exponents", f"must have length {len(exponents)}", prior, remedy)
    for argument, values in (("exponents", exponents), ("prior_exponents", prior)):
        for value in values:
            at_least(argument, value, 0, "Give whole numbers, zero or more.")
    ratios = [Fraction(h + 1, 2 * k) for k, h in zip(exponents, prior, strict=True) if k]
    if not ratios:
        remedy = "Give at least one exponent above zero; a loss without zeros has no coefficient."
        raise InputError("exponents", "must not all be zero", list(exponents), remedy)
    least = min(ratios)
    return Coefficient(float(least), ratios.count(least))


def normal_crossings(charts: Sequence[Chart]) -> Coefficient:
    """Learning coefficient of a set that several charts cover: the worst chart decides.

    λ = min over charts of λ_chart; m = the largest multiplicity among the charts that attain it.

    Args:
        charts: For each chart of a resolution, or each component of the zero set, the pair
            (exponents, prior_exponents), the latter with the Jacobian of the blow-up included.

    Returns:
        λ and m.

    Raises:
        InputError: If there is no chart, or one breaks a rule of `monomial_coefficient`.

    Source: Watanabe (2009), theorem 2.3.

    Example:
        K = (w₁ − 1)² (w₁² + w₂²)⁴: the line w₁ = 1 has λ = 1/2, the origin, blown up to r⁸ with
        Jacobian r, has 1/4.

        >>> line, origin = ([1, 0], [0, 0]), ([4, 0], [1, 0])
        >>> normal_crossings([line, origin])
        Coefficient(value=0.25, multiplicity=1)
    """
    if not charts:
        raise InputError("charts", "must hold at least one chart", len(charts), "Give a chart.")
    found = [monomial_coefficient(exponents, prior) for exponents, prior in charts]
    return min(found, key=lambda coefficient: (coefficient.value, -coefficient.multiplicity))
