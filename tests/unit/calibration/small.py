"""Small problems of known answer for the tests of calibration."""

from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import torch
import xarray as xr
from torch import nn

from somite.calibration.cells import CalibrationCell
from somite.calibration.locality import Ball
from somite.calibration.reach import Reach
from somite.calibration.search import Searcher
from somite.calibration.trial import COLUMNS, Problem, Setting, Trial
from somite.components.mask import Mask, whole
from somite.components.patch import Patch
from somite.estimators.verdict import CARE, GOOD
from somite.sampling.kernels import BAOAB


class Point(nn.Module):
    """Weights that a loss reads as they are."""

    def __init__(self, *weights: float, dtype: torch.dtype = torch.float64) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.tensor(weights, dtype=dtype))


def power_loss(exponent: int) -> Callable:
    """Σ w^exponent / exponent, the same for each row."""

    def loss(model, batch):
        return (model.w**exponent / exponent).sum().expand(len(batch))

    return loss


def viewed(weights: list[float], loss: Callable, dtype: torch.dtype = torch.float64):
    """View and patch of weights under a loss of the plain weights."""
    center = torch.tensor(weights, dtype=dtype)
    patch = Patch(Mask({"w": whole(center)}), {"w": center})

    def view(batch, flat):
        return loss(SimpleNamespace(w=flat), batch)

    return view, patch


def real_cell(weights: list[float], loss: Callable, checkpoint: str = "0", **numbers: float):
    """A cell whose balls are measured."""
    dtype = numbers.pop("dtype", torch.float64)
    view, patch = viewed(weights, loss, dtype)
    known = {"curvature": 1.0, "center_gradient": 0.0, "gradient_noise": 0.0} | numbers
    return CalibrationCell(checkpoint, "a", patch, view, torch.zeros(1), **known)


@dataclass
class Drawn:
    """A cell whose balls are a formula of localization."""

    form: Callable[[float], tuple[float, float]]
    checkpoint: str = "0"
    component: str = "a"
    weights: tuple[float, ...] = (1.0,)
    rounding: float = 0.0
    curvature: float = 1.0
    center_gradient: float = 0.0
    gradient_noise: float = 0.0

    @property
    def patch(self) -> SimpleNamespace:
        return SimpleNamespace(size=len(self.weights), center=torch.tensor(self.weights))

    def ball(self, localization: float) -> Ball:
        return Ball(*self.form(localization), self.rounding)


def basin(edge: float, trace: float = 2.0) -> Callable[[float], tuple[float, float]]:
    """Rise and pull of a quadratic basin that levels off at localizations below an edge."""

    def form(localization: float) -> tuple[float, float]:
        rise = trace / 2 / localization
        return rise, rise * (1 if localization >= edge else 2)

    return form


def saddle(localization: float) -> tuple[float, float]:
    """Rise and pull where the loss falls."""
    return -1 / localization, -1 / localization


def searcher(*cells, notch: int = 4, kind: str = "BAOAB", n: int | None = None) -> Searcher:
    """A searcher over given cells; its problem holds masks by name and nothing else."""
    masks = {cell.component: None for cell in cells}
    problem = Problem({"0": None}, None, torch.zeros(1), masks, None, n, 0)
    rise = {cell.checkpoint: 1.0 for cell in cells}
    return Searcher(problem, cells, Reach(notch, {100.0: 1.0}, 1.0, rise), kind)


def trial(draws: int = 250, cells: int = 20, **columns: object) -> Trial:
    """A trial in which all is well but for the columns given."""
    usual = dict.fromkeys(COLUMNS, 0.0) | {
        "llc": 2.0, "share": 2.0, "mcse": 0.1, "temperature": 1.0, "distance_ratio": 0.5,
        "verdict": GOOD, "reason": "", "failure": "",
    }  # fmt: skip
    sizes = {name: 100.0 for name in COLUMNS if name.startswith("ess")}
    if set(columns) - {"llc", "share", "verdict"}:
        columns = {"verdict": CARE} | columns
    values = usual | sizes | columns
    table = xr.Dataset(
        {name: (("checkpoint", "component"), np.array([[v] * cells])) for name, v in values.items()}
    )
    setting = Setting(100.0, 100.0, BAOAB(0.03, 20.0), 20)
    return Trial(setting, table, 4, draws, 1e-3)
