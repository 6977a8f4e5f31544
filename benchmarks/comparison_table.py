"""The tables of docs/comparison.md, read from benchmarks/results/comparison.json."""

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean
from typing import Any

from grid import MISSING, grid
from record import RESULTS

Row = Mapping[str, Any]
COLUMNS: Mapping[str, Sequence[str]] = {
    "interaction": ("interaction",),
    "sampled interaction": ("sampled interaction",),
    "refined profiles": ("refined profiles",),
    "curvature alignment": ("curvature_alignment",),
    "interaction energy": ("interaction_energy",),
    "block NTK": ("block_ntk",),
    "attributions": ("attribution_correlation",),
    "backward Jacobian": ("backward_jacobian",),
    "activation correlation": ("activation_correlation",),
    "CKA": ("cka",),
    "copula information": ("copula_information",),
    "paths, composition": ("weight_paths", "composition"),
    "neuron, head weights": ("neuron_weights", "head_weights"),
}
"""Columns of the page, and the method of the record in each; of two, the one that fits."""
SHIFTED = ("ReLU MLP, rescaled", "planted head roles, turned", "pairs of digits, null weight")


def tables(folder: Path = RESULTS) -> str:
    """All tables as Markdown."""
    path = folder / "comparison.json"
    if not path.is_file():
        return MISSING
    found = json.loads(path.read_text())
    summary, rows = found["summary"], found["rows"]
    parts = {
        "Mean ARI": accuracy(summary),
        'Verdicts "modular" on controls': controls(summary),
        "Signs of known interactions": signs(rows),
        "Other weights, same function": shifts(rows),
        "Refusals": refusals(rows),
    }
    return "\n\n".join(f"### {title}\n\n{text}" for title, text in parts.items())


def accuracy(summary: Sequence[Row]) -> str:
    """Mean ARI of planted and trained truths."""
    return by_column(summary, ("planted", "trained"), ari)


def controls(summary: Sequence[Row]) -> str:
    """How often a network without modules is called modular."""
    return by_column(summary, ("control",), lambda row: f"{row['modular']} of {row['seeds']}")


def by_column(summary: Sequence[Row], groups: Sequence[str], text: Any) -> str:
    """Truths of some groups in rows, methods in columns."""
    cells = {(row["truth"], row["method"]): row for row in summary if row["group"] in groups}
    truths = dict.fromkeys(truth for truth, _ in cells)
    lines = []
    for truth in truths:
        fit = [
            next((cells[truth, m] for m in names if (truth, m) in cells), None)
            for names in COLUMNS.values()
        ]
        lines.append([f"`{truth}`", *(show(row, text) for row in fit)])
    return grid(("truth", *COLUMNS), lines)


def show(row: Row | None, text: Any) -> str:
    """One cell: empty where the method does not apply, × where it always refused."""
    if row is None:
        return ""
    refused = row["refused"]
    if not row["seeds"]:
        return "×"
    return f"{text(row)} ({refused} ×)" if refused else text(row)


def ari(row: Row) -> str:
    """Mean ARI, without a minus sign on zero."""
    return f"{row['ari']:.2f}".replace("-0.00", "0.00").replace("-", "−")


def signs(rows: Sequence[Row]) -> str:
    """Networks of two components whose sign is right, and the values where signs differ."""
    pairs = [row for row in rows if row["group"] == "pair"]
    methods = list(dict.fromkeys(row["method"] for row in pairs))
    lines = []
    for method in methods:
        own = [row for row in pairs if row["method"] == method]
        wrong = Counter(row["truth"] for row in own if not row["sign_right"])
        seeds = len({row["seed"] for row in own})
        text = "; ".join(f"`{t}`" + (f" ({k})" if k < seeds else "") for t, k in wrong.items())
        lines.append((method, f"{sum(row['sign_right'] for row in own)} of {len(own)}", text))
    return grid(("method", "sign right", "wrong for (seeds, if not all)"), lines)


def shifts(rows: Sequence[Row]) -> str:
    """Relative change of the matrix, and agreement of the modules with those before."""
    methods = dict.fromkeys(row["method"] for row in rows if row["truth"] in SHIFTED)
    lines = []
    for method in methods:
        own = [
            [row for row in rows if row["truth"] == truth and row["method"] == method]
            for truth in SHIFTED
        ]
        lines.append((method, *(shift(found) for found in own)))
    return grid(("method", *(f"`{truth}`" for truth in SHIFTED)), lines)


def shift(rows: Sequence[Row]) -> str:
    """Mean and largest shift, and the mean ARI with the modules before."""
    if not rows:
        return ""
    moved = [row["matrix_shift"] for row in rows if row.get("matrix_shift") is not None]
    if not moved:
        return "×"
    kept = mean(row["partition_kept"] for row in rows if row.get("partition_kept") is not None)
    text = f"{size(mean(moved))}, {size(max(moved))} ({kept:.2f})".replace("-", "−")
    missing = len(rows) - len(moved)
    return f"{text}, {missing} ×" if missing else text


def size(value: float) -> str:
    """A shift; below 1e-4 it is rounding."""
    return "0" if value < 1e-4 else f"{value:.2f}" if value < 100 else "noise"


def refusals(rows: Sequence[Row]) -> str:
    """Why methods refused, and how often."""
    found = Counter(
        (row["method"], re.split(r", got| \(", row["refused"])[0])
        for row in rows
        if row.get("refused")
    )
    return grid(
        ("method", "refused", "because"),
        [(method, number, why) for (method, why), number in found.items()],
    )
