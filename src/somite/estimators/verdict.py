"""One verdict per cell from its diagnostics: how good, why, and what to change.

The chains and their center are judged apart. A head of a language model is seldom at a minimum of
its loss; that says nothing against the chains, and is shown, not hidden.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from somite.estimators.advice import (
    Row,
    Settings,
    cooler,
    longer_burn_in,
    merged,
    more_draws,
    percent,
    smaller_step,
)
from somite.sampling.center import CENTER_BATCHES
from somite.sampling.convergence import LEAST_DRAWS
from somite.sampling.kernels.registry import KERNELS, kernel_of
from somite.sampling.status import DRIFT_FACTOR, DRIFT_SPREAD

GOOD, CARE, REFUSE = GRADES = ("good", "usable with care", "don't use")

R_HAT = (1.05, 1.2)
"""Vehtari et al. (2021) ask for less than 1.01 of long chains; 1.05 is the field's bound for short
ones, and 1.2 was the old bound below which chains were called mixed at all."""
ESS = (50.0, 10.0)
"""The error of a mean from 50 independent draws is known to 10 %, from 10 to 24 %."""
RELATIVE_MCSE, MCSE = 0.1, 0.05
"""The error may be a tenth of the estimate, or a tenth of what one curved direction counts, ½:
where the estimate is near zero, as at the start of training, no error is small against it."""
WORST_MCSE = 0.25
"""An estimate known to a quarter of itself orders nothing."""
TREND_Z, TREND = 4.0, (0.1, 0.5)
"""A trend counts if it is no chance and more than a tenth of the mean."""
TEMPERATURE = ((0.8, 1.2), (0.5, 2.0))
"""The published range of sampler-health checks; beyond it a quadratic estimate is off by 20 %."""
NOISE_RATIO = 1.0
"""Above it the noise of minibatches, not the temperature, sets the width of the posterior."""
ACCEPTANCE = 0.5
"""A kernel that accepts or rejects is best at 0.57 (MALA) or 0.65 (HMC)."""
STEP_BIAS, ALL = 0.2, 1.0
"""As for the temperature, up to a fifth of the estimate; never all of it."""
DISTANCE = 1.2
"""A minimum at the center makes the distance smaller than that of a chain without loss; heat may
add as much as for the temperature."""
PULL = 0.02
"""A slope that takes less than this from the estimate is none."""
GRADIENT_EFFECT = (0.1, 1.0)
"""The slope may take a tenth of the estimate away, or all of it."""
BELOW_CENTER = (0.05, 0.5)
"""Some draws may lie below the center by the noise of a small probe, but not most of them."""

FURTHER = "train on, or raise localization"


class Verdict(NamedTuple):
    """How good a cell is, why, and what to change; the worst first."""

    grade: str
    reason: str
    remedy: str

    @property
    def text(self) -> str:
        """Reason and remedy in one line."""
        return f"{self.reason}: {self.remedy}" if self.remedy else self.reason


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong.

    Args:
        grade: How much it matters.
        excess: How far beyond what is good, as a factor, for the order among several.
        reason: What is wrong.
        remedy: What to change.
    """

    grade: str
    excess: float
    reason: str
    remedy: str


def verdict(row: Row, settings: Settings) -> Verdict:
    """Verdict on the chains of one cell.

    Args:
        row: One component of `somite.estimators.diagnostics.diagnose`, numbers and words by name.
        settings: Attributes of the draws, from which the advice is reckoned.

    Returns:
        "good", "usable with care" or "don't use"; the reason of a good one is empty, or says what
        could not be judged.
    """
    return _judge(row, settings, _SAMPLING, "absent")


def center_verdict(row: Row, settings: Settings) -> Verdict:
    """Verdict on the center of one cell: whether it is a minimum, as far as the estimate goes.

    Args:
        row: As for `verdict`.
        settings: As for `verdict`.

    Returns:
        As `verdict`.
    """
    return _judge(row, settings, _CENTER, "center_absent")


Check = Callable[[Row, Settings], Finding | None]


