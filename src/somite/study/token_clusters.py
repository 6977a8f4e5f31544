"""Clusters of recorded tokens, beside a run without loss, vectors without clusters, and k-means."""

from collections.abc import Callable, Mapping

import numpy as np
import xarray as xr
from torch import Tensor

from somite.components.unions import FULL
from somite.core.fingerprint import code_fingerprint
from somite.core.random import stream_seed
from somite.response import (
    Conductance,
    bootstrap_susceptibility,
    cluster_agreement,
    cluster_contrast,
    cluster_null,
    cluster_stability,
    cluster_survival,
    susceptibility,
    token_categories,
    token_clusters,
)
from somite.response.spectroscopy.nulls import NULLS
from somite.response.vectors import standard_scale, standardized
from somite.study.analysis import ANALYSIS_ROWS, Planned
from somite.study.cells import Cell
from somite.study.context import Context
from somite.study.jobs import Job, place
from somite.study.recorded_cells import Losses, read_losses
from somite.study.response_jobs import CONTROL, POSTERIOR, text_domains, text_rows

LEAVE = "leave out"
MOST = 8000
"""Most tokens: they are clustered some sixty times, for errors, control and nulls."""
FEWEST = 10 * Conductance().neighbors
"""Fewest tokens: the neighbours of each are a tenth of all."""
FEWEST_COMPONENTS = 3
"""What they have in common is taken out; two would leave a line."""
REPLICATES, REPEATS = 10, 19
"""Of the bootstrap, and of each null: p can be 0.05."""
OF_CLUSTERING = ("ari", "ami", "ari_p_value", "similarity")
OF_NULL = ("null_mean", "null_sd", "statistic_p_value")


def clusters_cell(context: Context, step: int, jobs: Mapping[str, Job]) -> Planned:
    """Clusters of tokens at a checkpoint whose losses are recorded."""
    seed = context.recipe.stages.seed
    identity = {
        "losses": {name: job.cell.key for name, job in jobs.items()},
        "seed": seed,
        "code": code_fingerprint(*ANALYSIS_ROWS, "sampling", "response"),
    }

    def make() -> xr.Dataset:
        own, control = (
            read_losses(jobs[name].cell.path(context.run)) for name in (POSTERIOR, CONTROL)
        )
        tokenizer, domains = context.corpus.tokenizer, np.array(text_domains(context))
        tokens = text_rows(context)
        found = cluster_tables(own, control, tokens, lambda one: tokenizer.decode([one]), seed)
        texts = [tokenizer.token_text(token) for token in range(tokenizer.vocab_size)]
        named = found.assign(text=("id", texts), domain=("example", domains[found.example.values]))
        return named.assign_attrs(step=step, recorded=tokens[:, 1:].numel())

    return Planned(Cell("clusters", place(step), identity), make)


def can_cluster(context: Context, jobs: Mapping[str, Job]) -> bool:
    """Whether there are tokens and components enough for clusters."""
    names = set(jobs[POSTERIOR].cell.identity["components"]) - {FULL}
    tokens = text_rows(context)[:, 1:].numel()
    return tokens >= FEWEST and len(names) >= FEWEST_COMPONENTS


def cluster_tables(
    own: Losses, control: Losses, tokens: Tensor, text: Callable[[int], str], seed: int
) -> xr.Dataset:
    """Clusters of tokens that components answer to alike, and whether they stand.

    Chains that failed are left out, and so is the component named full. Of many tokens whole rows
    are drawn, without replacement.

    Args:
        own: Losses at draws around a checkpoint.
        control: The same at n_beta = 0, with another seed.
        tokens: Their rows (example, position).
        text: Text of a token by its number.
        seed: Of the rows, of the bootstrap and of the nulls.

    Returns:
        What `somite.token_clusters`, `somite.cluster_stability` and `somite.cluster_survival` say
        of the clusters; over (cluster, component) `mean`, the mean vector of its tokens, and
        `mean_error`, standard deviation over replicates; if there is a cluster, of
        `somite.cluster_agreement` `ari`, `ami`, `ari_p_value` (clustering) and `similarity`
        (clustering, cluster). Over statistic `value`, `error`, of the control `control` and
        `control_p_value`; over (null, statistic) `null_mean`, `null_sd`, `statistic_p_value`.
        `category_member` (category, example, token), `token_id` (example, position). The
        coordinate example says which rows were taken.

    Raises:
        InputError: As `somite.bootstrap_susceptibility` and `somite.token_clusters`.
    """
    rows = chosen_rows(len(tokens), tokens.shape[1] - 1, seed)
    (table, replicates), other = (_responses(losses, rows, seed) for losses in (own, control))
    clusters, plain = (
        cluster_stability(token_clusters(one), drawn) for one, drawn in ((table, replicates), other)
    )
    nulls = [cluster_null(table, kind=kind, repeats=REPEATS, seed=seed) for kind in NULLS]
    contrast = cluster_contrast(clusters, plain)
    parts = [
        clusters.drop_vars(["replicate_label", "replicate_mean"]),
        cluster_survival(clusters, plain, *nulls),
        _means(clusters, table, replicates),
        contrast.rename(p_value="control_p_value")[["control", "control_p_value"]],
        xr.concat(nulls, xr.Variable("null", list(NULLS)), combine_attrs="drop")
        .rename(p_value="statistic_p_value")[list(OF_NULL)],
    ]  # fmt: skip
    if clusters.sizes["cluster"]:
        agreement = cluster_agreement(table, clusters, seed=seed).rename(p_value="ari_p_value")
        parts.append(agreement[list(OF_CLUSTERING)])
    found = xr.merge(parts, combine_attrs="drop")
    ids = tokens.numpy()[rows]
    found["category_member"] = token_categories(table, ids, text)
    found["token_id"] = ("example", "position"), ids.astype(np.int32)
    return found.assign_coords(example=rows).assign_attrs(clusters.attrs)


def chosen_rows(count: int, length: int, seed: int) -> np.ndarray:
    """As many rows as hold the most tokens, drawn without replacement, in order.

    Example:
        >>> chosen_rows(4, 100, 0).tolist(), len(chosen_rows(1000, 100, 0))
        ([0, 1, 2, 3], 80)
    """
    generator = np.random.default_rng(stream_seed("clustered rows", seed))
    most = max(1, min(count, MOST // length))
    return np.sort(generator.choice(count, most, replace=False))


def _responses(losses: Losses, rows: np.ndarray, seed: int) -> tuple[xr.DataArray, xr.DataArray]:
    """χ to the tokens of some rows, without that of all weights, and its replicates."""
    draws, loss = losses.draws, losses.loss.isel(example=rows).load()
    found = susceptibility(draws, loss, errors=False, on_failure=LEAVE).susceptibility
    again = bootstrap_susceptibility(
        draws, loss, replicates=REPLICATES, seed=seed, on_failure=LEAVE
    )
    return found.sel(component=found.component != FULL).assign_attrs(draws.attrs), again


def _means(clusters: xr.Dataset, table: xr.DataArray, replicates: xr.DataArray) -> xr.Dataset:
    """Mean vectors of the tokens of every cluster, on the scale of the estimate."""
    items = clusters.label.dims
    scale = standard_scale(table, ("example", "token"))
    member = (clusters.label == clusters.cluster) / clusters["size"]
    own, drawn = (
        xr.dot(standardized(one.astype(float), scale), member, dim=items)
        for one in (table, replicates)
    )
    means = {"mean": own, "mean_error": drawn.std("replicate", ddof=1)}
    return xr.Dataset(means).transpose("cluster", "component")
