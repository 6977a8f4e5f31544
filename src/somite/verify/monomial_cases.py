"""Degenerate losses of one or two weights, at a finite temperature, by quadrature."""

from functools import partial
from typing import Any

import numpy as np
from scipy.integrate import quad

from somite.sampling.kernels import BAOAB, HMC, MALA, SGLD, SGNHT
from somite.sampling.kernels.kernel import Kernel
from somite.sampling.target import Target
from somite.theory.quadrature import quadrature_llc
from somite.verify.basins import even_tilts
from somite.verify.case import Case, Prepare, Problem
from somite.verify.chain_law import sgld_llc
from somite.verify.landscapes import (
    Copies,
    Height,
    copies_loss,
    cross,
    hyperbola,
    line_and_point,
    no_tilts,
    quartic,
    quartic_cross,
    sextic,
    uneven_cross,
)

SUBJECT = "monomial"
QUADRATURE = "quadrature at the same n_beta and γ"
# Over 120 000 draws at these steps the estimates are off by 0.1 to 0.3 %, with errors of 0.2 %.
SMALL_STEP = f"{QUADRATURE}; step bias below half an error"
OWN_LAW = "stationary law of the kernel, by quadrature of its step"
N_BETA, LOCALIZATION = 30.0, 4.0
COPIES = 32
REACH = 1.2
"""Half the side of the grid for a kernel's own law."""


def posterior(
    kernel: Kernel,
    height: Height,
    asymptote: float | None,
    center: tuple[float, ...] = (0.0,),
    n_beta: float = N_BETA,
    localization: float = LOCALIZATION,
) -> Problem:
    """The posterior is the truth; the coefficient for n_beta → ∞ is rejected, if given."""
    exact = quadrature_llc(height, n_beta, localization, center).llc
    target = Target(copies_loss, no_tilts(COPIES, len(center)), n_beta, localization)
    model = Copies(height, center, COPIES)
    rejected = None if asymptote is None else COPIES * asymptote
    return Problem(model, target, COPIES * exact, rejected=rejected)


def sgld_law(kernel: SGLD, height: Height, tilt: float = 0.0) -> Problem:
    """SGLD's own law at a step that biases it; the posterior is rejected."""
    own = sgld_llc(height, N_BETA, LOCALIZATION, kernel.step_size, REACH, tilt)
    exact = quadrature_llc(height, N_BETA, LOCALIZATION, [0.0]).llc
    data = even_tilts(COPIES, tilt) if tilt else no_tilts(COPIES, 1)
    target = Target(copies_loss, data, N_BETA, LOCALIZATION)
    return Problem(Copies(height, (0.0,), COPIES), target, COPIES * own, rejected=COPIES * exact)


def decayed(kernel: Kernel) -> Problem:
    """Weight decay in place of localization: around 0 they are the same."""
    exact = quadrature_llc(quartic, N_BETA, 4.0, [0.0]).llc
    target = Target(copies_loss, no_tilts(COPIES, 1), N_BETA, weight_decay=4.0)
    return Problem(Copies(quartic, (0.0,), COPIES), target, COPIES * exact, rejected=COPIES / 4)


def boxed(kernel: Kernel) -> Problem:
    """A bounding box alone holds the chain; without it λ would be 1/4."""
    copies, box = 8, 0.5
    mass, _ = quad(lambda w: np.exp(-N_BETA * w**4), -box, box)
    loss, _ = quad(lambda w: w**4 * np.exp(-N_BETA * w**4), -box, box)
    target = Target(copies_loss, no_tilts(copies, 1), N_BETA, bounding_box=box)
    truth = copies * N_BETA * loss / mass
    return Problem(Copies(quartic, (0.0,), copies), target, truth, rejected=copies / 4)


def _case(name: str, source: str, kernel: Kernel, prepare: Prepare, **settings: Any) -> Case:
    return Case(name, SUBJECT, source, kernel, prepare, settings)


def _exactly(height: Height, asymptote: float | None, *center: float) -> Prepare:
    return partial(posterior, height=height, asymptote=asymptote, center=center or (0.0,))


PLANE = (0.0, 0.0)
# So cold that the eighth power is felt, and so narrow that the line is out of reach.
at_the_point = partial(
    posterior,
    height=line_and_point,
    asymptote=0.25,
    center=PLANE,
    n_beta=1e5,
    localization=40.0,
)
HAMILTON, FEW = HMC(0.15, 10), {"burn_in": 20, "draws": 400}
CASES = (
    _case("quartic-sgld", OWN_LAW, SGLD(0.01), partial(sgld_law, height=quartic)),
    _case(
        "quartic-sgld-noise",
        OWN_LAW,
        SGLD(0.005),
        partial(sgld_law, height=quartic, tilt=0.3),
        batch_size=1,
    ),
    _case("quartic-baoab", SMALL_STEP, BAOAB(0.06, 4.0), _exactly(quartic, 0.25)),
    _case("quartic-sgnht", SMALL_STEP, SGNHT(0.06, 4.0), _exactly(quartic, 0.25)),
    _case("quartic-mala", QUADRATURE, MALA(0.05), _exactly(quartic, 0.25)),
    _case("quartic-hmc", QUADRATURE, HAMILTON, _exactly(quartic, 0.25), **FEW),
    _case("quartic-decay", QUADRATURE, MALA(0.05), decayed),
    _case("quartic-box", "integral over the box", MALA(0.01), boxed, draws=2500),
    _case("sextic-sgld", OWN_LAW, SGLD(0.01), partial(sgld_law, height=sextic)),
    _case("sextic-hmc", QUADRATURE, HAMILTON, _exactly(sextic, 1 / 6), **FEW),
    _case("cross-hmc", QUADRATURE, HAMILTON, _exactly(cross, 0.5, *PLANE), **FEW),
    _case("cross-baoab", SMALL_STEP, BAOAB(0.06, 4.0), _exactly(cross, 0.5, *PLANE)),
    _case("cross-mala", QUADRATURE, MALA(0.05), _exactly(cross, 0.5, *PLANE)),
    _case("uneven-cross-hmc", QUADRATURE, HAMILTON, _exactly(uneven_cross, 0.25, *PLANE), **FEW),
    _case("quartic-cross-hmc", QUADRATURE, HAMILTON, _exactly(quartic_cross, 0.25, *PLANE), **FEW),
    _case("valley-hmc", QUADRATURE, HMC(0.07, 12), _exactly(hyperbola, None, 1.0, 1.0), **FEW),
    _case("line-hmc", QUADRATURE, HMC(0.04, 16), _exactly(line_and_point, 0.5, 1.0, 0.0), **FEW),
    _case("point-hmc", QUADRATURE, HMC(0.03, 12), at_the_point, **FEW),
)
