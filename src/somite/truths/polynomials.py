"""Losses of two weights u and v whose learning coefficients are known: the sign of I."""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch

from somite.components.mask import Mask
from somite.truths.truth import ALL, GroundTruth
from somite.verify.landscapes import Copies, copies_loss, no_tilts

A, B = "u", "v"


class Polynomial(NamedTuple):
    """A loss and its coefficients.

    Args:
        height: K of weights (…, 2), for PyTorch and NumPy alike.
        center: w*.
        coefficients: λ of u alone, of v alone, and of both.
    """

    height: Callable[[Any], Any]
    center: tuple[float, float]
    coefficients: tuple[float, float, float]

    @property
    def interaction(self) -> float:
        """I(u, v) as the limit of learning coefficients."""
        first, second, both = self.coefficients
        return first + second - both


def _of(form: Callable[[Any, Any], Any]) -> Callable[[Any], Any]:
    return lambda w: form(w[..., 0], w[..., 1])


POLYNOMIALS = {
    "u²+v²": Polynomial(_of(lambda u, v: u**2 + v**2), (0, 0), (1 / 2, 1 / 2, 1)),
    "(u+v)²": Polynomial(_of(lambda u, v: (u + v) ** 2), (0, 0), (1 / 2, 1 / 2, 1 / 2)),
    "(uv−1)²": Polynomial(_of(lambda u, v: (u * v - 1) ** 2), (1, 1), (1 / 2, 1 / 2, 1 / 2)),
    "u²v²": Polynomial(_of(lambda u, v: u**2 * v**2), (0, 0), (0, 0, 1 / 2)),
    "u⁴+u²v²": Polynomial(_of(lambda u, v: u**4 + u**2 * v**2), (0, 0), (1 / 4, 0, 1 / 2)),
    "(u²+v)²": Polynomial(_of(lambda u, v: (u**2 + v) ** 2), (0, 0), (1 / 4, 1 / 2, 1 / 2)),
    "(u²+v²)²": Polynomial(_of(lambda u, v: (u**2 + v**2) ** 2), (0, 0), (1 / 4, 1 / 4, 1 / 2)),
    "u²v²+u⁶+v⁶": Polynomial(
        _of(lambda u, v: u**2 * v**2 + u**6 + v**6), (0, 0), (1 / 6, 1 / 6, 1 / 2)
    ),
}
"""The worked examples; (uv − 1)² is followed from (1, 1), a gauge."""


def polynomial(name: str, copies: int = 64) -> GroundTruth:
    """Many independent copies of one of `POLYNOMIALS`, components u and v of all copies.

    Args:
        name: Which.
        copies: Divide an estimate by them; its relative error falls with their root.
    """
    known = POLYNOMIALS[name]
    model = Copies(known.height, known.center, copies)
    columns = torch.arange(2).expand(copies, 2)
    components = {n: Mask({"w": columns == place}) for place, n in enumerate((A, B))}
    exact = [copies * value for value in known.coefficients]
    return GroundTruth(
        name=f"{copies} copies of {name}",
        model=model,
        loss=copies_loss,
        data=no_tilts(copies, 2),
        components=components,
        labels={A: A, B: A if known.interaction else B},
        modular=known.interaction == 0,
        exact=dict(zip((A, B, ALL), exact, strict=True)),
        notes="Coefficients are limits; at finite n_beta compare with quadrature.",
    )
