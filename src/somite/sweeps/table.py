"""The table of a sweep: one row for each model, seed and checkpoint."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from somite.core.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from somite.sweeps.design import SweepDesign

DESIGN, MODEL, TABLE = "sweep.json", "model.json", "table.parquet"
KEYS = ("model", "seed", "step")


def tabulated(
    design: "SweepDesign", folders: Mapping[Any, Path], failed: Mapping[Any, str]
) -> "pd.DataFrame":
    """The table of models that are there, and a row with the reason for each that failed."""
    import pandas as pd

    rows: list[dict[str, Any]] = []
    for model, folder in folders.items():
        head = {"model": model.number, "seed": model.seed, **model.settings}
        if model in failed:
            rows.append(head | {"step": -1, "failed": failed[model]})
        elif (folder / MODEL).is_file():
            held = json.loads((folder / MODEL).read_text())
            end = {"failed": "", "seconds": held["seconds"]}
            rows += [head | row | end for row in held["rows"]]
    table = pd.DataFrame(rows)
    order = [*KEYS[:2], *design.names, KEYS[2]]
    return table[[*order, *(name for name in table if name not in order)]]


def write_table(table: "pd.DataFrame", out: Path) -> None:
    """Write the table, whole.

    Raises:
        InputError: If the package for Parquet is missing.
    """
    partial = out / f".partial-{TABLE}"
    try:
        table.to_parquet(partial)
    except ImportError as error:
        remedy = "pip install somite[sweep]"
        raise InputError("table", "needs the package pyarrow", "none", remedy) from error
    partial.replace(out / TABLE)


def load_table(out: Path) -> "pd.DataFrame":
    """The table of a sweep; `table.set_index(["model", "seed", "step"]).to_xarray()` for xarray.

    Args:
        out: Folder of the sweep.

    Returns:
        Columns model, seed, the factors, step, what was measured, seconds (of the whole model) and
        failed (a reason, or empty; such a model has one row, of step −1).

    Raises:
        InputError: If there is no table.
    """
    import pandas as pd

    if not (out / TABLE).is_file():
        remedy = "Check the path, or start one with `somite sweep`."
        raise InputError("sweep", "must be a folder of somite sweep", str(out), remedy)
    return pd.read_parquet(out / TABLE)


def described(out: Path) -> tuple[str, list[str]]:
    """What a sweep asks, and its factors, from the design in its folder."""
    held = json.loads((out / DESIGN).read_text())
    listed = dict.fromkeys(name for one in held["listed"] for name in one)
    return held["description"] or f"A sweep of {held['subject']}", list(held["factors"] or listed)
