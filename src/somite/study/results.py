"""Results: everything that a report or a table reads, from the store alone."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from somite.core.errors import InputError
from somite.data.config import MIXTURE
from somite.study.analysis import join_steps
from somite.study.cells import read_cell
from somite.study.folder import (
    listed_compression,
    listed_lesions,
    listed_modules,
    listed_response,
    listed_transfer,
    read_manifest,
)
from somite.training import CheckpointSeries


@dataclass(frozen=True)
class FoundModules:
    """Modules among one set of components of a run.

    Args:
        by_step: Interactions and modules, see `somite.study.pair_modules.modules_of`.
        through: By kind of modules ("redundant", "cooperating"), modules through time, see
            `somite.study.through_time.through_time`; empty where they were not followed.
    """

    by_step: Mapping[int, xr.Dataset]
    through: Mapping[str, xr.Dataset] = field(default_factory=dict)


@dataclass(frozen=True)
class Results:
    """What a finished study found.

    Args:
        settings: The recipe, nested.
        provenance: Text or numbers by name.
        training: loss (step, domain), train_loss (step,), in nats per token.
        llc: Estimates and verdicts (step, component), see `somite.llc`; attributes are the
            settings of the sampler.
        draws_by_place: Loads the draws of a checkpoint (step) on a data set (name).
        behavior: Scores (step, component) and (step,); none of a tracked series.
        stages: Boundaries, see `somite.development.find_stages`.
        groups: Groups of heads and their agreement, see `somite.modularity.combine_views`.
        refined: Data-refined estimates and verdicts (step, domain, component).
        ablation: loss_change (step, method, domain, component), in nats per token.
        attention: Patterns on real text.
        modules: By set of components ("heads"), interactions and modules.
        response: By step, susceptibilities, see `somite.study.response_tables.response_tables`.
        influence: By step, influences, see `somite.study.influence_tables.influence_tables`.
        compression: Critical levels, see `somite.study.compression_tables.compression_tables`.
        lesions: By step, lesions of modules by name, see `somite.consequences.module_lesion`.
        transfer: By domain, see `somite.study.transfer_tables.transfer_tables`.
        motion: By last step, places and motion of tokens, see `somite.study.motion.motion_tables`.
        clusters: By step, of tokens, see `somite.study.token_clusters.cluster_tables`.
    """

    settings: dict[str, Any]
    provenance: dict[str, Any]
    training: xr.Dataset
    llc: xr.Dataset
    draws_by_place: Mapping[tuple[int, str], Any]
    behavior: xr.Dataset
    stages: xr.Dataset
    groups: xr.Dataset
    refined: xr.Dataset | None = None
    ablation: xr.Dataset | None = None
    attention: xr.Dataset | None = None
    modules: Mapping[str, FoundModules] = field(default_factory=dict)
    response: Mapping[int, xr.Dataset] = field(default_factory=dict)
    influence: Mapping[int, xr.Dataset] = field(default_factory=dict)
    compression: xr.Dataset | None = None
    lesions: Mapping[int, Mapping[str, xr.Dataset]] = field(default_factory=dict)
    transfer: Mapping[str, xr.Dataset] = field(default_factory=dict)
    motion: Mapping[int, xr.Dataset] = field(default_factory=dict)
    clusters: Mapping[int, xr.Dataset] = field(default_factory=dict)

    def draws(self, step: int, data: str = MIXTURE) -> xr.Dataset:
        """Draws of a checkpoint on a data set.

        Raises:
            InputError: If there are none.
        """
        if (step, data) not in self.draws_by_place:
            remedy = f"There are: {sorted(self.draws_by_place)}."
            raise InputError("draws", "must have been sampled", (step, data), remedy)
        draws: xr.Dataset = self.draws_by_place[step, data]
        return draws


class StoredCells(Mapping[tuple[int, str], xr.Dataset]):
    """Stored data sets by (step, data set), read when asked for.

    Args:
        run: Folder of the run.
        paths: Where each is.
    """

    def __init__(self, run: Path, paths: dict[tuple[int, str], str]) -> None:
        """Keep the places."""
        self._run, self._paths = run, paths

    def __getitem__(self, key: tuple[int, str]) -> xr.Dataset:
        """Load one."""
        return read_cell(self._run / self._paths[key])

    def __iter__(self) -> Any:
        """All (step, data set)."""
        return iter(self._paths)

    def __len__(self) -> int:
        """How many there are."""
        return len(self._paths)


class StoredSteps(Mapping[int, xr.Dataset]):
    """Stored data sets by step, read when asked for; the last one that was read is kept.

    Args:
        run: Folder of the run.
        paths: Where each is.
    """

    def __init__(self, run: Path, paths: Mapping[str, str]) -> None:
        """Keep the places."""
        self._run = run
        self._paths = {int(step): path for step, path in sorted(paths.items())}
        self._kept: dict[int, xr.Dataset] = {}

    def __getitem__(self, step: int) -> xr.Dataset:
        """Load one."""
        if step not in self._kept:
            self._kept = {step: read_cell(self._run / self._paths[step])}
        return self._kept[step]

    def __iter__(self) -> Any:
        """All steps."""
        return iter(self._paths)

    def __len__(self) -> int:
        """How many there are."""
        return len(self._paths)


def load_results(run: Path) -> Results:
    """Read a finished study.

    Args:
        run: Its folder.

    Returns:
        The results.

    Raises:
        InputError: If the folder holds no finished study, or a part of it is missing or damaged.
    """
    return _Reader(run, read_manifest(run)).results()


def load_estimates(run: Path) -> xr.Dataset:
    """Estimates of the last checkpoint of a run on all its data sets.

    Args:
        run: Its folder.

    Returns:
        Over (data, component): what `somite.llc` gives. "train" stands for the target's own data.

    Raises:
        InputError: If the folder holds no finished study, or a part of it is missing or damaged.
    """
    return _Reader(run, read_manifest(run)).last_estimates()


def load_curves(run: Path) -> tuple[xr.Dataset, xr.Dataset]:
    """Losses and behaviour scores of a finished study, without its draws.

    Args:
        run: Its folder.

    Returns:
        `training` and `behavior` of `Results`.

    Raises:
        InputError: If the folder holds no finished study, or a part of it is missing or damaged.
    """
    return _Reader(run, read_manifest(run)).curves()


@dataclass(frozen=True)
class _Reader:
    run: Path
    manifest: dict[str, Any]

    def results(self) -> Results:
        draws = StoredCells(self.run, self._paths("sampling") | self._paths("refined"))
        for place in draws:
            draws[place]  # damage is said here, not in the middle of a report
        llc = self._only("estimates")
        return Results(
            settings=self.manifest["settings"],
            provenance=self.manifest["provenance"],
            training=self._training(),
            llc=llc,
            draws_by_place=draws,
            behavior=self._behavior(llc),
            stages=self._only("stages"),
            groups=self._only("groups"),
            refined=self._only("refined_estimates") if self._paths("refined") else None,
            ablation=self._by_step("ablation") if self._paths("ablation") else None,
            attention=self._only("attention") if self._paths("attention") else None,
            modules=self._modules(),
            response=StoredSteps(self.run, listed_response(self.run, "cells")),
            influence=StoredSteps(self.run, listed_response(self.run, "influence")),
            compression=self._compression(),
            lesions={
                int(step): {name: read_cell(self.run / path) for name, path in cells.items()}
                for step, cells in listed_lesions(self.run).items()
            },
            transfer={
                domain: read_cell(self.run / path)
                for domain, path in listed_transfer(self.run).items()
            },
            motion=StoredSteps(self.run, listed_response(self.run, "motion")),
            clusters=StoredSteps(self.run, listed_response(self.run, "clusters")),
        )

    def last_estimates(self) -> xr.Dataset:
        whole = self._only("estimates").isel(step=-1)
        parts = {MIXTURE: whole}
        if self._paths("refined"):
            refined = self._only("refined_estimates").sel(step=whole.step)
            names = refined.domain.values
            parts |= {str(name): refined.sel(domain=name, drop=True) for name in names}
        axis = xr.DataArray(list(parts), dims="data", name="data")
        return xr.concat(list(parts.values()), axis, combine_attrs="drop_conflicts")

    def curves(self) -> tuple[xr.Dataset, xr.Dataset]:
        return self._training(), self._by_step("behavior")

    def _paths(self, kind: str) -> dict[tuple[int, str], str]:
        cells: dict[str, str] = self.manifest["cells"].get(kind, {})
        return {_step_and_data(place): path for place, path in sorted(cells.items())}

    def _only(self, kind: str) -> xr.Dataset:
        if not (cells := self.manifest["cells"].get(kind)):
            remedy = "Run the study again with this version; what is there is kept."
            raise InputError("run", f"must hold its {kind}", str(self.run), remedy)
        (path,) = cells.values()
        return read_cell(self.run / path)

    def _behavior(self, llc: xr.Dataset) -> xr.Dataset:
        """Scores of the heads; of a series that was only tracked, none."""
        if self._paths("behavior"):
            return self._by_step("behavior")
        return xr.Dataset(coords={"step": llc.step, "component": llc.component})

    def _by_step(self, kind: str) -> xr.Dataset:
        cells = StoredCells(self.run, self._paths(kind))
        return join_steps({step: data for (step, _), data in cells.items()})

    def _modules(self) -> dict[str, FoundModules]:
        """Those that `somite modules` has added."""
        found = {}
        for components, listed in listed_modules(self.run).items():
            cells, through = listed["cells"], listed.get("through", {})
            found[components] = FoundModules(
                {int(step): read_cell(self.run / path) for step, path in cells.items()},
                {name: read_cell(self.run / path) for name, path in through.items()},
            )
        return found

    def _compression(self) -> xr.Dataset | None:
        """What `somite compress` has added."""
        cell = listed_compression(self.run)
        return None if cell is None else read_cell(self.run / cell)

    def _training(self) -> xr.Dataset:
        if "losses" in self.manifest["cells"]:
            return self._only("losses")
        folder = self.run / self.manifest["training"]
        if not (history := CheckpointSeries(folder).history()):
            remedy = "Run the study again; finished cells are kept."
            raise InputError("run", "must hold its checkpoints", str(folder), remedy)
        domains = list(history[0]["loss"])
        loss = np.array([[record["loss"][d] for d in domains] for record in history])
        train_loss = np.array([record["train_loss"] for record in history], dtype=float)
        return xr.Dataset(
            {"loss": (("step", "domain"), loss), "train_loss": ("step", train_loss)},
            coords={"step": [record["step"] for record in history], "domain": domains},
        )


def _step_and_data(place: str) -> tuple[int, str]:
    _, step, *data = place.split("-", 2)
    return int(step), data[0] if data else MIXTURE
