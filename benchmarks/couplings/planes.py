"""Losses of two weights, many copies at once; truth by quadrature (MODULARITY §5.4)."""

import itertools
import math
from collections.abc import Iterator
from typing import Any

import torch
import xarray as xr

import somite as so
from couplings.compare import Problem
from somite.theory import plane_truth
from somite.verify.landscapes import Copies, Height, copies_loss, no_tilts

COPIES = 48
N_BETA, LOCALIZATION = (10.0, 30.0, 100.0), (3.0, 8.0)
STIFF = 4.0
"""Largest curvature of these losses near the center, for the step."""
STEP = 0.35
"""Of the length of the stiffest direction."""


def tilted(coupling: float) -> Height:
    """u² + v² + 2·coupling·uv: apart at 0, one direction at 1."""
    return lambda w: w[..., 0] ** 2 + w[..., 1] ** 2 + 2 * coupling * w[..., 0] * w[..., 1]


def crossed(coupling: float) -> Height:
    """u² + v² + coupling·u²v²."""
    return lambda w: w[..., 0] ** 2 + w[..., 1] ** 2 + coupling * (w[..., 0] * w[..., 1]) ** 2


def bent(coupling: float) -> Height:
    """(u² + coupling·v)²."""
    return lambda w: (w[..., 0] ** 2 + coupling * w[..., 1]) ** 2


def quartic_crossed(coupling: float) -> Height:
    """u⁴ + coupling·u²v²."""
    return lambda w: w[..., 0] ** 4 + coupling * (w[..., 0] * w[..., 1]) ** 2


def disk(coupling: float) -> Height:
    """u⁴ + v⁴ + 2·coupling·u²v²."""
    return lambda w: w[..., 0] ** 4 + w[..., 1] ** 4 + 2 * coupling * (w[..., 0] * w[..., 1]) ** 2


def sextic_crossed(coupling: float) -> Height:
    """coupling·u²v² + u⁶ + v⁶."""
    return lambda w: coupling * (w[..., 0] * w[..., 1]) ** 2 + w[..., 0] ** 6 + w[..., 1] ** 6


def gauge(coupling: float) -> Height:
    """coupling·(uv − 1)², to be taken at u = v = 1."""
    return lambda w: coupling * (w[..., 0] * w[..., 1] - 1) ** 2


FAMILIES: dict[str, tuple[Any, tuple[float, ...], tuple[float, float]]] = {
    "u²+v²+2c·uv": (tilted, (0.0, 0.3, 0.6, 0.9, 1.0), (0.0, 0.0)),
    "u²+v²+c·u²v²": (crossed, (1.0, 4.0), (0.0, 0.0)),
    "(u²+c·v)²": (bent, (0.5, 1.0), (0.0, 0.0)),
    "u⁴+c·u²v²": (quartic_crossed, (0.5, 2.0), (0.0, 0.0)),
    "u⁴+v⁴+2c·u²v²": (disk, (0.0, 0.5, 1.0), (0.0, 0.0)),
    "c·u²v²+u⁶+v⁶": (sextic_crossed, (1.0, 4.0), (0.0, 0.0)),
    "c·(uv−1)²": (gauge, (1.0,), (1.0, 1.0)),
}


def problems() -> Iterator[Problem]:
    """All families, couplings and scales."""
    for n_beta, held in itertools.product(N_BETA, LOCALIZATION):
        for name, (family, strengths, center) in FAMILIES.items():
            for strength in strengths:
                label = f"{name}, c {strength:g}, n_beta {n_beta:g}, γ {held:g}"
                yield problem(label, family(strength), n_beta, held, center)


def problem(
    name: str, height: Height, n_beta: float, held: float, center: tuple[float, float] = (0.0, 0.0)
) -> Problem:
    """One loss; the step is the same share of the stiffest direction at every scale."""
    stiff = STIFF * n_beta + held
    step = STEP / math.sqrt(stiff)
    return Problem(
        name, Copies(height, center, COPIES),
        so.Target(copies_loss, no_tilts(COPIES, 2), n_beta, held),
        so.BAOAB(step, 2 * (held * stiff) ** 0.25), masks(COPIES, 1),
        lambda: with_interaction(plane_truth(height, n_beta, held, center)), COPIES,
    )  # fmt: skip


def masks(copies: int, rank: int) -> dict[str, so.Mask]:
    """The first and the second weights of all copies, so many each."""
    halves = torch.zeros(2, copies, 2 * rank, dtype=torch.bool)
    halves[0, :, :rank] = halves[1, :, rank:] = True
    return {name: so.Mask({"w": half}) for name, half in zip("AB", halves, strict=True)}


def with_interaction(truth: xr.Dataset) -> xr.Dataset:
    """The truth of two components with its matrix of interactions."""
    value = float(truth.total_coupling)
    names = truth.component.values.tolist()
    matrix = [[0.0, value], [value, 0.0]]
    return truth.assign(interaction=(("component", "other"), matrix)).assign_coords(other=names)
