"""Tables of a comparison: one row for each measurement, and means over seeds."""

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from somite.truths.comparison import finite
from somite.truths.judging import Row

COLUMNS = (
    *("truth", "group", "components_are", "method", "family", "seed", "components"),
    *("auc", "auc_p", "ari", "ari_p", "ami", "ami_p", "p", "weight", "expected", "sign_right"),
    *("matrix_shift", "partition_kept", "birth_error", "seconds", "refused"),
)
"""Of the tidy table; cells that do not apply are empty."""
MEANS = ("auc", "ari", "ami", "weight", "matrix_shift", "partition_kept", "birth_error", "seconds")
LEVEL = 0.05


def summary(rows: Sequence[Row]) -> list[Row]:
    """Means over seeds, and how many seeds came out beyond chance.

    Args:
        rows: Of `compare`.

    Returns:
        One row for each truth and method: `seeds` that gave a matrix and `refused` ones, the means
        of the scores, `found` (ARI with p < 0.05), `modular` (verdicts with p < 0.05), and
        `sign_right`, each a number of seeds.
    """
    found = []
    for truth, method in dict.fromkeys((row["truth"], row["method"]) for row in rows):
        own = [row for row in rows if (row["truth"], row["method"]) == (truth, method)]
        kept = ("truth", "group", "components_are", "method", "family")
        line: Row = {name: own[0][name] for name in kept}
        line["seeds"] = sum("refused" not in row for row in own)
        line["refused"] = len(own) - line["seeds"]
        for name in MEANS:
            values = [row[name] for row in own if row.get(name) is not None]
            line[name] = float(np.mean(values)) if values else None
        for name, p in (("found", "ari_p"), ("modular", "p")):
            line[name] = _below([row.get(p) for row in own])
        signs = [row["sign_right"] for row in own if "sign_right" in row]
        line["sign_right"] = sum(signs) if signs else None
        found.append(line)
    return found


def write_tables(rows: Sequence[Row], folder: Path, made: Mapping[str, Any]) -> list[Path]:
    """The tidy table as CSV, and with the summary as JSON of one line for each row.

    Args:
        rows: Of `compare`.
        folder: Where `comparison.csv` and `comparison.json` go.
        made: With what they were made.

    Returns:
        Both paths.
    """
    table, record = folder / "comparison.csv", folder / "comparison.json"
    partial = table.with_name(f".partial-{table.name}")
    with partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    partial.replace(table)
    means = [{k: v for k, v in line.items() if v is not None} for line in summary(rows)]
    parts = {"summary": means, "rows": list(rows)}
    lines = [f" {json.dumps(name)}: {json.dumps(value)}" for name, value in made.items()]
    for name, part in parts.items():
        inner = ",\n".join(f"  {json.dumps(finite(row), ensure_ascii=False)}" for row in part)
        lines.append(f' "{name}": [\n{inner}\n ]')
    partial = record.with_name(f".partial-{record.name}")
    partial.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    partial.replace(record)
    return [table, record]


def _below(values: Sequence[float | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(value < LEVEL for value in known) if known else None
