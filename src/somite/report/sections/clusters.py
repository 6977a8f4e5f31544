"""Clusters of tokens that components answer to alike, what they hold, and whether they stand."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from somite.report.layout import short_step
from somite.report.page import Block, ClusterViewer, Section, Table, not_measured, script_safe
from somite.report.sections.response_text import LEVELS, encoded
from somite.response.spectroscopy.survival import DISSOLVED, LEVEL

if TYPE_CHECKING:
    from somite.study.results import Results

KEY, TITLE = "clusters", "Clusters of tokens"
STATISTICS = {
    "clusters": "clusters",
    "coverage": "share of tokens in clusters",
    "conductance": "mean conductance, 1 outside clusters",
    "lowest": "lowest conductance",
}
NULLS = {"permuted": "each component's answers shuffled", "gaussian": "Gaussian, same covariance"}
METHODS = {"k_means": "k-means", "hdbscan": "HDBSCAN"}
NOTE = (
    "A token is a vector, its susceptibilities to all components, standardised; a cluster is a set "
    "of tokens that few edges to near tokens leave (conductance: the share that does). Choose one: "
    "below are the mean of its vectors and its tokens in the text, the deepest inside first. "
    "Stability: Jaccard similarity with the most similar cluster when draws are drawn again, mean "
    "± error of the mean. Without loss: the same in replicates of the control, whose weights are "
    "plain Gaussian noise. Better: share of pairs of replicates in which the cluster is found "
    "better with the loss. p: that vectors without clusters conduct as little, the larger of two "
    f"nulls. A cluster survives if its stability is at least {DISSOLVED}, better at least "
    f"{1 - LEVEL:.0%} and p at most {LEVEL}. k-means, HDBSCAN: similarity with the group of theirs "
    "that is most similar."
)


def section(results: Results) -> Section:
    """A browser of the clusters of the last checkpoint that has any, and what they rest on."""
    if not results.clusters:
        return not_measured(KEY, TITLE, "Clusters", "Clusters of tokens (`somite respond`)")
    table = results.clusters[max(results.clusters)]
    blocks: list[Block] = []
    if table.sizes["cluster"]:
        viewer = script_safe(json.dumps(packed(table)))
        blocks.append(ClusterViewer("clusters", "What is in a cluster", NOTE, viewer))
    return Section(KEY, TITLE, "Clusters", lead(table), (*blocks, *_tables(table)))


def lead(table: xr.Dataset) -> str:
    """How many clusters there are, and how many survive."""
    tokens, recorded = table.label.size, int(table.attrs["recorded"])
    step, count = short_step(table.attrs["step"]), table.sizes["cluster"]
    plain = int(table.control.sel(statistic="clusters"))
    part = ""
    if tokens < recorded:
        part = f" Clustered are {tokens:,} of the {recorded:,} recorded tokens, rows at random."
    if not count:
        return f"At step {step} {tokens:,} tokens are one cloud without clusters.{part}"
    survive = int(table.survives.sum())
    return (
        f"At step {step} {float(table.coverage):.0%} of {tokens:,} tokens lie in {count} "
        f"cluster{'s' * (count != 1)}; without loss there are {plain}. {survive} of {count} "
        f"survive{'s' * (survive == 1)} all controls.{part}"
    )


def numbers(table: xr.Dataset) -> dict[str, Any]:
    """Everything but what is said of single tokens, as plain numbers."""
    names = ("value", "error", "control", "control_p_value")
    statistics = {
        str(name): {key: float(table[key].sel(statistic=name)) for key in names}
        | {f"{null}_p_value": float(p) for null, p in _of(table.statistic_p_value, statistic=name)}
        for name in table.statistic.values
    }
    found = {
        "step": int(table.attrs["step"]),
        "tokens": int(table.label.size),
        "coverage": float(table.coverage),
        "survive": int(table.survives.sum()),
        "statistics": statistics,
        "clusters": [_cluster(table, i) for i in range(table.sizes["cluster"])],
    }
    if "ari" in table:
        found["agreement"] = {
            str(name): {key: float(table[key].sel(clustering=name)) for key in ("ari", "ami")}
            for name in table.clustering.values
        }
    return found


def packed(table: xr.Dataset) -> dict[str, Any]:
    """What the browser needs, ready for JSON: 6 bytes for each token."""
    groups = list(dict.fromkeys(str(name) for name in table.domain.values))
    used, ids = np.unique(table.token_id.values, return_inverse=True)
    return {
        "positions": table.sizes["position"],
        "vocabulary": [str(text) for text in table.text.values[used]],
        "ids": encoded(ids.astype("<u2")),
        "groups": groups,
        "group": encoded(np.array([groups.index(str(d)) for d in table.domain.values], "<u2")),
        "rows": table.example.values.tolist(),
        "label": encoded(table.label.values.astype("<i2")),
        "inside": encoded(np.rint(table.inside.values * LEVELS).astype(np.uint8)),
        "components": [str(name) for name in table.component.values],
        "clusters": numbers(table)["clusters"],
    }


def verdict(one: xr.Dataset) -> str:
    """Why a cluster does not survive; empty if it does.

    Args:
        one: The table at a cluster.
    """
    reasons = {
        "not stable": float(one.stability) < DISSOLVED,
        "as without loss": float(one.beyond_control) < 1 - LEVEL,
        "as in noise": float(one.null_p_value.max()) > LEVEL,
    }
    return ", ".join(reason for reason, found in reasons.items() if found)


def _cluster(table: xr.Dataset, number: int) -> dict[str, Any]:
    one, member = table.isel(cluster=number), table.label == number
    plain = ("conductance", "stability", "stability_error", "control_similarity", "beyond_control")
    words, counts = np.unique(table.token_id.values[:, 1:][member.values], return_counts=True)
    names = np.unique(table.domain.values)
    domain = xr.DataArray(
        table.domain.values == names[:, None], {"category": names}, ("category", "example")
    )
    return {
        "size": int(one["size"]),
        **{name: round(float(one[name]), 4) for name in plain},
        "null_p_value": round(float(one.null_p_value.max()), 4),
        **{str(name): round(float(v), 4) for name, v in _of(one.similarity)},
        "survives": bool(one.survives),
        "verdict": verdict(one),
        "kind": _mostly(table.category_member, member),
        "domain": _mostly(domain, member),
        "commonest": {
            "name": str(table.text.values[words[counts.argmax()]]),
            "share": round(float(counts.max() / counts.sum()), 4),
        },
        "mean": one["mean"].values.round(4).tolist(),
        "mean_error": one.mean_error.values.round(4).tolist(),
    }


def _of(values: xr.DataArray, **where: Any) -> list[tuple[Any, Any]]:
    """Values by name, along the one axis that is left."""
    left = values.sel(where)
    return list(zip(left[left.dims[0]].values.tolist(), left.values.tolist(), strict=True))


def _mostly(kinds: xr.DataArray, member: xr.DataArray) -> dict[str, Any]:
    """The kind that stands out most from all tokens, its share of the cluster and of all."""
    base = kinds.broadcast_like(member).mean(member.dims)
    share = (kinds & member).sum(member.dims) / member.sum()
    name = (share - base).idxmax("category").item()
    rounded = (round(float(values.sel(category=name)), 4) for values in (share, base))
    return dict(
        zip(("name", "share", "base"), (str(name).replace("_", " "), *rounded), strict=True)
    )


def _tables(table: xr.Dataset) -> list[Table]:
    """All clusters against the controls, and other clusterings."""
    rows = []
    for name, words in STATISTICS.items():
        one = table.sel(statistic=name)
        nulls = [
            f"{float(one.null_mean.sel(null=null)):.3g} ± {float(one.null_sd.sel(null=null)):.2g} "
            f"(p {float(one.statistic_p_value.sel(null=null)):.2g})"
            for null in NULLS
        ]
        own = f"{float(one.value):.3g} ± {float(one.error):.2g}"
        plain = f"{float(one.control):.3g} (p {float(one.control_p_value):.2g})"
        rows.append((words, own, plain, *nulls))
    note = (
        "± standard deviation over bootstrap replicates, of the nulls over their draws; p of the "
        "control two-sided, of the nulls one-sided."
    )
    heads = ("", "posterior", "control, no loss", *NULLS.values())
    found = [Table("All clusters against controls", heads, rows, note)]
    if "ari" in table:
        others = [
            (words, *(f"{float(table[n].sel(clustering=name)):.2f}" for n in ("ari", "ami")))
            for name, words in METHODS.items()
        ]
        note = "Of the same vectors: 1 the same groups, 0 as by chance. k-means is told how many."
        heads = ("", "adjusted Rand index", "adjusted mutual information")
        found.append(Table("Other methods", heads, others, note))
    return found