def _judge(row: Row, settings: Settings, checks: Iterable[Check], absent: str) -> Verdict:
    found = [finding for check in checks if (finding := check(row, settings))]
    if not found:
        missing = row[absent]
        return Verdict(GOOD, f"not judged ({missing})" if missing else "", "")
    found.sort(key=lambda finding: (-GRADES.index(finding.grade), -finding.excess))
    reasons, remedies = (f.reason for f in found), merged(f.remedy for f in found)
    return Verdict(found[0].grade, "; ".join(reasons), "; ".join(remedies))


def _above(value: float, limits: tuple[float, float], reason: str, remedy: str) -> Finding | None:
    """A finding if the value is above the first limit, and a bad one above the second."""
    if not value > limits[0]:
        return None
    return Finding(REFUSE if value > limits[1] else CARE, value / limits[0], reason, remedy)


def _failures(row: Row, settings: Settings) -> Finding | None:
    lost, left = row["chains_failed"], row["chains_left"]
    if not lost:
        return None
    status, _, advice = str(row["failure"]).rpartition(": ")
    grade = REFUSE if lost >= left else CARE
    rest = "" if left else ", no chain is left"
    reason = f"{lost} of {lost + left} chains failed ({status or advice}){rest}"
    remedy = advice if status else "lower step_size or raise localization"
    return Finding(grade, math.inf, reason, remedy)


def _few_draws(row: Row, settings: Settings) -> Finding | None:
    if row["chains_left"] == 0 or not math.isnan(row["relative_mcse"]):
        return None
    remedy = f"take at least {LEAST_DRAWS} per chain"
    return Finding(REFUSE, math.inf, "too few draws to judge", remedy)


def _single_chain(row: Row, settings: Settings) -> Finding | None:
    if row["chains_left"] != 1:
        return None
    return Finding(CARE, 1.0, "a single chain cannot be compared with others", "take 4 chains")


def _mixing(row: Row, settings: Settings) -> Finding | None:
    worst = _worst(row, max, "r_hat", "r_hat_probe")
    reason = f"not mixed (R-hat {worst:.2f})"
    return _above(worst, R_HAT, reason, "raise burn_in, draws or localization")


def _effective_size(row: Row, settings: Settings) -> Finding | None:
    names = [f"{name}{end}" for name in ("ess", "ess_bulk", "ess_tail") for end in ("", "_probe")]
    least = _worst(row, min, *names)
    if not least < ESS[0]:
        return None
    grade, factor = (REFUSE if least < ESS[1] else CARE), ESS[0] / least
    reason = f"ESS is {least:.0f}, {ESS[0]:.0f} are asked"
    return Finding(grade, factor, reason, more_draws(settings, factor))


def _error(row: Row, settings: Settings) -> Finding | None:
    error, asked = row["relative_mcse"], settings.get("error_asked")
    if asked is None and row["mcse"] <= MCSE:
        return None
    limit, name = (RELATIVE_MCSE, "draws") if asked is None else (asked, "most_draws")
    if not error > limit:
        return None
    if math.isinf(error):
        return Finding(CARE, math.inf, "the estimate is 0 and its error is not", f"raise {name}")
    reason = f"the error is {percent(error)} of the estimate, {percent(limit)} are asked"
    enough = error / limit if asked is not None else min(error / limit, row["mcse"] / MCSE)
    remedy = more_draws(settings, enough**2, name)
    return _above(error, (limit, max(limit, WORST_MCSE)), reason, remedy)


def _trend(row: Row, settings: Settings) -> Finding | None:
    sizes = [row[f"trend{end}"] for end in ("", "_probe") if abs(row[f"trend_z{end}"]) > TREND_Z]
    if not sizes:
        return None
    worst = max(sizes, key=abs)
    way = "rises" if worst > 0 else "falls"
    reason = f"the loss still {way}, by {percent(abs(worst))} of its mean along the trace"
    return _above(abs(worst), TREND, reason, longer_burn_in(settings))


