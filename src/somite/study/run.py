"""A study from its recipe to its store: every step is found again or done, the manifest is last."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from somite.core.checks import at_least
from somite.core.fingerprint import code_fingerprint, fingerprint
from somite.core.threads import torch_threads
from somite.data.batches import training_batch
from somite.data.build import build_corpus
from somite.data.documents import texts_digest
from somite.study.analysis import (
    attention_cell,
    estimates_cell,
    groups_cell,
    refined_steps,
    stages_cell,
)
from somite.study.cells import Cell, sweep_partial
from somite.study.context import Context
from somite.study.engine import Engine, Local, Runner
from somite.study.folder import MANIFEST, claimed, read_manifest, write_whole
from somite.study.jobs import THREADS, Job, ablation_job, behavior_job, made_with, sampling_job
from somite.study.preflight import check_components, check_rows
from somite.study.provenance import provenance
from somite.study.recipe import Recipe
from somite.training import train

TRAINING_ROWS = ("core", "models", "data", "training")


class Watch(Protocol):
    """Who watches a study: told of each phase, of its progress and of what is worth saying."""

    def phase(self, name: str, total: float) -> None:
        """A phase of `total` units of work begins."""
        ...

    def advance(self, done: float, note: str = "") -> None:
        """So much of the phase is done."""
        ...

    def say(self, text: str) -> None:
        """A line for the user."""
        ...


class Silent:
    """Nobody watches."""

    def phase(self, name: str, total: float) -> None:
        """Ignore it."""

    def advance(self, done: float, note: str = "") -> None:
        """Ignore it."""

    def say(self, text: str) -> None:
        """Ignore it."""


@dataclass
class _Study:
    """A study on its way."""

    recipe: Recipe
    run: Path
    runner: Runner
    device: str
    watch: Watch
    seconds: dict[str, float] = field(default_factory=dict)
    cells: dict[str, dict[str, str]] = field(default_factory=dict)

    def timed(self, name: str, total: float, work: Callable[[], Any]) -> Any:
        """Do the work of a phase."""
        self.watch.phase(name, total)
        start = time.monotonic()
        result = work()
        self.seconds[name] = round(time.monotonic() - start, 1)
        self.watch.advance(total)
        return result

    def keep(self, cells: Sequence[Cell]) -> None:
        """Note cells for the manifest."""
        for cell in cells:
            self.cells.setdefault(cell.kind, {})[cell.place] = cell.listed(self.run)

    def do(self, name: str, jobs: Sequence[Job], context: Context) -> None:
        """Run the jobs whose cells are not there yet."""
        missing = [job for job in jobs if not job.cell.exists(self.run)]
        self._explain(name, missing, len(jobs))
        if missing:
            self._count(name, len(missing))
            cost, tell = float(sum(job.cost for job in missing)), self.watch.advance
            self.timed(name, cost, lambda: self.runner.run(missing, context, tell))
        self.keep([job.cell for job in jobs])

    def once(self, name: str, cell: Cell, make: Callable[[], Any]) -> None:
        """Compute one cell here, unless it is there."""
        if not cell.exists(self.run):
            with torch_threads(THREADS):
                self.timed(name, 1, lambda: cell.write(self.run, make()))
        self.keep([cell])

    def _count(self, name: str, jobs: int) -> None:
        """Say that some workers have nothing to do."""
        if (workers := self.runner.workers) > jobs:
            self.watch.say(f"{name}: jobs for {jobs} of {workers} workers, the others are idle")

    def _explain(self, name: str, missing: Sequence[Job], total: int) -> None:
        """Say what is reused, and which fields make the rest differ from what is stored."""
        if len(missing) < total:
            self.watch.say(f"{name}: {total - len(missing)} of {total} cells are there already")
        differing = {line for job in missing for line in job.cell.differing(self.run)}
        settings = sorted(line for line in differing if line.startswith("settings."))
        if settings or differing:
            shown = "; ".join(settings or sorted(d.split(":")[0] for d in differing))
            self.watch.say(f"{name}: computed anew, since this differs from the store: {shown}")


def run_study(
    recipe: Recipe,
    out: Path,
    workers: int | None = 1,
    device: str = "cpu",
    watch: Watch | None = None,
    engine: Engine | None = None,
) -> Path:
    """Run a study, or whatever of it is not in the folder yet.

    Killed at any moment and started again, it finishes with the same numbers.

    Args:
        recipe: What to do.
        out: Folder of the run: new, empty, or of this very study.
        workers: Jobs done at once; None for as many as the engine has room for. The numbers do
            not depend on it.
        device: Where models are trained, sampled and measured, "cpu" or "cuda".
        watch: Is told of the progress.
        engine: Where jobs run: processes of this machine, `Local()`, by default, or a cluster,
            `somite.study.cluster.Ray(...)`. The numbers do not depend on it.

    Returns:
        The folder.

    Raises:
        InputError: If a setting does not fit the model or the text, if the folder holds something
            else, is in use or cannot be written, if the disk is full, or if the engine cannot
            do the jobs.

    Example:
        >>> run_study(load_recipe("smoke"), Path("runs/smoke"))  # doctest: +SKIP
        PosixPath('runs/smoke')
    """
    if workers is not None:
        at_least("workers", workers, 1)
    check_components(recipe)
    with (engine or Local()).start(workers, device) as runner, claimed(out, recipe.name):
        _run(_Study(recipe, out, runner, device, watch or Silent()))
    return out


def train_study(
    recipe: Recipe, out: Path, device: str = "cpu", watch: Watch | None = None
) -> Context:
    """Only the text and the training of a study, which `run_study` would find done.

    Args:
        recipe: What to do.
        out: Folder of the run: new, empty, or of this very study.
        device: Where models are trained, "cpu" or "cuda".
        watch: Is told of the progress.

    Returns:
        Where everything is.

    Raises:
        InputError: As `run_study`.
    """
    check_components(recipe)
    with Local().start(1, device) as runner, claimed(out, recipe.name):
        return _trained(_Study(recipe, out, runner, device, watch or Silent()))


def _trained(study: _Study) -> Context:
    """Text and checkpoints."""
    sweep_partial(study.run)
    context = _prepare(study)
    check_rows(context)
    _train(study, context, study.recipe.steps)
    return context


def _run(study: _Study) -> None:
    recipe, run, context = study.recipe, study.run, _trained(study)
    steps = recipe.steps
    sampling = [sampling_job(context, step) for step in steps]
    study.do("sampling", sampling, context)
    estimates = estimates_cell(context, sampling)
    study.once("estimates", estimates.cell, estimates.make)
    stages = stages_cell(context, sampling)
    study.once("stages", stages.cell, stages.make)
    chosen = refined_steps(context, stages.cell.read(run), steps)
    domains = list(context.corpus.tokens)
    refined = [sampling_job(context, step, domain) for step in chosen for domain in domains]
    study.do("refined sampling", refined, context)
    on_domains = estimates_cell(context, refined)
    study.once("refined estimates", on_domains.cell, on_domains.make)
    behavior = [behavior_job(context, step) for step in steps]
    ablations = [ablation_job(context, step) for step in chosen]
    study.do("behavior", [*behavior, *ablations], context)
    groups = groups_cell(context, sampling, [j for j in refined if j.step == steps[-1]], behavior)
    study.once("groups", groups.cell, groups.make)
    attention = attention_cell(context, behavior[-1])
    study.once("attention", attention.cell, attention.make)
    _write_manifest(study, context)


def _prepare(study: _Study) -> Context:
    """Corpus and places of a study."""
    recipe, run = study.recipe, study.run
    made_from = {
        "data": recipe.data,
        "texts": texts_digest(recipe.data.texts.values()),
        "code": code_fingerprint("core", "data"),
    }
    corpus_folder = run / f"corpus-{fingerprint(made_from)}"
    if not corpus_folder.is_dir():
        corpus = study.timed("corpus", 1, lambda: build_corpus(recipe.data))
        corpus.save(corpus_folder)
    placeless = Context(run, recipe, corpus_folder, run, study.device)
    for domain, reason in placeless.corpus.left_out.items():
        remedy = f"remove {corpus_folder.name} to try again"
        study.watch.say(f"domain {domain} is left out: {reason} ({remedy})")
    series_folder = run / f"training-{fingerprint(_training_identity(placeless))}"
    return Context(run, recipe, corpus_folder, series_folder, study.device)


def _training_identity(context: Context) -> dict[str, Any]:
    """Everything that enters the checkpoints and the losses recorded with them."""
    recipe = context.recipe
    return {
        "corpus": context.corpus.fingerprint,
        "data": recipe.data,
        "model": recipe.model,
        "training": recipe.training,
        "checkpoints": recipe.checkpoints,
        "validation_rows": recipe.behavior.validation_rows,
        "device": context.device,
        **made_with(*TRAINING_ROWS),
    }


def _train(study: _Study, context: Context, steps: list[int]) -> None:
    config, corpus, series = study.recipe.training, context.corpus, context.series
    if series.steps() == steps:
        study.watch.say(f"training: {len(steps)} checkpoints are there already")
        return
    if series.steps():
        study.watch.say(f"training: goes on at step {series.steps()[-1]}")
    share = study.recipe.data.repeats_share
    rows = {
        domain: context.rows(
            domain, study.recipe.behavior.validation_rows, "validation", config.seed
        ).to(context.device)
        for domain in corpus.tokens
    }

    def batch(step: int) -> Any:
        rows = training_batch(corpus, config.batch_size, share, config.seed, step)
        return rows.to(context.device)

    def progress(step: int, loss: float) -> None:
        study.watch.advance(step, f"loss {loss:.2f}")

    def work() -> None:
        model = context.new_model().to(context.device)
        train(model, config, batch, series, steps, rows, progress)

    study.timed("training", config.steps, work)


def _write_manifest(study: _Study, context: Context) -> None:
    """Write what the study consists of; that this file is there says that it is finished.

    A study that was finished before keeps the record of how that went.
    """
    consists_of = {
        "settings": json.loads(json.dumps(study.recipe.plain())),
        "corpus": context.corpus_folder.name,
        "training": context.series_folder.name,
        "cells": study.cells,
    }
    if (study.run / MANIFEST).is_file():
        held = read_manifest(study.run)
        if all(held.get(name) == value for name, value in consists_of.items()):
            return
    how = provenance(context, study.seconds, study.runner.workers)
    write_whole(study.run / MANIFEST, {**consists_of, "provenance": how})
