"""Every case sampled with its fixed seed, its estimate against its truth in errors."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import xarray as xr

from somite.core.errors import InputError
from somite.core.random import stream_seed
from somite.core.threads import torch_threads
from somite.sampling.sample import sample
from somite.verify.case import Case, Problem

LIMIT = 4.0
"""Largest distance from the truth, in errors, that passes."""
LARGEST_ERROR = 0.05
"""An error above this part of the truth says nothing."""
SETTINGS: Mapping[str, Any] = MappingProxyType(
    {"batch_size": None, "chains": 4, "burn_in": 200, "draws": 1500}
)

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Outcome:
    """One case, done.

    Args:
        truth: What the estimate must be.
        estimate: What it is; NaN if the chains failed.
        error: Its Monte Carlo error, that of the truth included.
        rejected: The value that it must tell from the truth; NaN for none.
        verdict: "agrees", or what is wrong.
        seconds: Time it took.
    """

    truth: float
    estimate: float
    error: float
    rejected: float
    verdict: str
    seconds: float

    @property
    def z(self) -> float:
        """Distance from the truth in errors."""
        return _in_errors(self.estimate - self.truth, self.error)

    @property
    def rejected_z(self) -> float:
        """Distance from the rejected value in errors; NaN without one."""
        return _in_errors(self.estimate - self.rejected, self.error)

    @property
    def passed(self) -> bool:
        """Whether estimate and truth agree, with an error that means something."""
        return self.verdict == AGREES


AGREES = "agrees"


def verify(cases: Sequence[Case], progress: Progress | None = None) -> xr.Dataset:
    """Sample cases with known answers and compare.

    z = (estimate − truth) / error. A case passes if |z| ≤ 4, the error is at most 5 % of the truth,
    and, where a wrong value lies near, the estimate is more than 4 errors away from that.

    Args:
        cases: From `somite.verify.cases`.
        progress: Called with (cases done, number of cases, name of the next one).

    Returns:
        Over case: `subject`, `kernel`, `source`, `truth`, `estimate`, `error`, `z`, `rejected` and
        `rejected_z` (NaN where nothing is to be rejected), `verdict`, `passed`, `seconds`.

    Example:
        >>> from somite.verify import select_cases
        >>> table = verify(select_cases(only=["gaussian-baoab"]))
        >>> table.verdict.item()
        'agrees'
    """
    tell = progress or _silent
    outcomes = []
    for i, case in enumerate(cases):
        tell(i, len(cases), case.name)
        with torch_threads(1):
            outcomes.append(outcome(case))
    tell(len(cases), len(cases), "")
    numbers = ("truth", "estimate", "error", "z", "rejected", "rejected_z", "verdict", "passed")
    found = {name: [getattr(one, name) for one in outcomes] for name in (*numbers, "seconds")}
    words = {name: [getattr(case, name) for case in cases] for name in ("subject", "source")}
    words["kernel"] = [type(case.kernel).__name__ for case in cases]
    columns = {name: ("case", values) for name, values in (words | found).items()}
    return xr.Dataset(columns, {"case": [case.name for case in cases]})


def outcome(case: Case) -> Outcome:
    """Sample one case and judge it."""
    start = time.monotonic()
    problem = case.prepare(case.kernel)
    rejected = math.nan if problem.rejected is None else problem.rejected
    settings = {**SETTINGS, "seed": stream_seed("verify", case.name), **case.settings}
    try:
        draws = sample(
            problem.model, problem.target, case.kernel, components=problem.components, **settings
        )
        estimate, own_error = case.measure(draws)
    except InputError as failure:
        seconds = time.monotonic() - start
        return Outcome(problem.truth, math.nan, math.nan, rejected, str(failure), seconds)
    error = math.hypot(own_error, problem.truth_error)
    verdict = judge(problem, estimate, error)
    return Outcome(problem.truth, estimate, error, rejected, verdict, time.monotonic() - start)


def judge(problem: Problem, estimate: float, error: float) -> str:
    """Whether an estimate agrees with the truth, and what is wrong if it does not."""
    if not error <= LARGEST_ERROR * abs(problem.truth):
        return f"error above {LARGEST_ERROR:.0%} of the truth"
    if not abs(estimate - problem.truth) <= LIMIT * error:
        return f"more than {LIMIT:g} errors from the truth"
    if problem.rejected is not None and abs(estimate - problem.rejected) <= LIMIT * error:
        return f"cannot reject {problem.rejected:.4g}"
    return AGREES


def _in_errors(distance: float, error: float) -> float:
    return distance / error if error > 0 else math.nan


def _silent(done: int, total: int, name: str) -> None:
    """Progress that nobody watches."""
