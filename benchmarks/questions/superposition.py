"""The toy model of superposition: is λ̂ right at its critical points, and is a chain that left seen?

Six columns, n = 5000, exact population loss. At n_beta = n / log n and the localization that
`calibrate` chooses, the estimate is compared with a long run of Hamiltonian Monte Carlo. Where
localization is weak, chains slip from the 5-gons into basins of lower loss: there every recorded
place is led downhill, and a place from which this ends below the center has left its basin.
"""

import math
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

import somite as so
from questions.reference import long_run
from somite.calibration import Calibration, calibrate
from somite.estimators.diagnostics import diagnose
from somite.estimators.verdict import GOOD
from somite.models import Superposition, superposition_population_loss
from somite.sampling.status import CONVERGED
from somite.sampling.target import Target
from somite.theory import KNOWN_COEFFICIENTS, PUBLISHED_ESTIMATES, kgon, population_loss

COLUMNS_OF_W, N = 6, 5000
N_BETA = N / math.log(N)
POINTS = {"5": (5, 0), "5+": (5, 1), "6": (6, 0)}
"""Corners and positive biases."""
ERROR = 0.01
REFERENCE_DRAWS = 1000
WEAK = (1.0, 3.0)
LEAVING = ("5", "5+")
WEAK_CHAINS, WEAK_DRAWS, EVERY = 4, 1500, 50
DOWNHILL, RATE = 3000, 0.1
LOWER = 1e-4
"""A basin counts as another one if its loss is lower by more than this; 5 to 6 is 0.02."""
ROW = torch.zeros(1, dtype=torch.float64)
COLUMNS = (
    *("point", "n_beta", "localization", "llc", "mcse", "reference", "reference_error"),
    *("relative_error", "z", "verdict", "center_verdict", "theory", "published"),
)
WEAK_COLUMNS = (
    *("point", "localization", "left", "llc", "verdict", "center_verdict", "marked"),
    *("chains_failed", "distance_ratio", "below_center"),
)

Row = dict[str, Any]


def run(tiny: bool = False, folder: Path | None = None) -> dict[str, Any]:
    """Estimates at the calibrated localization, and chains at weak ones."""
    error, draws, weak = (0.5, 20, 50) if tiny else (ERROR, REFERENCE_DRAWS, WEAK_DRAWS)
    points = ("5",) if tiny else tuple(POINTS)
    rows, leaving = [], []
    for point in points:
        settings = calibrate(
            _model(point), superposition_population_loss, ROW,
            components="full", batch_size=None, n=N, error=error, map=False,
        )  # fmt: skip
        rows += [against_reference(point, s, draws) for s in (settings, *_at_n(settings))]
        if point in LEAVING:
            leaving += [
                weakly_held(point, settings, gamma, weak) for gamma in (WEAK[:1] if tiny else WEAK)
            ]
    return {"columns": COLUMNS_OF_W, "n": N, "points": rows, "weak_localization": leaving}


def against_reference(point: str, settings: Calibration, draws: int) -> Row:
    """λ̂ at the calibrated settings, and that of a long run at the same scale."""
    target = settings.target(superposition_population_loss, ROW)
    found = so.sample(
        _model(point), target, settings.kernel, components="full",
        probes={"reference": ROW}, seed=1, **settings.settings,
    )  # fmt: skip
    table = so.llc(found, on_failure="leave out")
    reference = long_run(_model(point), target, settings.kernel.step_size, draws)
    llc, mcse = table.llc.item(), table.mcse.item()
    print(
        f"{point}: {llc:.3f} ± {mcse:.3f}, {reference.llc:.3f} ± {reference.mcse:.3f}", flush=True
    )
    return {
        "point": point,
        "n_beta": settings.n_beta,
        "localization": settings.localization,
        "kernel": str(settings.kernel),
        "draws": settings.draws,
        "llc": llc,
        "mcse": mcse,
        "reference": reference.llc,
        "reference_error": reference.mcse,
        "reference_run": asdict(reference),
        "relative_error": llc / reference.llc - 1,
        "z": (llc - reference.llc) / math.hypot(mcse, reference.mcse),
        **{name: table[name].item() for name in ("verdict", "reason", "center_verdict")},
        "theory": KNOWN_COEFFICIENTS[point],
        "published": PUBLISHED_ESTIMATES[point],
    }


