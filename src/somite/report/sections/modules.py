"""Modules: which components share what they have learned, and whether other methods see it too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go
import xarray as xr

from somite.report.figures.maps import heat, plain_grid
from somite.report.figures.network import network_figure
from somite.report.findings import p_text
from somite.report.layout import label, short_step, styled
from somite.report.page import Chart, Section, Table, not_measured
from somite.report.palette import DIVERGING
from somite.report.roles import describe_group, roles
from somite.report.sections.through import METHODS, blocks, sentence

if TYPE_CHECKING:
    from somite.study.results import Results

KEY, TITLE = "modules", "Modules by interaction"
LEVEL = 0.05
HOVER = "<b>%{y} × %{x}</b><br>%{customdata}"


def section(results: Results) -> Section:
    """The last checkpoint at which interactions were measured."""
    if not results.modules:
        return not_measured(KEY, TITLE, "Modules", "Interaction (`somite modules`)")
    step, through = max(results.modules), results.through
    found = results.modules[step].copy()
    if through is not None and step in through.step:
        known = through.module.sel(step=step, component=found.component)
        if same_modules(found.label.values, known.values):
            found["label"] = "component", followed(known.values, through.sizes["identity"])
    network = Chart(
        "interaction-network",
        "Which heads interact",
        "Lines: interactions I = λ(A) + λ(B) − λ(A and B) that are no chance (q < 0.05 over all "
        "pairs), the wider the stronger. Orange: redundant, one can make up for the other; blue: "
        "both must move for the loss to change. Colour of a head: its module.",
        network_figure(found, LEVEL),
    )
    matrix = Chart(
        "interactions",
        "Interaction of every pair",
        "Heads in the order of their modules. ∗: q < 0.05. The label of a cell gives the error.",
        matrix_figure(found),
    )
    here = (network, matrix, _modules_table(found, results), _methods_table(found))
    if through is None:
        return Section(KEY, TITLE, "Modules", lead(found, step), here)
    said = f"{lead(found, step)} {sentence(through)}"
    return Section(KEY, TITLE, "Modules", said, (*here, *blocks(results, through)))


def same_modules(label: np.ndarray, identity: np.ndarray) -> bool:
    """Whether two partitions are the same, those alone being −1 in the second.

    They are not if a checkpoint was sampled again, with other settings, after the others.

    Example:
        >>> same_modules(np.array([0, 0, 1, 2]), np.array([5, 5, -1, -1]))
        True
    """
    alone = identity < 0
    together = (identity[:, None] == identity) & ~alone & ~alone[:, None]
    np.fill_diagonal(together, True)
    return bool((together == (label[:, None] == label)).all())


def followed(identity: np.ndarray, count: int) -> np.ndarray:
    """Labels by the identity of the modules, of which there are `count`; those alone come after.

    Example:
        >>> followed(np.array([2, -1, 2, -1]), 3).tolist()
        [2, 3, 2, 4]
    """
    alone = identity < 0
    return np.where(alone, count - 1 + alone.cumsum(), identity)


def lead(found: xr.Dataset, step: int) -> str:
    """How many modules, and whether they are more than chance."""
    off = int(found.attrs.get("remarks", 0))
    where = f" For {off} pairs the basin is not quadratic, and I may be negative." if off else ""
    return f"At step {short_step(step)}: {chance(found)}.{where}"


def chance(found: xr.Dataset) -> str:
    """The number of modules, and how surely there are any."""
    count, p_value = int(found.attrs["n_modules"]), float(found.p_value)
    verdict = "more than chance" if p_value < LEVEL else "no more than chance"
    return f"{count} modules, {verdict} ({p_text(p_value)})"


def members(found: xr.Dataset) -> Iterator[tuple[int, list[str], float]]:
    """Number, components and stability of each module."""
    labels, names = found.label.values, found.component.values
    for module in np.unique(labels):
        inside = labels == module
        stability = float(found.module_stability.values[inside][0])
        yield int(module) + 1, [str(n) for n in names[inside]], stability


def strongest(found: xr.Dataset) -> list[tuple[str, str, float, float, float]]:
    """Pairs with interaction, error and q, the strongest first."""
    names = [str(name) for name in found.component.values]
    rows, columns = np.triu_indices(len(names), 1)
    values = found.interaction.values[rows, columns]
    order = np.argsort(-np.nan_to_num(np.abs(values)))
    return [
        (
            names[rows[i]],
            names[columns[i]],
            float(values[i]),
            float(found.mcse.values[rows[i], columns[i]]),
            float(found.q_value.values[rows[i], columns[i]]),
        )
        for i in order
    ]


def matrix_figure(found: xr.Dataset) -> go.Figure:
    """Heat map of I, heads ordered by module."""
    order = np.argsort(found.label.values, kind="stable")
    ordered = found.isel(component=order, other=order)
    values, error = ordered.interaction.values, ordered.mcse.values
    names = [str(name) for name in ordered.component.values]
    said = np.char.add(np.char.mod("I = %.3g", values), np.char.mod(" ± %.2g", error))
    text = np.where(ordered.q_value.values < LEVEL, "∗", "")
    reach = float(np.nanmax(np.abs(values))) or 1.0
    cells = heat(values, names, names, HOVER, text)
    bar = {"title": {"text": "I"}, "thickness": 12, "outlinewidth": 0}
    cells.update(colorscale=DIVERGING, zmin=-reach, zmax=reach, colorbar=bar, customdata=said)
    height = 24 * len(names) + 100
    figure = styled(go.Figure(cells), height, margin={"l": 60, "r": 16, "t": 10, "b": 56})
    plain_grid(figure)
    figure.update_xaxes(title_text="head (layer:head)")
    figure.update_yaxes(title_text="head (layer:head)")
    return figure


def _modules_table(found: xr.Dataset, results: Results) -> Table:
    known = roles(results.behavior)
    rows = [
        [str(number), ", ".join(names), describe_group(names, known), f"{stability:.2f}"]
        for number, names, stability in members(found)
    ]
    note = (
        "Stability: how well a module comes back when chains and draws are resampled (Jaccard); "
        f"from 0.75 on it is stable. {label(found.attrs['note'])}"
    )
    return Table("Modules", ("module", "heads", "what they do", "stability"), rows, note)


def _methods_table(found: xr.Dataset) -> Table:
    rows = []
    for name in (str(name) for name in found.baseline.values):
        one = found.sel(baseline=name)
        rows.append(
            [
                METHODS.get(name, name),
                str(int(one.baseline_label.values.max()) + 1),
                p_text(float(one.baseline_p_value)),
                f"{float(one.ari):.2f}",
                p_text(float(one.ari_p_value)),
            ]
        )
    columns = ("method", "modules", "more than chance?", "ARI with ours", "agreement by chance?")
    note = (
        "Each method's own matrix, cut in the same way; its p repeats the search on random "
        "matrices of the same model with its weights shuffled within every tensor. "
        "ARI: 1 the same modules, 0 as chance; its p shuffles heads within layers."
    )
    return Table("What other methods find", columns, rows, note)
