"""What the report reads out of results: heads, layers, groups, boundaries, stages."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from somite.development import stage_ends
from somite.estimators.verdict import GRADES

if TYPE_CHECKING:
    from somite.study.results import Results

VIEW_NAMES = {
    "curves_ward": "rLLC curves (Ward)",
    "curves_kmeans": "rLLC curves (k-means)",
    "behavior": "behaviour scores",
    "refined": "data-refined profiles",
}
MAIN_VIEW = "curves_ward"
NO_CURVE = "no whole curve"


@dataclass(frozen=True)
class Boundary:
    """A change between two stages: its step, 95 % interval, and how often it is found."""

    step: float
    low: float
    high: float
    support: float

    def __str__(self) -> str:
        """Step and interval in words.

        Example:
            >>> str(Boundary(412.3, 380.0, 447.6, 0.93))
            'step 412 (95 % interval 380 to 448)'
        """
        return f"step {self.step:.0f} (95 % interval {self.low:.0f} to {self.high:.0f})"


def heads(results: Results) -> list[str]:
    """Names of the components, in the order of the results."""
    return [str(name) for name in results.llc["component"].values]


def components_of(results: Results) -> str:
    """How the components were chosen."""
    settings = results.settings
    found = settings.get("components") or settings.get("sampling", {}).get("components", "heads")
    return str(found)


def tracked(results: Results) -> bool:
    """Whether these are of a series that was only tracked: any loss, and no behaviour measured."""
    return not results.behavior.data_vars


def steps(results: Results) -> list[int]:
    """Steps at which rLLCs were measured."""
    return [int(step) for step in results.llc["step"].values]


def failed_chains(results: Results) -> int:
    """Number of failed chains, those on single domains included."""
    tables = [results.llc, *([] if results.refined is None else [results.refined])]
    return sum(int(table["chains_failed"].sum()) for table in tables)


def verdict_counts(verdicts: xr.DataArray) -> str:
    """How many cells have which verdict, in words.

    Example:
        >>> verdict_counts(xr.DataArray(["good", "good", "don't use"]))
        "2 of 3 cells are good (67 %), 0 usable with care, 1 don't use"
    """
    grades = verdicts.values.astype(str)
    good, *others = (int((grades == grade).sum()) for grade in GRADES)
    rest = ", ".join(f"{n} {grade}" for n, grade in zip(others, GRADES[1:], strict=True))
    share = round(100 * good / grades.size)
    return f"{good} of {grades.size} cells are good ({share} %), {rest}"


def layer_of(head: str) -> str:
    """Layer of a component named layer:head.

    Example:
        >>> layer_of("1:7")
        '1'
    """
    return head.split(":", 1)[0]


def by_layer(names: list[str]) -> dict[str, list[str]]:
    """Components sorted into their layers, order kept; all in one if they name no layers.

    Example:
        >>> by_layer(["0:0", "0:1", "1:0"])
        {'0': ['0:0', '0:1'], '1': ['1:0']}
    """
    if not all(":" in name for name in names):
        return {"": names}
    layers: dict[str, list[str]] = {}
    for name in names:
        layers.setdefault(layer_of(name), []).append(name)
    return layers


def views(groups: xr.Dataset) -> list[str]:
    """Names of the views in which heads were grouped."""
    return [str(view) for view in groups["view"].values]


def view_name(view: str) -> str:
    """Name of a view for people.

    Example:
        >>> view_name("curves_ward"), view_name("other")
        ('rLLC curves (Ward)', 'other')
    """
    return VIEW_NAMES.get(view, view)


def main_view(groups: xr.Dataset) -> str:
    """The view that colours the report: Ward on the rLLC curves if it is there."""
    names = views(groups)
    return MAIN_VIEW if MAIN_VIEW in names else names[0]


def group_of(results: Results) -> dict[str, int]:
    """Group of each head in the main view, counted from 0.

    A head without a good chain at some checkpoint has no whole curve and is in no group; such
    heads come after the last one, see `group_title`.
    """
    known = _known_groups(results)
    return {name: known.get(name, max(known.values()) + 1) for name in heads(results)}


def group_title(results: Results, group: int) -> str:
    """What a group of `group_of` is called."""
    grouped = group <= max(_known_groups(results).values())
    return f"group {group + 1}" if grouped else NO_CURVE


def _known_groups(results: Results) -> dict[str, int]:
    labels = results.groups["label"].sel(view=main_view(results.groups))
    first = int(labels.min())
    return {
        str(name): int(labels.sel(component=name)) - first for name in labels["component"].values
    }


def boundaries(results: Results) -> list[Boundary]:
    """Stage boundaries in the order of training."""
    columns = ("position", "low", "high", "support")
    values = [results.stages[name].values.astype(float) for name in columns]
    return sorted((Boundary(*row) for row in zip(*values, strict=True)), key=lambda b: b.step)


def stage_spans(results: Results) -> list[tuple[float, float]]:
    """First and last step of each stage."""
    edges = [float(end) for end in stage_ends(results.stages)]
    return list(pairwise(edges))


def spread(values: np.ndarray, gap: float) -> np.ndarray:
    """Positions near the values that are at least `gap` apart, in the same order.

    Example:
        >>> spread(np.array([1.0, 1.0, 5.0]), 1.0).tolist()
        [0.5, 1.5, 5.0]
    """
    order = np.argsort(values, kind="stable")
    clusters: list[list[float]] = []  # each: wanted positions, to be laid out around their mean
    for value in values[order]:
        clusters.append([float(value)])
        while len(clusters) > 1 and _edge(clusters[-2], gap, 1) + gap > _edge(
            clusters[-1], gap, -1
        ):
            clusters[-2:] = [clusters[-2] + clusters[-1]]
    placed = [_edge(c, gap, -1) + gap * i for c in clusters for i in range(len(c))]
    result = np.empty(len(values))
    result[order] = placed
    return result


def _edge(cluster: list[float], gap: float, side: int) -> float:
    """Lowest (side -1) or highest (side 1) place of a cluster laid out around its mean."""
    return float(np.mean(cluster) + side * gap * (len(cluster) - 1) / 2)
