"""Any model along any series of checkpoints: components sampled at each, curves, stages, groups.

The store is that of a run: one cell for each checkpoint, found again by everything that made it,
the manifest last. Models are loaded one at a time, and only where a cell is missing.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from torch import nn

from somite.components.mask import Mask
from somite.core.checks import at_least
from somite.core.fingerprint import code_fingerprint, fingerprint
from somite.core.threads import available_cores, torch_threads
from somite.data.config import MIXTURE
from somite.development import find_stages, most_boundaries
from somite.estimators import llc
from somite.modularity import combine_views, group_heads
from somite.sampling import Target, sample
from somite.sampling.draws import REFERENCE
from somite.sampling.kernels.kernel import Kernel
from somite.sampling.preflight import FEW, check_loss
from somite.sampling.sample import chain_settings, frozen
from somite.sampling.target import Data, check_data, n_examples, rows
from somite.sampling.views import center_losses
from somite.sampling.vocabulary import check_vocabulary
from somite.study.analysis import ANALYSIS_ROWS, join_steps, lambda_series, with_curves
from somite.study.cells import Cell, sweep_partial
from somite.study.folder import MANIFEST, claimed, write_whole
from somite.study.jobs import SAMPLING_ROWS, made_with, place
from somite.study.provenance import made_where
from somite.study.run import Silent, Watch
from somite.training.open_series import checkpoints
from somite.training.series import Checkpoints

MOST_BOUNDARIES = 6
LEAST_STEPS, LEAST_GROUPED = 3, 4
"""Fewest checkpoints with stages, and fewest components with groups."""
KIND = "track"


@dataclass
class _Track:
    """A series on its way."""

    series: Checkpoints
    target: Target
    kernel: Kernel
    components: str | Mapping[str, Mask]
    domains: Mapping[str, Data]
    chain: Mapping[str, Any]
    threads: int
    run: Path
    watch: Watch
    probe_rows: int
    cells: dict[str, dict[str, str]] = field(default_factory=dict)

    def wanted(self, step: int, weights: str) -> dict[str, tuple[Data, Cell]]:
        """Data sets on which a checkpoint is sampled, and where the draws go."""
        last = step == self.series.steps()[-1]
        sets = {MIXTURE: self.target.data} | (dict(self.domains) if last else {})
        return {name: (data, self._cell(step, weights, name)) for name, data in sets.items()}

    def missing(self, step: int) -> bool:
        """Whether a checkpoint has to be loaded."""
        known = self.series.identity(step)
        if known is None:
            return True
        return not all(cell.exists(self.run) for _, cell in self.wanted(step, known).values())

    def check_domains(self, model: nn.Module) -> None:
        """Require that the loss bears the data sets that come last, before any is sampled."""
        at_center = center_losses(frozen(model), self.target.loss)
        for name, data in self.domains.items():
            check_vocabulary(f"domain {name}", at_center, data)
            check_loss(at_center, rows(data, slice(0, FEW)))

    def draws(
        self, step: int, model: nn.Module | None, tell: Callable[[float], None]
    ) -> list[Cell]:
        """All draws of a checkpoint, made if they are not there."""
        known = self.series.identity(step)
        if known is None:
            assert model is not None
            known = fingerprint(dict(model.state_dict()))
        wanted = self.wanted(step, known)
        for number, (data, cell) in enumerate(wanted.values()):
            if not cell.exists(self.run):
                assert model is not None

                def progress(done: int, total: int, number: int = number) -> None:
                    tell((number + done / total) / len(wanted))

                cell.write(self.run, self._sample(step, model, data, progress))
            self.keep(cell)
        return [cell for _, cell in wanted.values()]

    def _sample(
        self, step: int, model: nn.Module, data: Data, progress: Callable[[int, int], None]
    ) -> xr.Dataset:
        few = rows(data, slice(0, min(self.probe_rows, n_examples(data))))
        return sample(
            model, replace(self.target, data=data), self.kernel, components=self.components,
            probes={REFERENCE: few}, progress=progress, checkpoint=step, **self.chain,
        )  # fmt: skip

    def _cell(self, step: int, weights: str, domain: str) -> Cell:
        identity = {"step": step, "weights": weights, "data": self._prints[domain], **self._common}
        return Cell("sampling" if domain == MIXTURE else "refined", place(step, domain), identity)

    @cached_property
    def _prints(self) -> dict[str, str]:
        """Fingerprint of every data set."""
        return {
            name: fingerprint(list(data) if isinstance(data, tuple) else data)
            for name, data in {MIXTURE: self.target.data, **self.domains}.items()
        }

    @cached_property
    def _common(self) -> dict[str, Any]:
        """What enters the identity of all draws."""
        scale = ("n_beta", "localization", "weight_decay", "bounding_box")
        return {
            "components": _described(self.components),
            "loss": _source(self.target.loss),
            "target": {name: getattr(self.target, name) for name in scale},
            "kernel": repr(self.kernel),
            "settings": asdict(chain_settings(self.chain)),
            "threads": self.threads,
            "probe_rows": self.probe_rows,
            **made_with(*SAMPLING_ROWS),
        }

    def keep(self, cell: Cell) -> None:
        """Note a cell for the manifest."""
        self.cells.setdefault(cell.kind, {})[cell.place] = cell.listed(self.run)

    def once(
        self, kind: str, made_from: Mapping[str, Any], make: Callable[[], xr.Dataset]
    ) -> xr.Dataset:
        """What is computed from stored draws, once."""
        cell = Cell(kind, "all", {**made_from, "code": code_fingerprint(*ANALYSIS_ROWS)})
        if not cell.exists(self.run):
            cell.write(self.run, make())
        self.keep(cell)
        return cell.read(self.run)


def track(
    series: Checkpoints | Mapping[int, nn.Module],
    target: Target,
    kernel: Kernel,
    out: Path | str,
    *,
    components: str | Mapping[str, Mask] = "heads",
    domains: Mapping[str, Data] | None = None,
    probe_rows: int = 16,
    threads: int | None = None,
    watch: Watch | None = None,
    **settings: Any,
) -> Path:
    """Sample components at every checkpoint of a series, and find stages and groups in the curves.

    The folder becomes a run: `load_results` and `build_report` read it. Stopped at any moment and
    called again, it goes on with the same numbers, and fetches only those checkpoints from the Hub
    whose draws are missing.

    Args:
        series: From `somite.checkpoints`, or models by step.
        target: Loss, data and scale.
        kernel: The sampler, for all checkpoints the same.
        out: Folder of the run: new, empty, or of this series.
        components: What `somite.components` takes.
        domains: Further data sets by name, on which the components of the last checkpoint are
            sampled too (data-refined coefficients).
        probe_rows: How many of the data, the first ones, are the fixed reference probe.
        threads: Threads of PyTorch; one for each core if left out. They enter the identity of the
            draws, since sums depend on them.
        watch: Is told of the progress.
        **settings: As in `somite.sample`.

    Returns:
        The folder.

    Raises:
        InputError: If anything does not fit together, or the folder is something else's.

    Example:
        >>> import somite as so, tempfile, torch
        >>> from somite.models import squared_error_loss
        >>> data = torch.zeros(4, 1), torch.zeros(4, 1)
        >>> models = {step: nn.Linear(1, 1) for step in (0, 10, 100)}
        >>> out = track(models, so.Target(squared_error_loss, data, n_beta=10, localization=1),
        ...             so.SGLD(0.1), tempfile.mkdtemp(), components="full", burn_in=5, draws=10)
        >>> from somite.study import load_results
        >>> load_results(out).llc.llc.dims
        ('step', 'component')
    """
    chain_settings(settings)
    at_least("probe_rows", probe_rows, 1)
    if threads is not None:
        at_least("threads", threads, 1)
    found = checkpoints(series) if isinstance(series, Mapping) else series
    at_least("number of checkpoints", len(found.steps()), 1, "Check the series.")
    for name, data in (domains or {}).items():
        check_data(f"domain {name}", data)
    run, cores = Path(out), threads or available_cores()
    with claimed(run, KIND), torch_threads(cores):
        sweep_partial(run)
        _run(
            _Track(
                found, target, kernel, components, domains or {}, settings, cores, run,
                watch or Silent(), probe_rows,
            )
        )  # fmt: skip
    return run


def _run(work: _Track) -> None:
    """All draws, what is computed from them, and the manifest."""
    steps = work.series.steps()
    todo = [step for step in steps if work.missing(step)]
    if len(todo) < len(steps):
        work.watch.say(f"sampling: {len(steps) - len(todo)} of {len(steps)} checkpoints are there")
    work.watch.phase("sampling", float(len(steps)))
    made: dict[int, list[Cell]] = {}
    with work.series.walk(todo) as load:
        for done, step in enumerate(steps):

            def tell(share: float, done: int = done, step: int = step) -> None:
                work.watch.advance(done + share, f"step {step}")

            model = load(step) if step in todo else None
            if model is not None and step == todo[0]:
                work.check_domains(model)
            made[step] = work.draws(step, model, tell)
            tell(1.0)
    found = {step: [cell.read(work.run) for cell in cells] for step, cells in made.items()}
    keys = [cell.key for cells in made.values() for cell in cells]
    _analyse(work, found, {"draws": keys})
    write_whole(work.run / MANIFEST, _manifest(work))


def _analyse(
    work: _Track,
    draws: Mapping[int, Sequence[xr.Dataset]],
    made_from: Mapping[str, Any],
) -> None:
    """Estimates, losses, and from three checkpoints on stages and groups."""
    whole, last = {step: found[0] for step, found in draws.items()}, max(draws)
    estimates = work.once(
        "estimates", made_from, lambda: join_steps({s: _table(one) for s, one in whole.items()})
    )
    work.once("losses", made_from, lambda: _losses(whole))
    if work.domains:
        axis = xr.DataArray(list(work.domains), dims="domain", name="domain")
        work.once(
            "refined_estimates", made_from,
            lambda: join_steps({last: xr.concat([_table(d) for d in draws[last][1:]], axis)}),
        )  # fmt: skip
    if len(whole) < LEAST_STEPS:
        return
    curves = with_curves(join_steps(whole))
    values, errors = lambda_series(curves), estimates.mcse.sel(component=curves.component)
    most = min(MOST_BOUNDARIES, most_boundaries(len(whole)))
    work.once("stages", made_from, lambda: find_stages(values, errors, 0, most))
    work.once("groups", made_from, lambda: _groups(values, errors))


def _groups(values: xr.DataArray, errors: xr.DataArray) -> xr.Dataset:
    """Groups of components by their curves; all in one where they are too few to be sorted."""
    if values.sizes["component"] >= LEAST_GROUPED:
        return group_heads(values, errors, 0)
    names = values.component.values
    label = xr.Dataset({"label": ("component", np.zeros(len(names), int))}, {"component": names})
    absent = {"n_groups": 1, "stability": np.nan, "silhouette": np.nan, "note": "too few to sort"}
    return combine_views({"curves_ward": label.assign_attrs(absent)}, 0)


def _table(draws: xr.Dataset) -> xr.Dataset:
    return llc(draws, on_failure="leave out")


def _losses(draws: Mapping[int, xr.Dataset]) -> xr.Dataset:
    """Mean loss of every checkpoint on the data (step, domain)."""
    values = [[found.attrs["center_loss"]] for found in draws.values()]
    return xr.Dataset(
        {"loss": (("step", "domain"), values)}, {"step": list(draws), "domain": ["data"]}
    )


def _manifest(work: _Track) -> dict[str, Any]:
    """What the run consists of."""
    settings = {
        "name": "",
        "components": _described(work.components),
        "kernel": repr(work.kernel),
        "steps": list(work.series.steps()),
        "domains": list(work.domains),
        **work.chain,
    }
    how = made_where() | {"threads": work.threads}
    return {
        "settings": settings, "corpus": "", "training": "", "cells": work.cells, "provenance": how
    }  # fmt: skip


def _described(components: str | Mapping[str, Mask]) -> str:
    """What was selected, by its name or by all its entries."""
    if isinstance(components, str):
        return components
    return fingerprint({name: dict(mask.entries) for name, mask in components.items()})


def _source(loss: Callable[..., Any]) -> str:
    """Name of a loss, and the fingerprint of its code where that can be read."""
    inner = getattr(loss, "func", loss)  # of a `functools.partial`
    name = getattr(inner, "__qualname__", type(inner).__qualname__)
    try:
        code = inspect.getsource(inner)
    except (OSError, TypeError):
        code = ""
    return f"{name} {fingerprint([code, repr(getattr(loss, 'keywords', ''))])}"
