"""How components answer to domains and along which directions, beside a control without loss."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from somite.core.errors import InputError
from somite.modularity import separation
from somite.modularity.groups import layer_types
from somite.report.figures.response import (
    SHOWN,
    loadings_figure,
    matrix_figure,
    singular_figure,
)
from somite.report.findings import p_text
from somite.report.layout import short_step
from somite.report.page import Chart, Prose, Section, Table, not_measured
from somite.report.roles import Role, roles

if TYPE_CHECKING:
    from somite.study.results import Results

KEY, TITLE = "response", "How components answer to data"
LEVEL = 0.05
KNOWN = ("previous_token", "induction")
NAMES = {
    "posterior": "posterior",
    "control": "control, no loss",
    "shuffled": "posterior, tokens shuffled",
}
TESTED = ("posterior", "control")


def section(results: Results) -> Section:
    """The last checkpoint at which losses of tokens were recorded."""
    if not results.response:
        return not_measured(KEY, TITLE, "Response", "Susceptibility (`somite respond`)")
    table = last(results)
    kinds = {name: role.name for name, role in known_roles(results).items()}
    matrix = Chart(
        "response-matrix",
        "Susceptibility of every component to every domain",
        "χ = −Cov(loss on the mixture, loss on the domain − loss on the mixture) while the "
        "component alone moves. Blue: the component expresses the domain, it lowers its loss where "
        "it lowers its own; orange: it suppresses it. ∗: differs from the control, which has no "
        "loss and is scaled to fit (q < 0.05 over all cells). Labels give errors and the control.",
        matrix_figure(table, LEVEL),
    )
    singular = Chart(
        "response-singular-values",
        "Directions of the response matrix over all tokens",
        "Singular values ± bootstrap errors of the standardised matrix component × token. The "
        "control is a plain Gaussian around the center. Grey: tokens shuffled for every component "
        "apart, nothing in common. Structure is owed to the posterior only where it stands off "
        "from both.",
        singular_figure(table),
    )
    loadings = Chart(
        "response-loadings",
        "Loadings of the components",
        "± bootstrap errors; signs are free, those of the control are turned to fit. Where two "
        "singular values lie closer than their errors, directions mix and errors are large.",
        loadings_figure(table, kinds),
    )
    blocks = (matrix, singular, _modes(table), loadings, _tests(results), _trust(table))
    return Section(KEY, TITLE, "Response", " ".join(sentences(results)), blocks)


def last(results: Results) -> xr.Dataset:
    """Responses of the last checkpoint that has any."""
    return results.response[max(results.response)]


def known_roles(results: Results) -> dict[str, Role]:
    """Previous-token and induction heads at that checkpoint, among its components."""
    table = last(results)
    behavior = results.behavior
    if "step" not in behavior.dims:
        return {}
    until = behavior.sel(step=slice(None, int(table.attrs["step"])))
    found = roles(until) if until.sizes["step"] else {}
    names = {str(name) for name in table.component.values}
    return {n: role for n, role in found.items() if role.score in KNOWN and n in names}


def separated(results: Results) -> dict[str, xr.Dataset]:
    """By run, how far heads of known roles lie apart; empty where that cannot be told."""
    table, known = last(results), known_roles(results)
    names = [str(name) for name in table.component.values]
    kinds = [known[name].score if name in known else "" for name in names]
    modes = table.loading.isel(mode=slice(min(SHOWN, len(names) - 1)))
    seed = int(table.attrs["seed"])
    try:
        return {
            run: separation(modes.sel(run=run, drop=True), kinds, layer_types(names), seed)
            for run in TESTED
        }
    except InputError:  # all of one kind within every layer
        return {}


def measured(results: Results) -> str:
    """What was measured, in a line."""
    table = last(results)
    tokens = table.sizes["example"] * table.sizes["token"]
    return (
        f"Susceptibilities of {table.sizes['component']} components to {tokens:,} tokens of "
        f"{table.sizes['group']} domains, {_draws(table)} draws in {table.attrs['chains']} chains, "
        "and as many without any loss."
    )


def _draws(table: xr.Dataset) -> int:
    """Draws of the losses in all chains."""
    attrs = table.attrs
    return -(-int(attrs["draws"]) // int(attrs["probe_every"])) * int(attrs["chains"])


def sentences(results: Results) -> list[str]:
    """What was found, in words."""
    table = last(results)
    step, cells = int(table.attrs["step"]), table.domain_control_q
    beyond = int((cells < LEVEL).sum())
    first = (
        f"At step {short_step(step)}, {beyond} of {cells.size} answers of components to domains "
        "differ from the control by more than a factor."
    )
    return [first, _shared(table), _rank(table), _apart(results)]


def _shared(table: xr.Dataset) -> str:
    correlation = table.control_correlation.values
    if not np.isfinite(correlation).any():
        return "Answers to tokens are too noisy to be compared with those of the control."
    middle, known = float(np.nanmedian(correlation)), int(np.isfinite(correlation).sum())
    return (
        f"Over the tokens, χ correlates with that of the control at {middle:.2f} (freed of noise; "
        f"median of the {known} of {correlation.size} components where noise leaves anything): so "
        "much of it is there without any loss."
    )


def _rank(table: xr.Dataset) -> str:
    parts = [
        f"{float(table.effective_rank.sel(run=run)):.1f} ± "
        f"{float(table.effective_rank_error.sel(run=run)):.1f} ({run})"
        for run in NAMES
    ]
    return f"Effective rank of the matrix: {', '.join(parts)}."


def _apart(results: Results) -> str:
    """The permutation test in words."""
    known, found = known_roles(results), separated(results)
    if not known:
        return "No head is a previous-token or induction head, so that none can be told apart."
    heads = ", ".join(f"{name} ({role.name})" for name, role in known.items())
    if not found:
        return f"Heads of known roles ({heads}) have no others in their layers to lie apart from."
    p_value, control = (float(found[run].p_any) for run in ("posterior", "control"))
    verb = "lie apart" if p_value < LEVEL else "do not lie apart"
    return (
        f"Heads of known roles ({heads}) {verb} from the others along one of the first "
        f"{found['posterior'].sizes['mode']} directions ({p_text(p_value)} by permutation within "
        f"layers; in the control {p_text(control)})."
    )


def _modes(table: xr.Dataset) -> Table:
    """Singular values in numbers."""
    rows = []
    for mode in range(min(table.sizes["mode"] - 1, 2 * SHOWN)):
        one = table.isel(mode=mode)
        values = [
            f"{float(one.singular_value.sel(run=run)):.3g} ± "
            f"{float(one.singular_value_error.sel(run=run)):.2g}"
            for run in NAMES
        ]
        own = one.sel(run="posterior")
        more = f"{float(own.explained):.0%}", f"{float(own.overlap):.2f}"
        rows.append((str(mode + 1), *values, f"{float(one.singular_value_q):.2g}", *more))
    heads = ("direction", *NAMES.values(), "q of the difference", "explained", "overlap")
    note = (
        "q: posterior against control, singular values of the same place. Explained: share of the "
        "squares. Overlap: how far a direction is the same in all bootstrap replicates, 1 for "
        "always; loadings mean nothing where it is low."
    )
    return Table("Singular values", heads, rows, note)


def _tests(results: Results) -> Table | Prose:
    """The permutation test in numbers."""
    if not (found := separated(results)):
        return Prose("No layer holds heads of known roles beside others.")
    rows = []
    for run, one in found.items():
        shares = zip(one.between.values, one.p_value.values, strict=True)
        cells = [f"{share:.2f} ({p_text(p)})" for share, p in shares]
        rows.append((NAMES[run], *cells, p_text(float(one.p_any))))
    count = found["posterior"].sizes["mode"]
    heads = ("", *(f"direction {i + 1}" for i in range(count)), "any of them")
    note = (
        "Share of the variance of loadings within layers that lies between previous-token heads, "
        "induction heads and others; p by permuting these names within layers. The last column "
        "allows for looking at several directions."
    )
    return Table("Do heads of known roles lie apart?", heads, rows, note)


def _trust(table: xr.Dataset) -> Table:
    """What the numbers rest on."""
    attrs, z = table.attrs, table.control_z.values
    tokens = table.sizes["example"] * table.sizes["token"]
    away = f"{np.nanmax(np.abs(z)):.1f} errors" if np.isfinite(z).any() else "not known"
    rows = [
        (
            "tokens × components × draws",
            f"{tokens:,} × {table.sizes['component']} × {_draws(table)}",
        ),
        ("n_beta, localization", f"{attrs['n_beta']:g}, {attrs['localization']:g}"),
        (
            "chains left out (posterior, control)",
            ", ".join(map(str, table.chains_failed.values[:2])),
        ),
        ("largest deviation of the control from its closed form", away),
        *(
            (f"false positives among {what}: p ≤ 0.05, q ≤ 0.05", _false(table, level))
            for level, what in (("domain", "domains"), ("token", "tokens"))
        ),
    ]
    note = (
        "False positives: χ of a chain paired with the losses of another one, where all is false."
    )
    return Table("How far to trust it", ("", ""), rows, note)


def _false(table: xr.Dataset, level: str) -> str:
    share, found = (float(table[f"{level}_null_{name}"].mean()) for name in ("share", "found"))
    return f"{share:.1%}, {found:.2%}"
