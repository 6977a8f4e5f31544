"""How the components of a run answer to data at its checkpoints, beside a control without loss."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from somite.core.checks import one_of
from somite.core.fingerprint import code_fingerprint
from somite.study.analysis import ANALYSIS_ROWS, Planned
from somite.study.cells import Cell, sweep_partial
from somite.study.context import Context
from somite.study.cost import run_missing
from somite.study.engine import Local
from somite.study.folder import RESPONSE, claimed, listed_response, write_whole
from somite.study.jobs import Job, place
from somite.study.modules import make_cell
from somite.study.motion import can_move, motion_cell
from somite.study.recorded_cells import read_losses
from somite.study.response_jobs import CONTROL, POSTERIOR, response_jobs, text_domains, text_rows
from somite.study.response_tables import response_tables
from somite.study.run import Silent, Watch
from somite.study.token_clusters import can_cluster, clusters_cell

Jobs = Mapping[str, Job]


def study_response(
    context: Context, steps: Sequence[int], workers: int | None = None, watch: Watch | None = None
) -> Path:
    """Record losses of tokens at some checkpoints, and without loss; take susceptibilities of them.

    At the last of them also clusters of tokens; at several how tokens move from one to the next.
    What is there already is used again; stopped at any moment, the same call goes on.

    Args:
        context: A run whose training is done.
        steps: Checkpoints.
        workers: Jobs at once; None for one per core.
        watch: Is told of the cost before it is paid, and of the progress.

    Returns:
        The file that lists the results.

    Raises:
        InputError: If a step is no checkpoint, chains fail, or the run is in use or cannot be
            written.
    """
    watch, run = watch or Silent(), context.run
    recorded = record_all(context, steps, workers, watch)
    with claimed(run, context.recipe.name):
        made = {}
        for step, jobs in recorded.items():
            planned = response_cell(context, step, jobs)
            make_cell(planned, run, f"responses at step {step}", watch)
            made[str(step)] = planned.cell.listed(run)
        losses = {
            str(step): {name: job.cell.listed(run) for name, job in jobs.items()}
            for step, jobs in recorded.items()
        }
        motion, clusters = {}, {}
        last = max(recorded)
        if can_cluster(context, recorded[last]):
            planned = clusters_cell(context, last, recorded[last])
            make_cell(planned, run, f"clusters of tokens at step {last}", watch)
            clusters[str(last)] = planned.cell.listed(run)
        if can_move(recorded):
            planned = motion_cell(context, recorded)
            make_cell(planned, run, "motion of tokens", watch)
            motion[str(last)] = planned.cell.listed(run)
        parts: dict[str, dict[str, Any]] = {"cells": made, "losses": losses}
        list_response(run, parts | {"motion": motion, "clusters": clusters})
    return run / RESPONSE


def record_all(
    context: Context, steps: Sequence[int], workers: int | None, watch: Watch
) -> dict[int, Jobs]:
    """Record the losses at all steps that are not there yet.

    Raises:
        InputError: If a step is no checkpoint.
    """
    run = context.run
    for step in steps:
        one_of("step", str(step), [str(known) for known in context.series.steps()])
    with Local().start(workers, context.device) as runner, claimed(run, context.recipe.name):
        sweep_partial(run)
        jobs: dict[int, Jobs] = {step: response_jobs(context, step) for step in steps}
        every = [job for part in jobs.values() for job in part.values()]
        run_missing(every, context, runner, watch, "losses of tokens")
    return jobs


def list_response(run: Path, parts: Mapping[str, Mapping[str, Any]]) -> None:
    """Add to what is listed by step in each part."""
    known = ("cells", "losses", "influence", "motion", "clusters")
    content = {part: listed_response(run, part) | dict(parts.get(part, {})) for part in known}
    write_whole(run / RESPONSE, content)


def response_cell(context: Context, step: int, jobs: Jobs) -> Planned:
    """Susceptibilities of all components at a checkpoint."""
    replicates, seed = context.recipe.response.replicates, context.recipe.stages.seed
    identity = {
        "losses": {name: job.cell.key for name, job in jobs.items()},
        "replicates": replicates,
        "seed": seed,
        "code": code_fingerprint(*ANALYSIS_ROWS, "sampling", "response"),
    }

    def make() -> xr.Dataset:
        own, control = (
            read_losses(jobs[name].cell.path(context.run)) for name in (POSTERIOR, CONTROL)
        )
        domains = text_domains(context)
        table = response_tables(own, control, domains, replicates, seed)
        return xr.merge([table, text_of(context)]).assign_attrs(table.attrs | {"step": step})

    return Planned(Cell("response", place(step), identity), make)


def text_of(context: Context) -> xr.Dataset:
    """The rows: `token_id` (example, position), and the `text` of each token (id,)."""
    tokenizer, rows = context.corpus.tokenizer, text_rows(context)
    texts = [tokenizer.token_text(token) for token in range(tokenizer.vocab_size)]
    ids = rows.numpy().astype(np.int32)
    return xr.Dataset({"token_id": (("example", "position"), ids), "text": ("id", texts)})
