"""From the first choice to one that its own short chains find good."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from somite.calibration.cells import CalibrationCell
from somite.calibration.reach import HIGHEST, Reach, half_decade, nearest_notch
from somite.calibration.scale import MIXING, SAMPLES, Bound, bounds
from somite.calibration.steps import Pace, pace
from somite.calibration.trial import ENOUGH, Problem, Setting, Trial, run_trials
from somite.estimators.advice import percent

MOST_TRIALS = 6
HARMONIC = 0.05
GAIN = 0.02
"""Least gain in anharmonicity for which the neighbourhood is made narrower once more."""
CHAINS, DRAWS, MOST_DRAWS = 4, 250, {"BAOAB": 600, "SGLD": 1600}
LEAST_GROWTH, SPARE = 1.5, 1.2
"""Factors on the number of draws when they were too few: at least, and beyond what was lacking."""
COMPONENTS = 6
"""Components that are tried, at every checkpoint."""
BIAS, AIM, LEAST_SHRINK = 0.02, 0.015, 0.1
"""Share of the estimates that step and minibatch noise may make, and what is aimed at when they
make more; least factor on ε in one go."""
ORDER = {"BAOAB": 2, "SGLD": 1}
"""The power of that share with which ε goes."""
SHRINK = 0.4
"""Factor on ε when a step turned out too long."""


@dataclass(frozen=True)
class Choice:
    """A point of the search.

    Args:
        notch: Localization in half decades.
        n_beta: Inverse temperature.
        shrink: Factor on ε.
        patience: Factor on the burn-in.
        draws: Of the trial.
    """

    notch: int
    n_beta: float
    shrink: float = 1.0
    patience: float = 1.0
    draws: int = DRAWS


@dataclass(frozen=True)
class Search:
    """The trials, and the one that was chosen.

    Args:
        trials: In their order.
        best: The chosen one.
        limits: What bounded n_beta there, the tightest first.
        ended: Why the search ended, in words.
    """

    trials: tuple[Trial, ...]
    best: Trial
    limits: tuple[Bound, ...]
    ended: str


@dataclass(frozen=True, eq=False)
class Searcher:
    """Knows the problem; makes settings from choices, and choices from trials."""

    problem: Problem
    cells: Sequence[CalibrationCell]
    reach: Reach
    kind: str

    def spread(self, *numbers: int) -> Problem:
        """The problem with so many components, evenly spread from the softest to the stiffest.

        Args:
            *numbers: How many; with several, the next number of those is taken, and so on.
        """
        stiffness = {name: 0.0 for name in self.problem.masks}
        for cell in self.cells:
            stiffness[cell.component] = max(stiffness[cell.component], cell.curvature)
        ranked = sorted(stiffness, key=lambda name: stiffness[name])
        for most in numbers:
            places = np.linspace(0, len(ranked) - 1, min(most, len(ranked)))
            ranked = [ranked[round(float(place))] for place in places]
        masks = {name: mask for name, mask in self.problem.masks.items() if name in ranked}
        return replace(self.problem, masks=masks)

    def at(self, n_beta: float, notch: int, shrink: float = 1.0, patience: float = 1.0) -> Setting:
        """Scale and kernel at a temperature and a localization, ε and burn-in times a factor."""
        localization = half_decade(notch)
        found = self._pace(n_beta, localization, shrink)
        burn_in = math.ceil(patience * found.burn_in)
        return Setting(n_beta, localization, found.kernel, burn_in, shrink, patience)

    def limits(self, notch: int) -> list[Bound]:
        """What bounds n_beta at a localization, the tightest first."""
        localization = half_decade(notch)
        return bounds(
            self.cells, localization, self.reach.rise,
            lambda n_beta: self._pace(n_beta, localization, 1.0).kernel, self.problem.n,
        )  # fmt: skip

    def start(self) -> Choice:
        """First choice at the reach, or so far inside that mixing does not forbid n / log n."""
        notch = self.reach.notch
        while self.problem.n is not None and notch < HIGHEST:
            if self.limits(notch)[0].cause != MIXING:
                break
            notch += 1
        return self.first(notch)

    def first(self, notch: int) -> Choice:
        """The highest n_beta within its bounds: n / log n itself, else a half decade."""
        found = self.limits(notch)
        if not found:
            return Choice(notch, half_decade(notch))
        if found[0].cause == SAMPLES:
            return Choice(notch, found[0].n_beta)
        down = nearest_notch(found[0].n_beta)
        return Choice(
            notch, half_decade(down if half_decade(down) <= found[0].n_beta else down - 1)
        )

    def following(self, choice: Choice, trials: Sequence[Trial]) -> tuple[Choice | None, str]:
        """What to try after a trial, or None; and why."""
        if trials[-1].good < ENOUGH:
            return self._mended(choice, trials[-1])
        if (bias := trials[-1].bias) > BIAS:
            factor = max((AIM / bias) ** ORDER[self.kind], LEAST_SHRINK)
            why = f"step and minibatch noise made up to {percent(bias)} of the estimates"
            return replace(choice, shrink=choice.shrink * factor), why
        return self._narrowed(choice, trials)

    def _mended(self, choice: Choice, trial: Trial) -> tuple[Choice | None, str]:
        """Answer to what the verdicts found wrong."""
        if trial.hot:
            return replace(choice, shrink=choice.shrink * SHRINK), "the step was too long"
        if trial.early and not trial.away:
            return replace(choice, patience=2 * choice.patience), "the chains had not settled"
        if trial.away and choice.notch < HIGHEST:
            return replace(choice, notch=choice.notch + 1), "chains went too far"
        most = MOST_DRAWS[self.kind]
        if choice.draws < most:
            factor = max(LEAST_GROWTH, SPARE * trial.lacking)
            longer = 10 * math.ceil(choice.draws * factor / 10)
            return replace(choice, draws=min(longer, most)), "the chains were too short"
        return None, "longer chains did not mend the verdicts"

    def _narrowed(self, choice: Choice, trials: Sequence[Trial]) -> tuple[Choice | None, str]:
        """A narrower neighbourhood at the same ratio of n_beta to localization, if it helps."""
        off = [abs(trial.anharmonicity - 1) for trial in trials if trial.good >= ENOUGH]
        if not off[-1] > HARMONIC:
            return None, "the basin is quadratic as far as the draws reach"
        if len(off) > 1 and off[-1] > off[-2] - GAIN:
            return None, "a narrower neighbourhood did not make the loss more quadratic"
        narrower = self.first(choice.notch + 1)
        if choice.notch >= HIGHEST or narrower.n_beta < 2 * choice.n_beta:
            return None, "n_beta is at its bound, so that a narrower neighbourhood has no signal"
        kept = {name: getattr(choice, name) for name in ("shrink", "patience", "draws")}
        return replace(narrower, **kept), "narrower"

    def _pace(self, n_beta: float, localization: float, shrink: float) -> Pace:
        stiffest = max(cell.curvature for cell in self.cells)
        return pace(self.kind, n_beta * stiffest + localization, localization, shrink)


def search(searcher: Searcher, say: Callable[[str], None]) -> Search:
    """Try settings until the verdicts are good and a narrower neighbourhood helps no more.

    Args:
        searcher: Knows the problem.
        say: Called with what is being done.

    Returns:
        The trials and the choice.
    """
    choice: Choice | None = searcher.start()
    problem = searcher.spread(COMPONENTS)
    trials: list[Trial] = []
    ended = ""
    while choice is not None and len(trials) < MOST_TRIALS:
        setting = searcher.at(choice.n_beta, choice.notch, choice.shrink, choice.patience)
        say(
            f"trial {len(trials) + 1}: n_beta {setting.n_beta:.6g}, localization "
            f"{setting.localization:g}, step_size {setting.kernel.step_size:g}, "
            f"{choice.draws} draws"
        )
        trials.extend(run_trials(problem, [setting], CHAINS, choice.draws))
        choice, ended = searcher.following(choice, trials)
        say(f"trial {len(trials)}: {trials[-1].good:.0%} of the cells are good; {ended}")
    ended = ended if choice is None else f"{MOST_TRIALS} trials were made, the last since {ended}"
    best = best_of(trials)
    limits = searcher.limits(nearest_notch(best.setting.localization))
    return Search(tuple(trials), best, tuple(limits), ended)


def best_of(trials: Sequence[Trial]) -> Trial:
    """Of the good trials the most quadratic, an earlier one if the gain is small; else the best."""
    good = [trial for trial in trials if trial.good >= ENOUGH]
    if not good:
        return max(trials, key=lambda trial: trial.good)
    if all(trial.bias > BIAS for trial in good):
        return min(good, key=lambda trial: trial.bias)
    good = [trial for trial in good if trial.bias <= BIAS]
    best = good[0]
    for trial in good[1:]:
        if abs(trial.anharmonicity - 1) < abs(best.anharmonicity - 1) - GAIN:
            best = trial
    return best
