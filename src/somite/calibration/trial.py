"""A short run at one setting, and what it says of it."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice

import numpy as np
import xarray as xr
from torch import nn

from somite.components.mask import Mask
from somite.core.errors import InputError
from somite.core.threads import available_cores, side_by_side
from somite.estimators.diagnostics import diagnose
from somite.estimators.llc import judged
from somite.estimators.verdict import (
    DISTANCE,
    ESS,
    GOOD,
    MCSE,
    NOISE_RATIO,
    REFUSE,
    RELATIVE_MCSE,
    STEP_BIAS,
    TEMPERATURE,
    TREND,
    TREND_Z,
)
from somite.sampling.draws import REFERENCE
from somite.sampling.kernels import BAOAB, SGLD
from somite.sampling.sample import sample
from somite.sampling.status import CONVERGED
from somite.sampling.target import Data, Loss, Target, rows

ENOUGH = 0.95
"""Share of cells whose sampling verdict has to be good."""
PROBE = 16
"""Examples of the reference probe."""
PROBE_EVERY = 4
ONE_DIRECTION = 0.5
"""What one curved direction counts: no error is small against an estimate near zero."""


@dataclass(frozen=True)
class Setting:
    """One point of the map; ε and burn-in are `shrink` and `patience` times the usual ones."""

    n_beta: float
    localization: float
    kernel: SGLD | BAOAB
    burn_in: int
    shrink: float = 1.0
    patience: float = 1.0


@dataclass(frozen=True, eq=False)
class Problem:
    """What is calibrated.

    Args:
        centers: Models by name of the checkpoint.
        loss: As in `Target`.
        data: As in `Target`.
        masks: The components.
        batch_size: Examples per minibatch; None for the whole data.
        n: As in `Target`.
        seed: Root of the random streams.
    """

    centers: Mapping[str, nn.Module]
    loss: Loss
    data: Data
    masks: Mapping[str, Mask]
    batch_size: int | None
    n: int | None
    seed: int


@dataclass(frozen=True, eq=False)
class Trial:
    """What short chains at one setting gave.

    Args:
        setting: The setting.
        table: Diagnostics, verdicts and `share` over (checkpoint, component).
        chains: Chains per component.
        draws: Kept draws per chain.
        seconds: Of a core, for one step of one chain of one component.
    """

    setting: Setting
    table: xr.Dataset
    chains: int
    draws: int
    seconds: float

    @property
    def good(self) -> float:
        """Share of the cells whose sampling verdict is good."""
        return float((self.table.verdict == GOOD).mean())

    @property
    def hot(self) -> bool:
        """Whether a step that is too long is a trouble."""
        t = self.table
        wrong = (t.temperature > TEMPERATURE[0][1]) | (t.noise_ratio > NOISE_RATIO)
        lost = t.failure.astype(str).str.startswith("diverged")
        # Of an estimate near zero any bias is a large share, and none is large.
        biased = (t.step_bias > STEP_BIAS) & (t.step_bias * abs(t.llc) > MCSE)
        return bool((wrong | biased | lost).mean() > 1 - ENOUGH)

    @property
    def bias(self) -> float:
        """What step and minibatch noise may add to the estimates, a share of all cells."""
        total = float(abs(self.table.llc).sum())
        return float((self.table.step_bias * abs(self.table.llc)).sum()) / total if total else 0.0

    @property
    def early(self) -> bool:
        """Whether chains had not settled when their draws began."""
        t = self.table
        cold = t.temperature < TEMPERATURE[0][0]
        moving = (abs(t.trend_z) > TREND_Z) & (abs(t.trend) > TREND[0])
        return bool((cold | moving).mean() > 1 - ENOUGH)

    @property
    def away(self) -> bool:
        """Whether chains went further than localization allows."""
        lost = self.table.failure.astype(str).str.startswith("drifted")
        return bool(((self.table.distance_ratio > DISTANCE) | lost).mean() > 1 - ENOUGH)

    @property
    def lacking(self) -> float:
        """Factor by which the draws fall short in the worst cell; 1 where that cannot be told."""
        t = self.table
        smallest = [float(t[name].min()) for name in ("ess", "ess_bulk", "ess_tail", *PROBED)]
        needs = [ESS[0] / size for size in smallest if size > 0]
        wanted = np.maximum(RELATIVE_MCSE * abs(t.llc), MCSE)
        needs.append(float((t.mcse / wanted).max()) ** 2)
        return max([1.0, *(need for need in needs if math.isfinite(need))])

    @property
    def relative_error(self) -> float:
        """Median of mcse over |llc|, or over ½ if that is less; infinite without any estimate."""
        errors = (self.table.mcse / np.maximum(abs(self.table.llc), ONE_DIRECTION)).values
        known = errors[~np.isnan(errors)]
        return float(np.median(known)) if len(known) else math.inf

    @property
    def anharmonicity(self) -> float:
        """R of all cells together: sum of estimates over sum of shares."""
        total = float(self.table.share.sum())
        return float(self.table.llc.sum()) / total if total else math.nan

    def worst_reason(self) -> str:
        """The commonest reason among cells that are not good; empty if all are."""
        reasons = self.table.reason.values[(self.table.verdict != GOOD).values]
        names, counts = np.unique(reasons.astype(str), return_counts=True)
        return str(names[counts.argmax()]) if len(names) else ""


PROBED = ("ess_probe", "ess_bulk_probe", "ess_tail_probe")


def run_trials(
    problem: Problem,
    settings: Sequence[Setting],
    chains: int,
    draws: int,
    ended: Callable[[], None] = lambda: None,
) -> list[Trial]:
    """Sample all cells shortly at every setting, side by side; a refused step makes a bad trial.

    Args:
        problem: What is sampled; its loss is called from several threads.
        settings: At which.
        chains: Per component.
        draws: Kept draws per chain.
        ended: Called whenever a checkpoint has been sampled at a setting.

    Raises:
        InputError: If `somite.sample` refuses anything but the step.
    """
    names = xr.DataArray(list(problem.centers), dims="checkpoint", name="checkpoint")
    jobs = [
        partial(_sample, problem, setting, chains, draws, i, ended)
        for setting in settings
        for i in range(len(names))
    ]
    found = iter(side_by_side(jobs, _at_once(problem)))
    trials = []
    for setting in settings:
        tables, seconds = zip(*islice(found, len(names)), strict=True)
        table = xr.concat(tables, names, combine_attrs="drop")
        steps = len(names) * len(problem.masks) * chains * (setting.burn_in + draws)
        trials.append(Trial(setting, table, chains, draws, sum(seconds) / steps))
    return trials


def _at_once(problem: Problem) -> int:
    """One per core, and one on a GPU."""
    first = next(iter(problem.centers.values()))
    on_cpu = all(weight.device.type == "cpu" for weight in first.parameters())
    return available_cores() if on_cpu else 1


def _sample(
    problem: Problem,
    setting: Setting,
    chains: int,
    draws: int,
    checkpoint: int,
    ended: Callable[[], None],
    check: Callable[[], None],
) -> tuple[xr.Dataset, float]:
    """What a trial needs to know of one checkpoint, and the seconds of a core that it took.

    Raises:
        InputError: As `run_trials`.
    """
    started = time.thread_time()
    target = Target(problem.loss, problem.data, setting.n_beta, setting.localization, n=problem.n)
    center = list(problem.centers.values())[checkpoint]
    try:
        sampled = sample(
            center, target, setting.kernel, components=dict(problem.masks),
            probes={REFERENCE: rows(problem.data, slice(0, PROBE))},
            batch_size=problem.batch_size, chains=chains, burn_in=setting.burn_in, draws=draws,
            probe_every=PROBE_EVERY, seed=problem.seed, checkpoint=checkpoint,
            progress=lambda done, total: check(),
        )  # fmt: skip
    except InputError as error:
        if error.argument != "step_size":
            raise
        table = _refused(list(problem.masks), f"diverged: step_size {error.rule}")
    else:
        table = _judged(sampled)
    ended()
    return table, time.thread_time() - started


COLUMNS = [
    *("llc", "mcse", "share", "temperature", "noise_ratio", "step_bias", "trend", "trend_z"),
    *("distance_ratio", "ess", "ess_bulk", "ess_tail", *PROBED, "verdict", "reason", "failure"),
]


def _judged(draws: xr.Dataset) -> xr.Dataset:
    """What a trial needs to know of the draws at one checkpoint."""
    share = draws.share.where(draws.status == CONVERGED).mean(("chain", "draw"))
    return judged(diagnose(draws)).assign(share=draws.attrs["n_beta"] * share)[COLUMNS]


def _refused(components: list[str], failure: str) -> xr.Dataset:
    """Table of a step that the sampler refused."""
    words = {"verdict": REFUSE, "reason": failure.removeprefix("diverged: "), "failure": failure}
    columns = {
        name: ("component", [words.get(name, math.nan)] * len(components)) for name in COLUMNS
    }
    return xr.Dataset(columns, {"component": components})
