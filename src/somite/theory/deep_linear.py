"""Deep linear networks, y = W_L … W_1 x + noise: the coefficient of the worst true parameter."""

from collections.abc import Sequence
from fractions import Fraction
from itertools import combinations

from somite.theory.coefficient import Coefficient
from somite.theory.widths import check_rank


def deep_linear_coefficient(widths: Sequence[int], rank: int) -> Coefficient:
    """Learning coefficient of a deep linear network whose true map has rank r.

    With M_s = H_s − r, the l + 1 smallest of them chosen so that Σ ≥ l·max inside and
    Σ < l·min outside, S = Σ M over the chosen, M = ⌈S / l⌉, a = S − (M − 1) l:

        λ = (r (H_0 + H_L) − r²)/2 + a (l − a)/(4 l) − l (l − 1)/4 · (S/l)² + ½ Σ_{i<j} M_i M_j
        m = a (l − a) + 1

    It is the smallest value over all W with W_L … W_1 = T, and the value at the most degenerate
    of them, W_l = diag(W_r, 0). At other true parameters the coefficient is larger: see
    `regular_coefficient`.

    Args:
        widths: H_0 (inputs), …, H_L (outputs), at least two.
        rank: r of the true map, from 0 to the smallest width.

    Returns:
        λ and m.

    Raises:
        InputError: If there are fewer than two widths, one is below 1, or the rank does not fit.

    Source: Aoyagi (2024), Consideration on the learning efficiency of multiple-layered neural
    networks with linear units, theorem 1; as used in Lau et al. (2308.12108).

    Example:
        >>> deep_linear_coefficient([4, 4, 4, 4], rank=2)
        Coefficient(value=7.5, multiplicity=3)
    """
    check_rank(widths, rank)
    chosen = _deciding([width - rank for width in widths])
    layers, total = len(chosen) - 1, sum(chosen)
    rest = total - (-(-total // layers) - 1) * layers
    multiplicity = rest * (layers - rest) + 1
    value = (
        Fraction(rank * (widths[0] + widths[-1]) - rank**2, 2)
        + Fraction(multiplicity - 1, 4 * layers)
        - Fraction((layers - 1) * total**2, 4 * layers)
        + Fraction(sum(first * second for first, second in combinations(chosen, 2)), 2)
    )
    return Coefficient(float(value), multiplicity)


def _deciding(excess: Sequence[int]) -> list[int]:
    """The smallest excess widths that enter the formula."""
    ordered = sorted(excess)
    chosen = ordered[:2]
    # S ≥ l·(next) is the same as S + next ≥ (l + 1)·next: the next one belongs to the set.
    for width in ordered[2:]:
        if sum(chosen) < (len(chosen) - 1) * width:
            break
        chosen.append(width)
    return chosen