def _temperature(row: Row, settings: Settings) -> Finding | None:
    value, margin = row["temperature"], 2 * row["temperature_error"]
    (low, high), (lowest, highest) = TEMPERATURE
    if value + margin < low:
        reason = f"the chain is too cold (temperature {value:.2f}): it has not filled its basin"
        remedy = f"{longer_burn_in(settings)}, or raise localization"
        return Finding(REFUSE if value < lowest else CARE, low / max(value, 1e-9), reason, remedy)
    if value - margin > high:
        reason = f"the chain is too warm (temperature {value:.2f})"
        remedy = cooler(row, settings, 0.1 / (value - 1))
        return _above(value, (high, highest), reason, remedy)
    return None


def _noise(row: Row, settings: Settings) -> Finding | None:
    ratio = row["noise_ratio"]
    if settings.get("kernel") in KERNELS and kernel_of(settings).preconditioned:
        return None  # an upper bound only
    reason = f"minibatch noise is {ratio:.1f} times the injected noise"
    remedy = cooler(row, settings, NOISE_RATIO / ratio) if ratio > NOISE_RATIO else ""
    return _above(ratio, (NOISE_RATIO, math.inf), reason, remedy)


def _distance(row: Row, settings: Settings) -> Finding | None:
    ratio = row["distance_ratio"]
    if not ratio - 2 * row["distance_error"] > DISTANCE:
        return None
    farthest = DRIFT_FACTOR + DRIFT_SPREAD * math.sqrt(2 / row["size"])
    reason = f"the chain moves away, {ratio:.1f} times the squared distance without any loss"
    remedy = "raise localization"
    if "localization" in settings:
        remedy += f" to {settings['localization'] * ratio:.2g}"
    return _above(ratio, (DISTANCE, farthest), reason, f"{remedy}, or lower n_beta")


def _acceptance(row: Row, settings: Settings) -> Finding | None:
    """Only of kernels that accept or reject: in many dimensions MALA itself needs shorter steps."""
    exact = settings.get("kernel") in KERNELS and kernel_of(settings).exact
    rate = row["acceptance"]
    if not exact or not rate < ACCEPTANCE:
        return None
    reason = f"only {percent(rate)} of the steps are accepted"
    return Finding(CARE, ACCEPTANCE / max(rate, 1e-9), reason, smaller_step(settings, 0.5))


def _step(row: Row, settings: Settings) -> Finding | None:
    bias = row["step_bias"]
    if not abs(bias) > row["relative_mcse"] or abs(bias) * abs(row["llc"]) <= MCSE:
        return None
    reason = f"step and minibatch noise make up to {percent(abs(bias))} of the estimate"
    remedy = cooler(row, settings, STEP_BIAS / 2 / abs(bias))
    return _above(abs(bias), (STEP_BIAS, ALL), reason, remedy)


def _slope(row: Row, settings: Settings) -> Finding | None:
    if not row["gradient_to_noise"] ** 2 > 1 / CENTER_BATCHES:  # within the noise of its estimate
        return None
    if row["gradient_pull"] ** 2 <= PULL:
        return None
    effect = row["gradient_effect"]
    reason = (
        f"the loss has a slope at the center (norm {row['gradient_norm']:.2g}), which can lower "
        f"the estimate by {percent(effect)}"
    )
    return _above(effect, GRADIENT_EFFECT, reason, FURTHER)


def _below(row: Row, settings: Settings) -> Finding | None:
    share = row["below_center"]
    reason = f"{percent(share)} of the draws have a lower loss than the center, which is no minimum"
    return _above(share, BELOW_CENTER, reason, FURTHER)


def _worst(row: Row, choose: Callable[[list[float]], float], *names: str) -> float:
    """Largest or smallest of those that are there; NaN if none is."""
    known = [row[name] for name in names if not math.isnan(row[name])]
    return choose(known) if known else math.nan


_SAMPLING: tuple[Check, ...] = (
    *(_failures, _few_draws, _single_chain, _mixing, _effective_size, _error, _trend),
    *(_temperature, _step, _noise, _distance, _acceptance),
)
_CENTER: tuple[Check, ...] = (_slope, _below)
