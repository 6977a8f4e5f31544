"""Models at equal loss: what a measure was when each model first had the same loss."""

from typing import TYPE_CHECKING

import numpy as np

from somite.core.errors import InputError

if TYPE_CHECKING:
    import pandas as pd


def at_equal_loss(table: "pd.DataFrame", loss: float | None = None) -> "pd.DataFrame":
    """One row for each model and seed, at the checkpoint where it first reached a loss.

    Numbers are interpolated linearly in the loss between the checkpoints before and after. A model
    that is never there has no row.

    Args:
        table: Of `load_table`.
        loss: The loss; by default the lowest that all models reach.

    Returns:
        The columns of the table; `step` is interpolated in log(step + 1).

    Raises:
        InputError: If no model ever has this loss.

    Example:
        >>> import pandas as pd
        >>> table = pd.DataFrame({"model": 0, "seed": 0, "step": [0, 9, 99], "failed": "",
        ...                       "loss": [3.0, 2.0, 1.0], "total_llc": [0.0, 4.0, 8.0]})
        >>> at_equal_loss(table, 1.5)[["total_llc"]].values.tolist()
        [[6.0]]
    """
    import pandas as pd

    made = table[table.failed == ""].sort_values("step")
    runs = [run for _, run in made.groupby(["model", "seed"])]
    common = max(run.loss.min() for run in runs) if loss is None else loss
    rows = [row for run in runs if (row := _at(run, common)) is not None]
    if not rows:
        lowest = min(run.loss.min() for run in runs)
        remedy = f"The lowest loss of a model is {lowest:.4g}."
        raise InputError("loss", "must be reached by a model", loss, remedy)
    return pd.DataFrame(rows).reset_index(drop=True)


def _at(run: "pd.DataFrame", loss: float) -> "pd.Series | None":
    """The row of one model at a loss."""
    below = np.flatnonzero(run.loss.to_numpy() <= loss)
    if not len(below):
        return None
    after = run.iloc[below[0]].copy()
    if below[0] == 0:
        return after
    before = run.iloc[below[0] - 1]
    share = (before.loss - loss) / (before.loss - after.loss)
    for name in run.select_dtypes("number").columns.difference(["model", "seed", "step"]):
        after[name] = before[name] + share * (after[name] - before[name])
    steps = np.log1p([before.step, after.step]).astype(float)
    after["step"] = float(np.expm1(steps[0] + share * (steps[1] - steps[0])))
    return after
