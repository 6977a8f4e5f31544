"""Fine-tuning of parts of a run's last checkpoint on text that was held out from training."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch
import xarray as xr

from somite.baselines import lesion_matrix, transformer_lesions
from somite.components import components
from somite.components.mask import Mask
from somite.components.unions import FULL, union
from somite.consequences import random_sets
from somite.consequences.transfer import DIMS, fine_tuned
from somite.core.fingerprint import code_fingerprint, fingerprint
from somite.data import training_batch
from somite.models.losses import next_token_loss
from somite.models.transformer import head_names
from somite.study.analysis import ANALYSIS_ROWS, Planned
from somite.study.cells import Cell, sweep_partial
from somite.study.context import Context
from somite.study.cost import clock, duration, run_missing
from somite.study.engine import Local
from somite.study.folder import (
    TRANSFER,
    claimed,
    listed_modules,
    listed_transfer,
    read_manifest,
    write_whole,
)
from somite.study.held_out import TransferConfig, held_out
from somite.study.jobs import THREADS, Job, Progress, made_with, place, sampling_job
from somite.study.lesions import found_modules
from somite.study.modules import make_cell
from somite.study.results import load_results
from somite.study.run import Silent, Watch
from somite.study.transfer_tables import WHOLE, Arms, head_table, transfer_tables

TRANSFER_ROWS = ("core", "components", "models", "sampling", "data", "consequences", "study")


def study_transfer(
    context: Context,
    domain: str,
    config: TransferConfig | None = None,
    workers: int | None = None,
    watch: Watch | None = None,
) -> str:
    """Train each module, random sets of its layers and size, layers and heads alone on new text.

    What is there already is used again; stopped at any moment, the same call goes on.

    Args:
        context: A run whose modules at the last checkpoint were measured.
        domain: A built-in domain that the run was not trained on, or a place of text files as in
            `data.texts` of a recipe.
        config: How; None for the defaults.
        workers: Jobs at once; None for one per core.
        watch: Is told of the cost before it is paid, and of the progress.

    Returns:
        The name under which `Results.transfer` has what was found.

    Raises:
        InputError: If the domain was in training or cannot be had, there are no modules of heads
            at the last checkpoint, or the run is in use or cannot be written.
    """
    watch, run = watch or Silent(), context.run
    config = config or TransferConfig()
    config = replace(config, rate=config.rate or context.recipe.training.learning_rate)
    name, corpus = held_out(context.corpus, domain)
    step, modules = found_modules(run, context.series.steps()[-1])
    arms = Arms.of(
        {f"{m.kind} module {m.number}": m.members for m in modules},
        list(head_names(context.new_model().config)),
        lambda m, layers: random_sets(m, layers, config.sets, context.recipe.behavior.seed),
    )
    with Local().start(workers, context.device) as runner, claimed(run, context.recipe.name):
        sweep_partial(run)
        folder = run / f"transfer-{name}-{corpus.fingerprint}"
        corpus.save(folder)
        refined = sampling_job(replace(context, corpus_folder=folder), step, name)
        jobs = {arm: _tuning(context, step, name, folder, arm_heads, config)
                for arm, arm_heads in arms.members.items()}  # fmt: skip
        different = list({job.cell.key: job for job in jobs.values()}.values())
        run_missing(different, context, runner, watch, "fine-tuning", _cost)
        if not refined.cell.exists(run):
            watch.phase(f"coefficients on {name}", float(refined.cost))
            runner.run([refined], replace(context, corpus_folder=folder), watch.advance)
        planned = _tables(context, name, config, arms, jobs, refined, folder)
        make_cell(planned, run, "transfer", watch)
        listed = listed_transfer(run) | {name: planned.cell.listed(run)}
        write_whole(run / TRANSFER, {"domains": listed})
    return name


def _tuning(
    context: Context,
    step: int,
    domain: str,
    folder: Path,
    heads: Sequence[str],
    config: TransferConfig,
) -> Job:
    """Job that trains some heads, a layer or all weights, once for each seed."""
    identity = {
        "weights": fingerprint(context.series.weights(step)),
        "corpora": [context.corpus.fingerprint, folder.name],
        "members": sorted(heads),
        "settings": {n: v for n, v in asdict(config).items() if n != "sets"},
        "row seed": context.recipe.behavior.seed,
        "device": context.device,
        "threads": THREADS,
        **made_with(*TRANSFER_ROWS),
    }
    named = f"{place(step, domain)}-{fingerprint(sorted(heads))}"
    return Job(Cell("transfer", named, identity), step, domain, config.seeds * config.steps, _tune)


def _tune(job: Job, context: Context, progress: Progress) -> None:
    """Train with the batches of each seed, and store the losses of all domains' rows."""
    identity, settings = job.cell.identity, TransferConfig(**job.cell.identity["settings"])
    new = replace(context, corpus_folder=context.run / identity["corpora"][1])
    model, seed = context.model(job.step), identity["row seed"]
    sources = {job.domain: new} | dict.fromkeys(context.corpus.tokens, context)
    rows = {name: of.rows(name, settings.rows, "validation", seed) for name, of in sources.items()}
    count = min(len(part) for part in rows.values())
    tests = torch.cat([part[:count] for part in rows.values()]).to(context.device)
    mask = _mask(context, identity["members"])
    assert settings.rate is not None  # the study fills it in
    found = []
    for number in range(settings.seeds):

        def batch(step: int, number: int = number) -> torch.Tensor:
            rows = training_batch(new.corpus, settings.batch_size, 0.0, number, step)
            progress(number * settings.steps + step, settings.seeds * settings.steps)
            return rows.to(context.device)

        losses = fine_tuned(model, next_token_loss, mask, batch, tests, settings.at, settings.rate,
                            settings.steps // 8)  # fmt: skip
        found.append(losses.reshape(len(settings.at), len(rows), count))
    coords = {"step": settings.at, "domain": list(rows)}
    columns = {"loss": (DIMS[1:], np.stack(found))}
    job.cell.write(context.run, xr.Dataset(columns, coords, {"weights": mask.size}))


def _mask(context: Context, members: Sequence[str]) -> Mask:
    model = context.new_model()
    return union([mask for name in members for mask in components(model, name).values()])


def _cost(context: Context, jobs: Sequence[Job], workers: int, what: str) -> str:
    """How long the fine-tuning takes, from a few steps of all weights."""
    model, settings = context.model(jobs[0].step), jobs[0].cell.identity["settings"]
    rows = training_batch(context.corpus, settings["batch_size"], 0.0, 0, 0).to(context.device)
    mask, spent = _mask(context, [FULL]), list[float]()
    now = clock(context.device)
    for steps in (1, 4):  # the first warms up
        start = now()
        fine_tuned(model, next_token_loss, mask, lambda _: rows, rows, [steps], settings["rate"])
        spent.append((now() - start) / (steps + 1))
    at_once, steps = min(workers, len(jobs)), sum(job.cost for job in jobs)
    taken = duration(steps * spent[-1] / at_once)
    return (
        f"{what} of {len(jobs)} parts: {steps:,} steps, about {taken} on {at_once} workers; "
        "stopped at any moment, the same command goes on"
    )


def _tables(
    context: Context,
    domain: str,
    config: TransferConfig,
    arms: Arms,
    jobs: dict[str, Job],
    refined: Job,
    folder: Path,
) -> Planned:
    """What was learned and forgotten by each part, and what predicts it."""
    cells = read_manifest(context.run)["cells"]
    identity = {
        "tuned": [job.cell.key for job in jobs.values()],
        "refined": refined.cell.key,
        "estimates": cells.get("refined_estimates"),
        "modules": listed_modules(context.run),
        "code": code_fingerprint(*ANALYSIS_ROWS, "consequences", "baselines"),
    }

    def make() -> xr.Dataset:
        run = context.run
        tuned = {arm: job.cell.read(run) for arm, job in jobs.items()}
        new = replace(context, corpus_folder=folder)
        rows = new.rows(domain, config.rows, "validation", context.recipe.behavior.seed)
        rows = rows.to(context.device)
        without = transformer_lesions(context.model(refined.step), {domain: rows})
        lesions = lesion_matrix(without, arms.heads)
        heads = head_table(refined.cell.read(run), load_results(run).refined, lesions)
        found = transfer_tables(tuned, arms, domain, config.early, heads)
        told = {"domain": domain, "rate": config.rate, "batch_size": config.batch_size}
        return found.assign_attrs(step=refined.step, whole=WHOLE, **told)

    return Planned(Cell("transfer_tables", f"{place(refined.step, domain)}", identity), make)
