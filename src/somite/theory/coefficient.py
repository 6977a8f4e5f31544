"""A learning coefficient with its multiplicity: what all exact answers have in common."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Coefficient:
    """Leading terms of the free energy, n·L(w*) + λ log n − (m − 1) log log n.

    Args:
        value: Learning coefficient λ.
        multiplicity: Order m of the pole at −λ; 1 for a regular point.

    Source: Watanabe (2009), Algebraic Geometry and Statistical Learning Theory, main formula II.

    Example:
        >>> Coefficient(0.5, 2)
        Coefficient(value=0.5, multiplicity=2)
    """

    value: float
    multiplicity: int = 1
