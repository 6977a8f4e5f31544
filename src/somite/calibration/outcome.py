"""What calibration gives: settings, and the evidence for them."""

from dataclasses import dataclass
from typing import Any

import xarray as xr

from somite.calibration.reach import Reach
from somite.calibration.search import Search
from somite.sampling.kernels import BAOAB, SGLD
from somite.sampling.target import Data, Loss, Target


@dataclass(frozen=True, eq=False)
class Calibration:
    """Settings, and the evidence for them.

    Args:
        n_beta: Inverse temperature times number of samples.
        localization: Precision γ.
        kernel: With its step.
        batch_size: Examples per minibatch; None for the whole data.
        chains: Chains per component.
        burn_in: Steps before the first kept draw.
        draws: Kept draws per chain.
        good: Share of the tested cells whose sampling verdict was good.
        seconds: Measured seconds of a core for one step of one chain of one component, here.
        map: Estimate, error and verdict at settings around the choice, over (trial, component);
            see `somite.calibration.surroundings`.
        trials: What was tried on the way, over trial: `n_beta`, `localization`, `step_size`,
            `draws`, `good`, `anharmonicity`, `relative_error`, `trouble`, `chosen`.
        ratio: Rise over pull by localization, at the checkpoint that decided; empty if none did.
        words: Why these settings, one sentence each.
    """

    n_beta: float
    localization: float
    kernel: SGLD | BAOAB
    batch_size: int | None
    chains: int
    burn_in: int
    draws: int
    good: float
    seconds: float
    map: xr.Dataset
    trials: xr.Dataset
    ratio: xr.DataArray
    words: tuple[str, ...]

    def target(self, loss: Loss, data: Data, **more: Any) -> Target:
        """The target at these settings; `more` are other fields of `Target`."""
        return Target(loss, data, self.n_beta, self.localization, **more)

    @property
    def settings(self) -> dict[str, Any]:
        """Chain settings, for `somite.sample(model, target, kernel, **settings)`."""
        names = ("batch_size", "chains", "burn_in", "draws")
        return {name: getattr(self, name) for name in names}

    @property
    def recipe(self) -> dict[str, Any]:
        """All settings by their name in the section `sampling` of a recipe."""
        scale = {"n_beta": self.n_beta, "localization": self.localization}
        kernel = {"kernel": type(self.kernel).__name__, **vars(self.kernel)}
        known = {name: value for name, value in self.settings.items() if value is not None}
        return {**scale, **kernel, **known}

    def cost(self, components: int, checkpoints: int) -> float:
        """Seconds on one core for so many components at so many checkpoints."""
        steps = self.burn_in + self.draws
        return components * checkpoints * self.chains * steps * self.seconds


def trials_table(found: Search) -> xr.Dataset:
    """What was tried on the way, one row for each trial."""
    columns = {
        "n_beta": [trial.setting.n_beta for trial in found.trials],
        "localization": [trial.setting.localization for trial in found.trials],
        "step_size": [trial.setting.kernel.step_size for trial in found.trials],
        "draws": [trial.draws for trial in found.trials],
        "good": [trial.good for trial in found.trials],
        "anharmonicity": [trial.anharmonicity for trial in found.trials],
        "relative_error": [trial.relative_error for trial in found.trials],
        "trouble": [trial.worst_reason() for trial in found.trials],
        "chosen": [trial is found.best for trial in found.trials],
    }
    return xr.Dataset({name: ("trial", values) for name, values in columns.items()})


def ratio_table(reach: Reach) -> xr.DataArray:
    """Rise over pull by localization."""
    localizations, ratios = list(reach.ratios), list(reach.ratios.values())
    return xr.DataArray(ratios, {"localization": localizations}, "localization", "ratio")
