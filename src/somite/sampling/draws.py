"""Draws: what sampling leaves behind, as one labelled data set."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr

REFERENCE = "reference"
"""Name of the probe that comes from the target's own data; others have other means and errors."""
SERIES = ("loss", "center_loss", "distance", "share", "drift_square")


@dataclass
class ChainRecord:
    """What one chain of one component recorded; shorter than planned if it failed.

    Args:
        loss: L_B(w) − L_B(w*) at each kept draw, on the minibatch of that step; with control
            variates the tilted one, see `somite.sampling.minibatch`.
        center_loss: L_B(w*) of that minibatch.
        distance: ‖w − w*‖² at each kept draw.
        share: ½ (w − w*)·∂L_B at each kept draw, the pull of the loss towards the center.
        drift_square: ‖∂U_B‖², the squared gradient of the potential, at each kept draw.
        block_share: ½ (w − w*)·∂L_B over each block (block,) at each kept draw; empty without.
        probe_loss: For each probe, its mean L(w) − L(w*) at every so many draws.
        example_loss: L_i(w) − L_i(w*) of the reference probe's examples (example,) at every so
            many draws; empty unless asked for.
        block_energy: L(w* with the block taken from w) − L(w*) on the reference probe (block,) at
            every so many draws; empty unless asked for.
        acceptance: Probability with which MALA would accept a step of this size, at a few draws;
            for a kernel that accepts or rejects, whether it moved.
        noise: Trace of the covariance C of a minibatch gradient, estimated at a few draws.
        noise_curvature: Trace of C·∂²L, estimated at these draws.
        status: How the chain ended.
        failed_at: Step at which it failed; −1 if it did not.
    """

    loss: list[float] = field(default_factory=list)
    center_loss: list[float] = field(default_factory=list)
    distance: list[float] = field(default_factory=list)
    share: list[float] = field(default_factory=list)
    drift_square: list[float] = field(default_factory=list)
    block_share: list[np.ndarray] = field(default_factory=list)
    probe_loss: dict[str, list[float]] = field(default_factory=dict)
    example_loss: list[np.ndarray] = field(default_factory=list)
    block_energy: list[np.ndarray] = field(default_factory=list)
    acceptance: list[float] = field(default_factory=list)
    noise: list[float] = field(default_factory=list)
    noise_curvature: list[float] = field(default_factory=list)
    status: str = ""
    failed_at: int = -1

    def add(self, *numbers: float) -> None:
        """Append one draw, its numbers in the order of `SERIES`."""
        for name, number in zip(SERIES, numbers, strict=True):
            getattr(self, name).append(number)


SUMMARIES: dict[str, Callable[[ChainRecord], Any]] = {
    "acceptance": lambda record: _mean(record.acceptance),
    "draw_noise": lambda record: _mean(record.noise),
    "noise_curvature": lambda record: _mean(record.noise_curvature),
    "status": lambda record: record.status,
    "failed_at": lambda record: record.failed_at,
}
"""What one number or word of a chain tells."""


def to_draws(
    records: dict[tuple[str, int], ChainRecord],
    lengths: tuple[int, int],
    blocks: Sequence[str],
    attrs: dict[str, Any],
) -> xr.Dataset:
    """Gather the records of all chains.

    Args:
        records: By (component, chain).
        lengths: Number of kept draws, and of probe draws.
        blocks: Names of the blocks whose shares were recorded.
        attrs: The settings, kept with the draws.

    Returns:
        Data set with `loss`, `center_loss`, `distance`, `share` and `drift_square` (component,
        chain, draw), `probe_loss` (probe, component, chain, probe_draw); `acceptance`, `draw_noise`
        (the mean of `noise`), `noise_curvature`, `status` and `failed_at` (component, chain); with
        blocks
        `block_share` (component, chain, draw, block); with examples `example_loss` (component,
        chain, probe_draw, example). What a failed chain did not reach is NaN.
    """
    components = list(dict.fromkeys(component for component, _ in records))
    chains = sorted({chain for _, chain in records})
    grid = [[records[component, chain] for chain in chains] for component in components]
    probes = list(grid[0][0].probe_loss)
    draws, probe_draws = lengths
    pair = ("component", "chain")
    probe_loss = [_array(grid, lambda r, p=p: r.probe_loss[p], probe_draws) for p in probes]
    shape = (len(probes), len(components), len(chains), probe_draws)
    found = {
        **{name: ((*pair, "draw"), _array(grid, _reader(name), draws)) for name in SERIES},
        "probe_loss": (
            ("probe", *pair, "probe_draw"),
            np.array(probe_loss, dtype=float).reshape(shape),
        ),
        **{name: (pair, _table(grid, read)) for name, read in SUMMARIES.items()},
    }
    if blocks:
        shares = _array(grid, _reader("block_share"), draws, len(blocks))
        found["block_share"] = ((*pair, "draw", "block"), shares)
    if any(record.block_energy for record in records.values()):
        energies = _array(grid, _reader("block_energy"), probe_draws, len(blocks))
        found["block_energy"] = ((*pair, "probe_draw", "block"), energies)
    if examples := max(
        (len(r.example_loss[0]) for r in records.values() if r.example_loss), default=0
    ):
        losses = _array(grid, _reader("example_loss"), probe_draws, examples)
        found["example_loss"] = ((*pair, "probe_draw", "example"), losses)
    coords = {
        "component": np.array(components),
        "chain": chains,
        "draw": np.arange(draws),
        "probe": np.array(probes, dtype=str),
        "probe_draw": np.arange(probe_draws),
    }
    if blocks:
        coords["block"] = np.array(blocks)
    return xr.Dataset(found, coords, attrs)


def _reader(name: str) -> Callable[[ChainRecord], Any]:
    return lambda record: getattr(record, name)


def _table(grid: Sequence[Sequence[ChainRecord]], read: Callable[[ChainRecord], Any]) -> np.ndarray:
    return np.array([[read(record) for record in row] for row in grid])


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else float("nan")


def _array(grid: Sequence[Sequence[ChainRecord]], read: Any, *shape: int) -> np.ndarray:
    """Values of all chains (component, chain, *shape), NaN where a chain has none."""
    values = np.full((len(grid), len(grid[0]), *shape), np.nan)
    for i, row in enumerate(grid):
        for j, record in enumerate(row):
            got = read(record)
            if len(got):
                values[i, j, : len(got)] = got
    return values