def weakly_held(point: str, settings: Calibration, localization: float, draws: int) -> Row:
    """Chains at a weak localization: how many left their basin, and what says so."""
    loss, seen = recording()
    target = Target(loss, ROW, N_BETA, localization)
    kernel = so.BAOAB(_step_at(settings, N_BETA), 2 * math.sqrt(localization))
    found = so.sample(
        _model(point), target, kernel, components="full", probes={"reference": ROW},
        batch_size=None, chains=WEAK_CHAINS, burn_in=0, draws=draws, probe_every=EVERY, seed=1,
    )  # fmt: skip
    table = so.llc(found, on_failure="leave out").merge(diagnose(found), compat="override")
    places = torch.stack(seen[-WEAK_CHAINS * found.sizes["probe_draw"] :])
    lower = basins(places) < _loss_at(point) - LOWER
    left = lower.reshape(WEAK_CHAINS, -1).float().mean(1).numpy()
    verdicts = {name: table[name].item() for name in ("verdict", "center_verdict")}
    bad = [status for status in found.status.values.ravel() if status != CONVERGED]
    numbers = ("llc", "mcse", "r_hat", "distance_ratio", "below_center", "chains_failed")
    return {
        "point": point,
        "n_beta": N_BETA,
        "localization": localization,
        "left": int((left > 0).sum()),
        "share_of_places_elsewhere": left.tolist(),
        "marked": bool(bad) or any(verdict != GOOD for verdict in verdicts.values()),
        **verdicts,
        **{name: table[name].item() for name in numbers},
        "draws_below_center": (found.loss[0] < 0).mean("draw").values.tolist(),
        "reason": table.reason.item(),
        "center_reason": table.center_reason.item(),
        "statuses": bad,
    }


def recording() -> tuple[Callable[[Superposition, Tensor], Tensor], list[Tensor]]:
    """The population loss, which also keeps the weights that probes are evaluated at."""
    seen: list[Tensor] = []

    def loss(model: Superposition, batch: Tensor) -> Tensor:
        if not torch.is_grad_enabled():
            seen.append(torch.cat([model.W.detach(), model.b.detach()[None]]).clone())
        return superposition_population_loss(model, batch)

    return loss, seen


def basins(places: Tensor) -> Tensor:
    """Loss at the bottom to which steepest descent leads from each place (place, 3, columns)."""
    here = places.clone().requires_grad_()
    for _ in range(DOWNHILL):
        losses = torch.func.vmap(_loss)(here)
        (gradient,) = torch.autograd.grad(losses.sum(), here)
        here = (here - RATE * gradient).detach().requires_grad_()
    return torch.func.vmap(_loss)(here).detach()


def _loss(place: Tensor) -> Tensor:
    return population_loss(place[:2], place[2])


def _loss_at(point: str) -> float:
    corners, positive = POINTS[point]
    return float(population_loss(*kgon(corners, COLUMNS_OF_W, positive)))


def _model(point: str) -> Superposition:
    corners, positive = POINTS[point]
    return Superposition.from_weights(*kgon(corners, COLUMNS_OF_W, positive))


def _at_n(settings: Calibration) -> list[Calibration]:
    """The same at n / log n, where `calibrate` chose a lower n_beta."""
    if np.isclose(settings.n_beta, N_BETA):
        return []
    kernel = replace(settings.kernel, step_size=_step_at(settings, N_BETA))
    return [replace(settings, n_beta=N_BETA, kernel=kernel)]


def _step_at(settings: Calibration, n_beta: float) -> float:
    """The step at another n_beta: its square goes with the precision, that is at most as n_beta."""
    return settings.kernel.step_size * min(1.0, math.sqrt(settings.n_beta / n_beta))
