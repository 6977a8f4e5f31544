"""Modules: which components belong together, in two ways, and whether other methods see it too."""

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
from somite.report.page import Block, Chart, Prose, Section, Table, not_measured
from somite.report.palette import DIVERGING
from somite.report.roles import describe_group, roles
from somite.report.sections.through import METHODS, blocks, sentence
from somite.report.words import axis, plural, singular

if TYPE_CHECKING:
    from somite.study.results import FoundModules, Results

KEY, TITLE = "modules", "Modules by interaction"
LEVEL = 0.05
HOVER = "<b>%{y} × %{x}</b><br>%{customdata}"
MEANING = {
    "redundant": ("one can make up for the other", "I above zero: they share directions"),
    "cooperating": ("both must move for the loss to change", "I below zero: circuits in series"),
}
"""What it means that two components are joined in a kind of modules."""


def sections(results: Results) -> list[Section]:
    """A section for each set of components whose interactions were measured."""
    if not results.modules:
        return [not_measured(KEY, TITLE, "Modules", "Interaction (`somite modules`)")]
    made = []
    for number, (chosen, found) in enumerate(results.modules.items(), start=1):
        key = KEY if number == 1 else f"{KEY}-{number}"
        short = "Modules" if number == 1 else f"Modules: {plural(chosen)}"
        made.append(_section(results, found, chosen, (key, short)))
    return made


def _section(
    results: Results, modules: FoundModules, chosen: str, names: tuple[str, str]
) -> Section:
    """The last checkpoint at which interactions of a set of components were measured."""
    step, (key, short) = max(modules.by_step), names
    found = modules.by_step[step]
    shown: list[Block] = []
    for relation in (str(name) for name in found.relation.values):
        one = _numbered(found.sel(relation=relation), modules.through.get(relation), step)
        shown += [_network(one, key, chosen), _modules_table(one, results, chosen)]
    shown += [_matrix(found, key, chosen), _methods(found)]
    for through in modules.through.values():
        shown += blocks(results, through, key)
    said = " ".join([lead(found, step), *map(sentence, modules.through.values())])
    return Section(key, f"{TITLE}: {plural(chosen)}", short, said, shown)


def _numbered(one: xr.Dataset, through: xr.Dataset | None, step: int) -> xr.Dataset:
    """One kind of modules, each with the number that it has through time, where it has one."""
    if through is not None and step in through.step:
        known = through.module.sel(step=step, component=one.component)
        if same_modules(one.label.values, known.values):
            numbers = followed(known.values, through.sizes["identity"])
            return one.assign(label=("component", numbers))
    return one


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
    """How many modules of each kind, and whether they are more than chance."""
    kinds = [found.sel(relation=relation) for relation in found.relation.values]
    off = int(found.attrs.get("remarks", 0))
    where = (
        f" For {off} pairs the basin is not quadratic: there I may be below zero though two "
        "components share directions."
        if off
        else ""
    )
    return f"At step {short_step(step)}: {'; '.join(map(chance, kinds))}.{where}"


def chance(one: xr.Dataset) -> str:
    """The number of modules of a kind, and how surely there are any."""
    relation, p_value = str(one.relation.item()), float(one.p_adjusted)
    count = int((np.unique(one.label.values, return_counts=True)[1] > 1).sum())
    noun = f"{relation} module{'' if count == 1 else 's'}"
    verdict = "more than chance" if p_value < LEVEL else "no more than chance"
    return f"{count or 'no'} {noun}, {verdict} ({p_text(p_value)})"


def members(one: xr.Dataset) -> Iterator[tuple[int, list[str], float]]:
    """Number, components and stability of each module of a kind."""
    labels, names = one.label.values, one.component.values
    for module in np.unique(labels):
        inside = labels == module
        stability = float(one.module_stability.values[inside][0])
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


def _network(one: xr.Dataset, key: str, chosen: str) -> Chart:
    relation, noun = str(one.relation.item()), singular(chosen)
    means, sign = MEANING[relation]
    return Chart(
        f"{key}-network-{relation}",
        f"Which {plural(chosen)} are {relation}: {means}",
        f"Lines: interactions I = λ(A) + λ(B) − λ(A and B) that are no chance (q < {LEVEL:g} over "
        f"all pairs), and {sign}; the wider the stronger. Colour of a {noun}: its "
        f"module, pale where that is not stable or may be chance; grey: alone. "
        f"{chance(one).capitalize()}.",
        network_figure(one, LEVEL, noun),
    )


def _matrix(found: xr.Dataset, key: str, chosen: str) -> Chart:
    surest = str(found.p_value.idxmin("relation").item())
    return Chart(
        f"{key}-interactions",
        "Interaction of every pair",
        f"In the order of the {surest} modules. Orange: above zero; blue: below. ∗: q < {LEVEL:g}. "
        "The label of a cell gives the error.",
        matrix_figure(found.sel(relation=surest), chosen),
    )


def matrix_figure(one: xr.Dataset, chosen: str) -> go.Figure:
    """Heat map of I, components ordered by module."""
    order = np.argsort(one.label.values, kind="stable")
    ordered = one.isel(component=order, other=order)
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
    figure.update_xaxes(title_text=axis(chosen))
    figure.update_yaxes(title_text=axis(chosen))
    return figure


def _modules_table(one: xr.Dataset, results: Results, chosen: str) -> Table:
    known, relation = roles(results.behavior), str(one.relation.item())
    found = list(members(one))
    rows = [
        [str(number), ", ".join(names), describe_group(names, known), f"{stability:.2f}"]
        for number, names, stability in found
        if len(names) > 1
    ]
    if alone := [names[0] for _, names, _ in found if len(names) == 1]:
        rows.append(["–", ", ".join(alone), "in no module", "–"])
    note = (
        f"{chance(one).capitalize()}. p: how often the same search finds a modularity as large "
        "where interactions are shuffled among pairs within layers and types, adjusted for the two "
        "kinds of modules (Holm). Stability: how well a module comes back when chains and draws "
        f"are resampled (Jaccard); from 0.75 on it is stable. {label(one.note.item())}"
    )
    columns = ("module", plural(chosen, short=True), "what they do", "stability")
    return Table(f"{relation.capitalize()} modules", columns, rows, note.rstrip())


def _methods(found: xr.Dataset) -> Block:
    if "ari" not in found:
        return Prose("Other methods are compared on heads; among these components are too few.")
    kinds = [str(name) for name in found.relation.values]
    rows = [
        [METHODS.get(str(name), str(name)), *_method(found.sel(baseline=name), kinds)]
        for name in found.baseline.values
    ]
    heads = found.sizes["head"]
    left = f" On the {heads} heads alone." if heads < found.sizes["component"] else ""
    compared = [c for kind in kinds for c in (f"ARI with {kind} modules", "by chance?")]
    note = (
        "Each method's own matrix, cut in the same way; its p repeats the search on random "
        "matrices of the same model with its weights shuffled within every tensor. ARI: 1 the "
        f"same modules, 0 as chance; its p shuffles heads within layers.{left}"
    )
    columns = ("method", "modules", "more than chance?", *compared)
    return Table("What other methods find", columns, rows, note)


def _method(one: xr.Dataset, kinds: list[str]) -> list[str]:
    cells = [str(int(one.baseline_label.values.max()) + 1), p_text(float(one.baseline_p_value))]
    for kind in kinds:
        here = one.sel(relation=kind)
        cells += [f"{float(here.ari):.2f}", p_text(float(here.ari_p_value))]
    return cells
