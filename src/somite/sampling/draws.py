"""Draws: what sampling leaves behind, as one labelled data set."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr


@dataclass
class ChainRecord:
    """What one chain of one component recorded; shorter than planned if it failed.

    Args:
        loss: L_B(w) − L_B(w*) at each kept draw, on the minibatch of that step.
        center_loss: L_B(w*) of that minibatch.
        distance: ‖w − w*‖² at each kept draw.
        probe_loss: For each probe, its mean L(w) − L(w*) at every so many draws.
        status: How the chain ended.
        failed_at: Step at which it failed; −1 if it did not.
    """

    loss: list[float] = field(default_factory=list)
    center_loss: list[float] = field(default_factory=list)
    distance: list[float] = field(default_factory=list)
    probe_loss: dict[str, list[float]] = field(default_factory=dict)
    status: str = ""
    failed_at: int = -1

    def add(self, loss: float, center_loss: float, distance: float) -> None:
        """Append one draw."""
        self.loss.append(loss)
        self.center_loss.append(center_loss)
        self.distance.append(distance)


def to_draws(
    records: dict[tuple[str, int], ChainRecord], lengths: tuple[int, int], attrs: dict[str, Any]
) -> xr.Dataset:
    """Gather the records of all chains.

    Args:
        records: By (component, chain).
        lengths: Number of kept draws, and of probe draws.
        attrs: The settings, kept with the draws.

    Returns:
        Data set with `loss`, `center_loss` and `distance` (component, chain, draw), `probe_loss`
        (probe, component, chain, probe_draw), `status` and `failed_at` (component, chain). What a
        failed chain did not reach is NaN.
    """
    components = list(dict.fromkeys(component for component, _ in records))
    chains = sorted({chain for _, chain in records})
    grid = [[records[component, chain] for chain in chains] for component in components]
    probes = list(grid[0][0].probe_loss)
    draws, probe_draws = lengths
    pair = ("component", "chain")
    series = {
        name: ((*pair, "draw"), _array(grid, lambda r, n=name: getattr(r, n), draws))
        for name in ("loss", "center_loss", "distance")
    }
    probe_loss = [_array(grid, lambda r, p=p: r.probe_loss[p], probe_draws) for p in probes]
    shape = (len(probes), len(components), len(chains), probe_draws)
    return xr.Dataset(
        {
            **series,
            "probe_loss": (
                ("probe", *pair, "probe_draw"),
                np.array(probe_loss, dtype=float).reshape(shape),
            ),
            "status": (pair, np.array([[r.status for r in row] for row in grid])),
            "failed_at": (pair, np.array([[r.failed_at for r in row] for row in grid])),
        },
        coords={
            "component": np.array(components),
            "chain": chains,
            "draw": np.arange(draws),
            "probe": np.array(probes, dtype=str),
            "probe_draw": np.arange(probe_draws),
        },
        attrs=attrs,
    )


def _array(grid: Sequence[Sequence[ChainRecord]], read: Any, length: int) -> np.ndarray:
    """Values of all chains (component, chain, length), NaN where a chain has none."""
    values = np.full((len(grid), len(grid[0]), length), np.nan)
    for i, row in enumerate(grid):
        for j, record in enumerate(row):
            got = read(record)
            values[i, j, : len(got)] = got
    return values
