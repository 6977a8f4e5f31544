"""Local learning coefficients of chosen components, measured during training."""

import json
import shutil
import warnings
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import nn

from somite.components import Mask
from somite.components import components as select
from somite.core.checks import positive
from somite.core.errors import InputError
from somite.core.fingerprint import fingerprint
from somite.core.random import kept_random
from somite.estimators.llc import COLUMNS, VERDICTS, llc
from somite.integrations.watcher import Steps, Watcher
from somite.sampling.kernels.kernel import Kernel
from somite.sampling.sample import chain_settings, sample
from somite.sampling.target import Data, Target, on_device
from somite.study.analysis import join_steps
from somite.study.cells import Cell, differing_fields, read_cell, sweep_partial

KIND = "llc"
LOGGED = ("llc", "mcse")


class LLCMonitor(Watcher):
    """Measures the LLC of components at chosen steps, and keeps a table beside the run.

    Call it in any loop, `monitor(model, step)`, after the optimizer's step; or hand it to a
    callback, see `somite.integrations.trainer` and `somite.integrations.lightning`. The noise of
    each step is that of the stream `checkpoint=step`.

    What is wrong from the beginning is an error, at the latest in the first measurement. Later, a
    measurement that fails (a step size that has become unstable, a chain that diverges) must not
    end the training: it is a warning, and a row of the table without a number, with the reason.

    Args:
        folder: Where the table is kept. With the same settings, a folder with measurements goes
            on: a step measured at the very same weights is read, any other is measured (again).
        target: Loss, data and scale; the data go to the device of the model.
        kernel: The sampler with its step size.
        steps: A number for every so many steps, or a list, see `Watcher`.
        components: What `somite.components` takes.
        probes: Fixed data sets; the one named "reference" enters the error.
        **settings: Fields of `ChainSettings`, all but `checkpoint`.

    Raises:
        InputError: If a setting is wrong, or the folder holds measurements with other ones.

    Example:
        >>> import tempfile
        >>> from somite.sampling import SGLD
        >>> loss = lambda model, x: (model(x) - 1).square()
        >>> target = Target(loss, torch.ones(4, 1), n_beta=10, localization=1)
        >>> monitor = LLCMonitor(tempfile.mkdtemp(), target, SGLD(0.01), steps=10,
        ...                      components="full", chains=2, draws=10, burn_in=0)
        >>> model = nn.Linear(1, 1)
        >>> [sorted(monitor(model, step)) for step in (9, 10)]
        [[], ['somite/llc/full', 'somite/mcse/full']]
        >>> monitor.table().llc.sizes["step"]
        1
    """

    def __init__(
        self,
        folder: str | Path,
        target: Target,
        kernel: Kernel,
        steps: Steps,
        *,
        components: str | Mapping[str, Mask] = "heads",
        probes: Mapping[str, Data] | None = None,
        **settings: Any,
    ) -> None:
        """Check the settings and what the folder holds.

        Raises:
            InputError: If something does not fit.
        """
        super().__init__(steps)
        positive("n_beta", target.n_beta, "The control run without any loss has no LLC.")
        if "checkpoint" in settings:
            remedy = "Leave it out."
            raise InputError("checkpoint", "is the step", settings["checkpoint"], remedy)
        chain_settings(settings)
        self.folder, self.target, self.kernel = Path(folder), target, kernel
        self.components, self.probes, self.settings = components, probes or {}, settings
        self._identity = self._made_with()
        self._tried = False
        sweep_partial(self.folder)
        for path in self._stored().values():
            self._require_same(read_cell(path))

    def check(self, model: nn.Module) -> None:
        """Make one draw of one chain, so that what does not fit is said before training starts."""
        least = {"chains": 1, "draws": 1, "burn_in": self.kernel.least_burn_in}
        self._sample(model, self.settings | least)
        self._tried = True

    def look(self, model: nn.Module, step: int) -> dict[str, float]:
        """Measure."""
        return self.measure(model, step)

    def measure(self, model: nn.Module, step: int) -> dict[str, float]:
        """Measure at the present weights, whatever the step.

        Args:
            model: In the middle of its training; it stays as it is, to the bit.
            step: Optimizer steps done.

        Returns:
            `somite/llc/COMPONENT` and `somite/mcse/COMPONENT`, those that are finite.
        """
        weights = fingerprint({**dict(model.named_parameters()), **dict(model.named_buffers())})
        cell = Cell(KIND, _place(step), {**self._identity, "weights": weights})
        if not cell.exists(self.folder):
            table = self._estimate(model, step)
            for path in self._stored(_place(step)).values():  # training went another way
                shutil.rmtree(path)
            cell.write(self.folder, table)
        return logged(cell.read(self.folder))

    def table(self) -> xr.Dataset:
        """All measurements (step, component), see `somite.llc`.

        Raises:
            InputError: If there is none.
        """
        stored = self._stored()
        if not stored:
            remedy = "Let training come to one of the chosen steps."
            raise InputError("table", "must hold a measurement", str(self.folder), remedy)
        return join_steps({step: read_cell(path) for step, path in sorted(stored.items())})

    def _estimate(self, model: nn.Module, step: int) -> xr.Dataset:
        try:
            table = llc(self._sample(model, {**self.settings, "checkpoint": step}), "leave out")
        except InputError as error:
            if not self._tried:
                raise
            warnings.warn(f"Nothing was measured at step {step}: {error}", stacklevel=2)
            table = _without_numbers(list(select(model, self.components)), str(error))
        self._tried = True
        return table

    def _sample(self, model: nn.Module, settings: Mapping[str, Any]) -> xr.Dataset:
        device = next(model.parameters()).device
        target = replace(self.target, data=on_device(self.target.data, device))
        probes = {name: on_device(data, device) for name, data in self.probes.items()}
        named: Any = {"components": self.components, "probes": probes}
        with kept_random(), torch.autocast(device.type, enabled=False):
            return sample(model, target, self.kernel, **named, **settings)

    def _made_with(self) -> dict[str, Any]:
        """All that makes a measurement but the weights, as plain values."""
        scale = ("n_beta", "localization", "weight_decay", "bounding_box", "n")
        chosen: Any = self.components
        if not isinstance(chosen, str):
            chosen = {name: fingerprint(dict(mask.entries)) for name, mask in chosen.items()}
        return {
            "target": {name: getattr(self.target, name) for name in scale},
            "loss": getattr(self.target.loss, "__qualname__", type(self.target.loss).__name__),
            "data": fingerprint(self.target.data),
            "kernel": {"name": type(self.kernel).__name__, **vars(self.kernel)},
            "components": chosen,
            "probes": {name: fingerprint(data) for name, data in self.probes.items()},
            "settings": asdict(chain_settings(self.settings)),
        }

    def _stored(self, place: str = "step-*") -> dict[int, Path]:
        """Stored measurements by step."""
        found = (self.folder / "cells" / KIND).glob(f"{place}-*.zarr")
        return {int(path.name.split("-")[1]): path for path in found}

    def _require_same(self, stored: xr.Dataset) -> None:
        identity = json.loads(stored.attrs["identity"])
        identity.pop("weights")
        if differing := differing_fields(identity, self._identity):
            rule = "must hold measurements with the same settings"
            remedy = "Take another folder, or remove this one."
            raise InputError("folder", rule, differing, remedy)


def logged(table: xr.Dataset) -> dict[str, float]:
    """Estimates and errors of one step by the name they are logged under, those that are finite."""
    values = {
        f"somite/{name}/{component}": float(table[name].sel(component=component))
        for name in LOGGED
        for component in table.component.values.tolist()
    }
    return {name: value for name, value in values.items() if np.isfinite(value)}


def _place(step: int) -> str:
    return f"step-{step:08d}"


def _without_numbers(components: list[str], reason: str) -> xr.Dataset:
    """The table of a measurement that failed."""
    words = {"verdict": "don't use", "center_verdict": "don't use"}
    columns = {name: words.get(name, reason) if name in VERDICTS else np.nan for name in COLUMNS}
    return xr.Dataset(
        {name: ("component", [value] * len(components)) for name, value in columns.items()},
        coords={"component": components},
    )
