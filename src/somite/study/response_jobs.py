"""Jobs that record the losses of tokens: around a checkpoint, and without any loss, the control."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from somite.components import components
from somite.components.mask import Mask
from somite.core.fingerprint import fingerprint
from somite.core.random import stream_seed
from somite.data.config import MIXTURE
from somite.models.losses import next_token_loss
from somite.sampling import Record, Target, sample
from somite.sampling.draws import REFERENCE
from somite.study.cells import Cell
from somite.study.context import Context
from somite.study.jobs import (
    Job,
    Progress,
    chain_steps,
    place,
    sampled_identity,
    sampling_rows,
    sampling_settings,
)
from somite.study.recorded_cells import TEXT, write_losses

POSTERIOR, CONTROL = "posterior", "control"
PRECISION = "float16"
"""Of the stored losses: their noise is far above its 11 bits."""
CHAIN = ("batch_size", "chains", "burn_in", "draws", "probe_every", "seed")


def response_jobs(context: Context, step: int) -> dict[str, Job]:
    """Jobs that record all components at a checkpoint, and again without any loss."""
    settings, rows = response_settings(context), text_rows(context)
    masks = chosen_masks(context, settings["components"])
    base = sampled_identity(context, step, MIXTURE, masks, settings) | {
        "components": list(masks),
        "text": fingerprint(rows),
        "precision": PRECISION,
        "stacked": False,  # losses are recorded from one chain after another
    }
    jobs = {}
    for name, changed in ((POSTERIOR, {}), (CONTROL, _control(settings))):
        identity = base | {"settings": settings | changed}
        cell = Cell("losses", f"{place(step)}-{name}", identity)
        jobs[name] = Job(cell, step, cost=chain_steps(settings, len(masks)), do=record_losses)
    return jobs


def response_settings(context: Context) -> dict[str, Any]:
    """Sampler settings of recorded losses: those of the recipe, with other draws and probes."""
    own = asdict(context.recipe.response)
    changed = {"draws": own["draws"], "probe_rows": own["reference_rows"]}
    return sampling_settings(context, MIXTURE) | changed


def _control(settings: Mapping[str, Any]) -> dict[str, Any]:
    """What the control has of its own: no loss, and noise that is independent of the other's."""
    return {"n_beta": 0.0, "seed": stream_seed(settings["seed"], CONTROL)}


def chosen_masks(context: Context, which: str) -> dict[str, Mask]:
    """Components by a kind, a name or a pattern; several with commas."""
    model, found = context.new_model(), {}
    for name in (part.strip() for part in which.split(",")):
        found |= components(model, name)
    return found


def text_rows(context: Context) -> Tensor:
    """Rows whose tokens are recorded, domain after domain, see `text_domains`."""
    return torch.cat(list(_by_domain(context).values()))


def text_domains(context: Context) -> list[str]:
    """Domain of each of these rows."""
    return [name for name, rows in _by_domain(context).items() for _ in rows]


def _by_domain(context: Context) -> dict[str, Tensor]:
    count, seed = context.recipe.response.rows, context.recipe.behavior.seed
    return {name: context.rows(name, count, "validation", seed) for name in context.corpus.tokens}


def record_losses(job: Job, context: Context, progress: Progress) -> None:
    """Sample, and store the losses of all tokens as they come."""
    settings = job.cell.identity["settings"]
    same = settings | {"seed": context.recipe.sampling.seed}  # the control has the same rows
    rows = sampling_rows(context, same, MIXTURE).to(context.device)
    target = Target(next_token_loss, rows, settings["n_beta"], settings["localization"])
    masks = chosen_masks(context, settings["components"])

    def record(path: Path) -> None:
        sample(
            context.model(job.step),
            target,
            context.recipe.sampling.sampler(),
            components={name: masks[name] for name in job.cell.identity["components"]},
            probes={
                REFERENCE: rows[: settings["probe_rows"]],
                TEXT: text_rows(context).to(context.device),
            },
            record=Record(path, {TEXT: "token"}, precision=PRECISION),
            progress=progress,
            checkpoint=job.step,
            **{name: settings[name] for name in CHAIN},
        )

    write_losses(job.cell, context.run, record)
