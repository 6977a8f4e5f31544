"""Influences between the examples of a run, from the losses that `study_response` records."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import xarray as xr

from somite.core.checks import at_least
from somite.core.fingerprint import code_fingerprint
from somite.study.analysis import ANALYSIS_ROWS, Planned
from somite.study.cells import Cell
from somite.study.context import Context
from somite.study.folder import RESPONSE, claimed
from somite.study.influence_tables import influence_tables
from somite.study.jobs import place
from somite.study.modules import make_cell
from somite.study.recorded_cells import read_losses
from somite.study.response import Jobs, list_response, record_all, text_of
from somite.study.response_jobs import CONTROL, POSTERIOR, text_domains
from somite.study.run import Silent, Watch

QUERIES, COUNT = 12, 10


def study_influence(
    context: Context,
    step: int,
    queries: int = QUERIES,
    count: int = COUNT,
    workers: int | None = None,
    watch: Watch | None = None,
) -> Path:
    """Find the largest influences on some examples at a checkpoint; record losses if need be.

    Args:
        context: A run whose training is done.
        step: Checkpoint.
        queries: Number of examples asked about, spread evenly over all domains.
        count: Influences on each.
        workers: Jobs at once, if losses have to be recorded; None for one per core.
        watch: Is told of the cost before it is paid, and of the progress.

    Returns:
        The file that lists the results.

    Raises:
        InputError: As `somite.study.response.study_response`, or if a number is below 1.
    """
    at_least("queries", queries, 1)
    at_least("count", count, 1)
    watch = watch or Silent()
    jobs = record_all(context, [step], workers, watch)[step]
    with claimed(context.run, context.recipe.name):
        planned = influence_cell(context, step, jobs, queries, count)
        make_cell(planned, context.run, f"influences at step {step}", watch)
        losses = {name: job.cell.listed(context.run) for name, job in jobs.items()}
        listed = {str(step): planned.cell.listed(context.run)}
        list_response(context.run, {"influence": listed, "losses": {str(step): losses}})
    return context.run / RESPONSE


def influence_cell(context: Context, step: int, jobs: Jobs, queries: int, count: int) -> Planned:
    """Influences of all components at a checkpoint."""
    identity = {
        "losses": {name: job.cell.key for name, job in jobs.items()},
        "queries": queries,
        "count": count,
        "code": code_fingerprint(*ANALYSIS_ROWS, "sampling", "response"),
    }

    def make() -> xr.Dataset:
        own, control = (
            read_losses(jobs[name].cell.path(context.run)) for name in (POSTERIOR, CONTROL)
        )
        domains = text_domains(context)
        found = influence_tables(own, control, spread(domains, queries), count)
        found["domain"] = "row", domains
        text = text_of(context).rename(example="row")
        return xr.merge([found, text]).assign_attrs(found.attrs | {"step": step})

    return Planned(Cell("influence", place(step), identity), make)


def spread(domains: Sequence[str], count: int) -> list[int]:
    """So many examples, by turns from each domain, the first ones of each.

    Example:
        >>> spread(["a", "a", "a", "b", "b"], 3)
        [0, 1, 3]
    """
    order = np.zeros(len(domains), dtype=int)
    for name in set(domains):
        here = [i for i, domain in enumerate(domains) if domain == name]
        order[here] = np.arange(len(here))
    chosen = np.argsort(order, kind="stable")[:count]
    return sorted(int(i) for i in chosen)
