"""Writes the tables of docs/benchmarks.md and docs/comparison.md from the stored results.

python benchmarks/table.py [--results FOLDER] [--docs FOLDER]
"""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import comparison_table
from accuracy_table import accuracy
from grid import MISSING, filled, grid
from record import RESULTS, cell

DOCS = Path(__file__).parents[1] / "docs"
BAR_FILES = ("versus_devinterp_steps", "versus_devinterp_error", "overhead", "memory", "scaling")
FILES = (*BAR_FILES, "precision")

MEANS = {
    "ratio": "best number of batches",
    "ratio_default": "32 batches",
    "ratio_unpaired": "best number that is not paired",
}

Record = Mapping[str, Any]


def tables(folder: Path = RESULTS) -> str:
    """All tables as Markdown; a benchmark without a stored result says so."""
    found = {name: read(folder / f"{name}.json") for name in FILES}
    parts = [
        ("Bars", bars(found)),
        ("Accuracy", accuracy(folder)),
        ("Steps per second", steps(found["versus_devinterp_steps"])),
        ("Time to a standard error of 0.05", errors(found["versus_devinterp_error"])),
        ("A full-model step in parts", overhead(found["overhead"])),
        ("Memory", memory(found["memory"])),
        ("Precision", precision(found["precision"])),
        ("Where and with what", origins(found)),
    ]
    return "\n\n".join(f"## {title}\n\n{text}" for title, text in parts)


def read(path: Path) -> Record | None:
    """A stored result; None if there is none."""
    return json.loads(path.read_text()) if path.is_file() else None


def bars(found: Mapping[str, Record | None]) -> str:
    """What was asked and what was measured."""
    lines = []
    for name in BAR_FILES:
        for bar in (found[name] or {"bars": []})["bars"]:
            known = bar["least"] is not None
            reach = f"{cell(bar['least'])} to {cell(bar['largest'])}" if known else ""
            measured = cell(bar["measured"])
            lines.append((bar["bar"], bar["what"], measured, reach, bar["asked"], bar["holds"]))
    return grid(("bar", "what", "measured", "range", "asked", "holds"), lines)


def steps(found: Record | None) -> str:
    """Rates of both sides, and seconds of single steps."""
    if found is None:
        return MISSING
    rates = [
        (name, 1e3 / v["median"], v["median"]) for name, v in found["steps_per_second"].items()
    ]
    single = [(n, 1e3 * v["median"], 1 / v["median"]) for n, v in found["seconds_per_step"].items()]
    more = {
        "at the default length, setup included": found["ratio_default_run"],
        "without somite's checks": found["ratio_without_checks"],
    }
    text = "; ".join(f"{name} {cell(value['median'])}" for name, value in more.items())
    table = grid(("what", "ms per step", "steps per second"), rates + single)
    return f"{table}\n\nsomite over devinterp {text}. Medians of {found['repeats']} repeats."


def errors(found: Record | None) -> str:
    """Every head, and the means."""
    if found is None:
        return MISSING
    names = ("head", "somite, s", "devinterp, s", "batches", "ratio", "ratio_default")
    table = grid(
        ("head", "somite, s", "devinterp, s", "its batches", "ratio", "ratio at 32 batches"),
        [[row[name] for name in names] for row in found["heads"]],
    )
    means = "; ".join(
        f"{MEANS[name]} {cell(v['geometric mean'])}, least head {cell(v['least'])}"
        for name, v in found["summary"].items()
    )
    text = f"Geometric means of the ratio: {means}. {found['repeats']} repeats."
    return f"{table}\n\n{text}\n\n{directly(found)}"


def directly(found: Record) -> str:
    """The heads on which devinterp itself was run, and the bias of its estimate."""
    most = str(found["steps"])
    own = "; ".join(
        f"{row['head']}: `own_over_law` {cell(row['own_over_law'][most])}, "
        f"ratio {cell(row['own_ratio'])}"
        for row in found["heads"]
        if "own_over_law" in row
    )
    bias = [b / llc for b, llc in zip(found["bias_of_devinterp"], found["mean_llc"], strict=True)]
    return (
        f"devinterp itself, its loss at the center from {most} batches: {own}. Its estimate counts "
        f"the burn-in, which lowers it by {-100 * max(bias):.1f} to {-100 * min(bias):.1f} % "
        "of the coefficient; the ratios do not hold that against it."
    )


def overhead(found: Record | None) -> str:
    """Milliseconds of the parts."""
    if found is None:
        return MISSING
    parts = {name: values for name, values in found.items() if name.endswith(("thread", "threads"))}
    names = [name for name in next(iter(parts.values())) if not name.startswith("ratio")]
    rows = [(n, *(1e3 * values[n]["median"] for values in parts.values())) for n in names]
    return grid(("part", *(f"ms, {name}" for name in parts)), rows)


def memory(found: Record | None) -> str:
    """Peaks."""
    if found is None:
        return MISSING
    names = ("what", "MiB", "MiB of forward and backward")
    rows = [[row[name] for name in names] for row in (*found["heads"], found["large"])]
    return grid(("chain of", "peak, MiB", "forward and backward, MiB"), rows)


def precision(found: Record | None) -> str:
    """Differences in Monte Carlo errors."""
    if found is None:
        return MISSING
    rows = [[row["pair"], row["median"], row["largest"]] for row in found["pairs"]]
    return grid(("pair", "median difference / error", "largest"), rows)


def origins(found: Mapping[str, Record | None]) -> str:
    """Machine, commit and versions of every result."""
    names = ("machine", "torch", "devinterp", "commit")
    # The machine's line ends with the threads of the process that wrote it, which measured nothing.
    rows = [
        (file, record["machine"].rpartition(", ")[0], *(record.get(n) for n in names[1:]))
        for file, record in found.items()
        if record
    ]
    return grid(("result", *names), rows)


PAGES = {"benchmarks.md": tables, "comparison.md": comparison_table.tables}
"""Pages, and what makes the tables of each."""


def main() -> None:
    """Write the pages."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--docs", type=Path, default=DOCS)
    arguments = parser.parse_args()
    for name, made in PAGES.items():
        page = arguments.docs / name
        text = filled(page.read_text(encoding="utf-8"), made(arguments.results))
        page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
