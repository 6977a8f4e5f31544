"""How tokens move in the space of susceptibilities while the network learns."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import xarray as xr

from somite.report.figures.motion import motion_figure, seeds_figure
from somite.report.layout import short_step
from somite.report.page import Chart, Prose, Section, Table, not_measured
from somite.study.motion import NEAR

if TYPE_CHECKING:
    from somite.study.results import Results

KEY, TITLE = "motion", "How tokens move in training"
NO_UMAP = (
    'For pictures by UMAP beside the principal components install it, pip install "somite[umap]", '
    "and give `somite respond` again with more than 45 tokens."
)
SURE = 2.0
"""Errors above zero from which a motion is called one."""


def section(results: Results) -> Section:
    """Tokens on a plane over the checkpoints, and how far each kind of them moved."""
    if not results.motion:
        what = "Motion of tokens (`somite respond --steps 8`)"
        return not_measured(KEY, TITLE, "Motion", what)
    table = results.motion[max(results.motion)]
    note = (
        "A token is a vector, its susceptibilities to all components, standardised at each "
        "checkpoint; what all components have in common is taken out. Shown are the first two "
        "principal components of each checkpoint, turned towards the next, and UMAP where it is "
        "installed. Colour: what kind of "
        "token it is. Pictures of noise look much like this: what has moved is in the table."
    )
    chart = Chart("token-motion", "Tokens, checkpoint by checkpoint", note, motion_figure(table))
    return Section(KEY, TITLE, "Motion", lead(table), (chart, seeds(table), motion_table(table)))


def seeds(table: xr.Dataset) -> Chart | Prose:
    """Pictures by UMAP with several seeds, or how to have them."""
    if "umap_position" not in table:
        return Prose(NO_UMAP)
    note = (
        "Aligned UMAP of all checkpoints, at the last one; each turned as a whole towards the "
        f"first. Two of them share {float(table.umap_shared):.0%} of the {NEAR} nearest neighbours "
        "of a token. What differs between seeds is chance; all begin at the same spectral layout, "
        "so that what they share may be owed to it. Distances between far groups mean nothing."
    )
    return Chart("umap-seeds", "The same by UMAP, three seeds", note, seeds_figure(table))


def lead(table: xr.Dataset) -> str:
    """How much the picture shows, and what moved most."""
    tokens = table.sizes["example"] * table.sizes["token"]
    last = table.isel(checkpoint=-1)
    shares = zip(last.explained.values, last.explained_error.values, strict=True)
    axes = [f"{share:.0%} ± {error:.1%}" for share, error in shares]
    said = (
        f"{tokens:,} tokens at {table.sizes['checkpoint']} checkpoints. "
        f"At the last one the axes hold {axes[0]} and {axes[1]} of the variance. "
    )
    squares, errors = table.category_square, table.category_square_error
    sure = squares.where(squares > SURE * errors)
    if not bool(sure.notnull().any()):
        return f"{said}No kind of token moved by more than {SURE:g} errors."
    place = sure.argmax(("checkpoint", "category"))
    most = {str(axis): int(index) for axis, index in place.items()}
    before, after = (table.checkpoint.values[most["checkpoint"] - back] for back in (1, 0))
    name = str(table.category.values[most["category"]]).replace("_", " ")
    square, error = (float(values[most]) for values in (squares, errors))
    return (
        f"{said}The kind that moved most: {name}, between steps {short_step(before)} and "
        f"{short_step(after)}: {square:.2g} ± {error:.1g}."
    )


def motion_table(table: xr.Dataset) -> Table:
    """Mean squared displacement of every kind of token since the checkpoint before."""
    steps = [short_step(step) for step in table.checkpoint.values]
    heads = ("kind", "tokens", *(f"{a} → {b}" for a, b in pairwise(steps)))
    rows = []
    for name in table.category.values:
        one = table.sel(category=name)
        if not (count := int(one.category_member.sum())):
            continue
        pairs = zip(one.category_square.values, one.category_square_error.values, strict=True)
        cells = [f"{square:.2g} ± {error:.1g}" for square, error in pairs]
        rows.append((str(name).replace("_", " "), f"{count:,}", *cells[1:]))
    note = (
        "Mean square of the displacement between checkpoints, in spreads of a component over all "
        "tokens and checkpoints, with the noise of the draws taken out (it may be below zero where "
        "nothing moved); ± standard deviation over bootstrap replicates. A token may be of several "
        "kinds."
    )
    return Table("How far each kind of token moved", heads, rows, note)
