"""Ablation of single heads: how much the loss rises when a head's own output is withheld.

Two stand-ins for the output of a head: its mean over rows, position by position ("mean"), and its
output on another row of the same domain ("resample").
"""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from somite.behavior.derangement import derangement
from somite.behavior.replacement import loss_changes
from somite.behavior.row_statistics import row_mean
from somite.behavior.rows import checked_rows, chunk_length, chunks
from somite.core.checks import one_of
from somite.core.errors import InputError
from somite.core.random import stream
from somite.models.transformer import Transformer, head_names

METHODS = ("mean", "resample")


@torch.no_grad()
def mean_outputs(model: Transformer, rows: Tensor) -> list[Tensor]:
    """Mean output of every head over the rows, position by position.

    Args:
        model: The model; left as it was.
        rows: The reference set, token ids (row, position).

    Returns:
        For each layer (head, position, d_model).

    Bad input:
        `InputError` if the rows do not fit the model.
    """
    rows = checked_rows(model, rows, least=1)
    sums: list[Tensor] = []
    for tokens in chunks(model.config, rows):
        parts = [output.sum(0, dtype=torch.float64) for output in model.trace(tokens).head_output]
        sums = [a + b for a, b in zip(sums, parts, strict=True)] if sums else parts
    return [(total / len(rows)).to(model.embed.dtype) for total in sums]


def mean_ablation_changes(model: Transformer, rows: Tensor) -> Tensor:
    """Rise of each token's loss when one head puts out its mean over these very rows.

    Args:
        model: The model; left as it was.
        rows: Token ids (row, position), at least two rows; the reference set of the mean too.

    Returns:
        Changes [nats] (component, row, position - 1); entry t-1 belongs to token t.

    Bad input:
        `InputError` if the rows do not fit the model.
    """
    rows = checked_rows(model, rows)
    means = mean_outputs(model, rows)
    return torch.cat([loss_changes(model, t, means) for t in chunks(model.config, rows)], dim=1)


@torch.no_grad()
def resample_ablation_changes(
    model: Transformer, rows: Tensor, generator: torch.Generator
) -> Tensor:
    """Rise of each token's loss when one head puts out what it does on another of the rows.

    Args:
        model: The model; left as it was.
        rows: Token ids (row, position), at least two rows.
        generator: Decides which row stands in for which (a derangement, the same for all heads).

    Returns:
        Changes [nats] (component, row, position - 1); entry t-1 belongs to token t.

    Bad input:
        `InputError` if the rows do not fit the model.
    """
    rows = checked_rows(model, rows)
    partners = rows[derangement(len(rows), generator).to(rows.device)]
    size = max(1, chunk_length(model.config, rows.shape[1]) // 2)  # two traces at once
    pairs = zip(torch.split(rows, size), torch.split(partners, size), strict=True)
    changes = [loss_changes(model, t, model.trace(other).head_output) for t, other in pairs]
    return torch.cat(changes, dim=1)


def ablation(
    model: Transformer,
    rows_by_domain: Mapping[str, Tensor],
    seed: int,
    methods: Sequence[str] = METHODS,
) -> xr.Dataset:
    """Rise of the loss of each domain when one head is ablated.

        loss_change = mean over rows and tokens of ( loss with the head ablated - loss )

    "mean": the head puts out its mean over all given rows of the domain at that position.
    "resample": it puts out what it does on another row of the domain.

    Args:
        model: The model; left as it was.
        rows_by_domain: For each domain its token ids (row, position), at least two rows.
        seed: Seed of the streams (seed, "resample", domain) that pick the other row.
        methods: Any of "mean" and "resample".

    Returns:
        Dataset over (method, domain, component): `loss_change` [nats per token] and its
        `standard_error` across rows, paired within the row. The error takes the stand-ins as
        given: it leaves out the noise of the mean and of the choice of partners.

    Raises:
        InputError: If there is no domain or method, a method is unknown or given twice, or rows
            do not fit the model.
    """
    _check_methods(methods)
    if not rows_by_domain:
        raise InputError("rows_by_domain", "must name at least one domain", {}, "Add one.")
    cells = [
        row_mean(_changes(model, rows, method, (seed, "resample", domain)).double().mean(-1))
        for method in methods
        for domain, rows in rows_by_domain.items()
    ]
    coords = {"method": list(methods), "domain": list(rows_by_domain)}
    shape = (len(methods), len(rows_by_domain), -1)
    columns = {
        name: (("method", "domain", "component"), _table([cell[part] for cell in cells], shape))
        for part, name in enumerate(("loss_change", "standard_error"))
    }
    return xr.Dataset(columns, {**coords, "component": list(head_names(model.config))})


def _table(columns: list[Tensor], shape: tuple[int, int, int]) -> np.ndarray:
    return torch.stack(columns).reshape(shape).cpu().numpy()


def _check_methods(methods: Sequence[str]) -> None:
    for method in methods:
        one_of("methods", method, METHODS)
    if not methods or len(set(methods)) < len(methods):
        rule, remedy = "must name at least one method, each once", f"Choose from {METHODS}."
        raise InputError("methods", rule, list(methods), remedy)


def _changes(model: Transformer, rows: Tensor, method: str, names: tuple[object, ...]) -> Tensor:
    if method == "mean":
        return mean_ablation_changes(model, rows)
    return resample_ablation_changes(model, rows, stream(*names))
