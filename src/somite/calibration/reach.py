"""The weakest localization at which the loss keeps its form.

At a localization γ the rises and pulls of all components of a checkpoint are added up; their ratio
tends to a limit for γ → ∞. The search begins where the displacements are a hundredth of the
weights, or at the guess if that is stronger, and goes to weaker localization, half a decade at a
time, as long as the ratio stays within a tolerance of what it is two decades above, at every
checkpoint with a basin. It ends where displacements would be as large as the weights themselves.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from somite.calibration.cells import CalibrationCell
from somite.calibration.locality import Ball

TOLERANCE = 0.2
"""Change of the ratio of rise to pull at which a reach counts as too long."""
FIRM = 4
"""Half decades beyond the localization at which the limit of the ratio is read."""
LOWEST, HIGHEST = -12, 20
"""Half decades of localization that are looked at: 10⁻⁶ … 10¹⁰."""
SMALL, WHOLE = 0.01, 1.0
"""Displacements, as a share of the weights, between which the search goes."""
CLEAR = 10.0
"""Rise over rounding, from which on rounding changes the ratio by less than half of TOLERANCE."""


@dataclass(frozen=True)
class Reach:
    """What was found about the reach of sampling.

    Args:
        notch: Localization in half decades.
        ratios: Ratio of rise to pull by localization, of the checkpoint that decides; empty if
            there is no basin.
        limit: Ratio towards which they tend there.
        rise: For each checkpoint with a basin, localization times the rise of all components at
            the limit, half the trace of the Hessian in a quadratic basin.
        saddles: Checkpoints around which the loss does not rise on the whole.
        floor: Whether the search ended because displacements would exceed the weights.
    """

    notch: int
    ratios: Mapping[float, float]
    limit: float
    rise: Mapping[str, float]
    saddles: tuple[str, ...] = ()
    floor: bool = False

    @property
    def localization(self) -> float:
        """γ."""
        return half_decade(self.notch)


def half_decade(notch: int) -> float:
    """√10 to a power, rounded to one digit, such as 1, 3, 10 and 30."""
    decade, half = divmod(notch, 2)
    return float(f"{(3 if half else 1)}e{decade}")


def nearest_notch(value: float) -> int:
    """Half decade nearest to a positive number."""
    return round(2 * math.log10(value))


@dataclass(frozen=True)
class Sums:
    """Balls of one checkpoint at one localization, added up over components.

    Args:
        rise: Sum of the rises.
        pull: Sum of the pulls.
        size: Sum of the sizes of the rises, without sign.
        rounding: Sum of the roundings.
    """

    rise: float
    pull: float
    size: float
    rounding: float

    @classmethod
    def of(cls, balls: Sequence[Ball]) -> "Sums":
        """Add balls up."""
        return cls(
            sum(ball.rise for ball in balls),
            sum(ball.pull for ball in balls),
            sum(abs(ball.rise) for ball in balls),
            sum(ball.rounding for ball in balls),
        )

    @property
    def finite(self) -> bool:
        """Whether all losses were finite."""
        return math.isfinite(self.rise) and math.isfinite(self.pull)

    @property
    def clear(self) -> bool:
        """Whether the rise is more than rounding."""
        return self.finite and self.size > CLEAR * self.rounding

    @property
    def basin(self) -> bool:
        """Whether the loss rises on the whole; a saddle has no form to keep."""
        return self.finite and min(self.rise, self.pull) > 0 and self.rise > self.size / 2

    @property
    def ratio(self) -> float:
        """Rise over pull."""
        return self.rise / self.pull if self.pull else math.nan


class Balls:
    """Balls of all cells, each measured once."""

    def __init__(self, cells: Sequence[CalibrationCell]) -> None:
        """Nothing is measured yet."""
        self._cells, self._known = cells, dict[int, dict[str, Sums]]()

    def at(self, notch: int) -> dict[str, Sums]:
        """Sums by checkpoint at a localization."""
        if notch not in self._known:
            found: dict[str, list[Ball]] = {}
            for cell in self._cells:
                found.setdefault(cell.checkpoint, []).append(cell.ball(half_decade(notch)))
            self._known[notch] = {name: Sums.of(balls) for name, balls in found.items()}
        return self._known[notch]

    def far(self, checkpoint: str, notch: int) -> int:
        """Strongest localization, up to two decades above, whose rise is more than rounding."""
        far = notch
        while far < notch + FIRM and self.at(far + 1)[checkpoint].clear:
            far += 1
        return far

    def basins(self, notch: int) -> list[str]:
        """Checkpoints with a basin, seen from a localization."""
        seen = {name: self.at(self.far(name, notch))[name] for name in self.at(notch)}
        return [name for name, sums in seen.items() if sums.clear and sums.basin]

    def change(self, checkpoint: str, notch: int) -> float:
        """Relative change of the ratio from its limit; infinite where the loss is."""
        here, limit = self.at(notch)[checkpoint], self.at(self.far(checkpoint, notch))[checkpoint]
        return abs(here.ratio / limit.ratio - 1) if here.finite else math.inf

    def keeps_form(self, notch: int) -> bool:
        """Whether there is a basin, and all losses have the form there that they tend to."""
        if not all(sums.finite for sums in self.at(notch).values()):
            return False
        names = self.basins(notch)
        return bool(names) and all(self.change(name, notch) <= TOLERANCE for name in names)


def find_reach(
    cells: Sequence[CalibrationCell], guess: float, progress: Callable[[str], None]
) -> Reach:
    """Search the weakest localization that keeps the form of the loss.

    Args:
        cells: Components of all checkpoints.
        guess: Localization from which the search starts if it is stronger than that of small
            displacements, and where it stays if there is no basin. Of weights that are all zero,
            nothing else tells the scale, and nothing weaker is looked at.
        progress: Called with what is being done.

    Returns:
        The localization, and the evidence.
    """
    balls, given = Balls(cells), min(max(nearest_notch(guess), LOWEST), HIGHEST)
    progress("reach of the loss")
    start = _start(balls, max(given, _displaced(cells, SMALL, given)))
    lowest = max(LOWEST, _displaced(cells, WHOLE, given))
    notch = start
    while notch > lowest and balls.keeps_form(notch - 1):
        notch -= 1
    if not balls.keeps_form(notch):
        return Reach(given, {}, math.nan, {}, tuple(balls.at(notch)))
    return _evidence(balls, notch, notch == lowest)


def _start(balls: Balls, notch: int) -> int:
    """Nearest localization at which the loss is finite, more than rounding, and of one form."""
    while notch < HIGHEST and not all(sums.finite for sums in balls.at(notch).values()):
        notch += 1
    while notch > LOWEST and not any(sums.clear for sums in balls.at(notch).values()):
        notch -= 1
    best = notch
    while best < HIGHEST and balls.basins(best) and not balls.keeps_form(best):
        best += 1
    return best if balls.keeps_form(best) else notch


def _displaced(cells: Sequence[CalibrationCell], share: float, given: int) -> int:
    """Localization whose displacements are this share of the weights, if these are not all 0."""
    size = sum(cell.patch.size for cell in cells)
    length = sum(float(cell.patch.center.double().square().sum()) for cell in cells)
    if length == 0:
        return given
    return min(max(nearest_notch(size / (share**2 * length)), LOWEST), HIGHEST)


def _evidence(balls: Balls, notch: int, floor: bool) -> Reach:
    names = balls.basins(notch)
    limits = {name: balls.far(name, notch) for name in names}
    rise = {name: half_decade(limits[name]) * balls.at(limits[name])[name].rise for name in names}
    worst = max(names, key=lambda name: balls.change(name, notch))
    looked = range(notch - 2, max(limits[worst], notch + 1) + 1)
    ratios = {half_decade(n): balls.at(n)[worst].ratio for n in looked}
    limit = balls.at(limits[worst])[worst].ratio
    saddles = tuple(name for name in balls.at(notch) if name not in names)
    return Reach(notch, ratios, limit, rise, saddles, floor)
