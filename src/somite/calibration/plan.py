"""What a calibration is asked for."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from somite.calibration.steps import KINDS
from somite.core.checks import at_least, from_keywords, one_of, positive


@dataclass(frozen=True)
class CalibrationPlan:
    """What a calibration is asked for.

    Args:
        kernel: "BAOAB", which has no step-size bias on quadratic losses, or "SGLD".
        batch_size: Examples per minibatch; None for the whole data.
        chains: Chains per component.
        error: Relative Monte Carlo error that the median component shall reach; an estimate below
            ½, what one curved direction counts, is taken for ½.
        n: Number of samples; n_beta is then n / log n where nothing forbids it.
        guess: Localization that is kept where no checkpoint has a basin, and where the search
            starts if it is stronger than the usual start; else the result does not depend on it.
        map: Whether to sample the settings around the choice; else the map holds the choice alone.
        seed: Root of the random streams.

    Raises:
        InputError: If a number is out of range.
    """

    kernel: str = "BAOAB"
    batch_size: int | None = 8
    chains: int = 4
    error: float = 0.05
    n: int | None = None
    guess: float = 100.0
    map: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        """Check before any work starts."""
        one_of("kernel", self.kernel, KINDS)
        if self.batch_size is not None:
            at_least("batch_size", self.batch_size, 1, "Give None for the whole data.")
        at_least("chains", self.chains, 2, "Without a second chain nothing shows that they agree.")
        positive("error", self.error, "Give a relative error such as 0.05.")
        if self.n is not None:
            at_least("n", self.n, 2, "Give the number of samples, or None.")
        positive("guess", self.guess, "Give a localization such as 100.")
        at_least("seed", self.seed, 0)


def calibration_plan(settings: Mapping[str, Any]) -> CalibrationPlan:
    """A plan from keyword arguments.

    Raises:
        InputError: If a keyword is none of the fields; the nearest is named.
    """
    return from_keywords(CalibrationPlan, "must be a setting of calibrate", settings)
