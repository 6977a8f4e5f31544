"""Modules through checkpoints: a block per module, ribbons for the components that move on."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
import xarray as xr

from somite.report.layout import label, styled
from somite.report.palette import FAINT, category_color, ink_on, translucent

HALF = 0.13
"""Half the width of a block; checkpoints are 1 apart."""
GAP = 0.6
"""Free height between two blocks, in components."""
RIBBON_OPACITY = 0.35
PIXELS = 17
"""Height of a component."""


@dataclass(frozen=True)
class Block:
    """A module at a checkpoint.

    Args:
        module: Its identity; −1 for the components in no module.
        top: Upper edge, counted from the top.
        members: Number of each component in it.
    """

    module: int
    top: float
    members: tuple[int, ...]

    @property
    def bottom(self) -> float:
        """Lower edge."""
        return self.top + len(self.members)


def alluvial_figure(module: xr.DataArray) -> go.Figure:
    """Blocks and ribbons, colours and order stable along a module.

    Args:
        module: Identity of the module of each component, −1 for none (step, component).

    Returns:
        The figure; checkpoints are evenly spaced.
    """
    ordered = module.transpose("step", "component")
    rows, names = ordered.values, [str(name) for name in ordered.component.values]
    columns = [blocks(row) for row in rows]
    figure = go.Figure()
    for at in range(len(rows) - 1):
        for trace in _ribbons(columns[at], columns[at + 1], at, names):
            figure.add_trace(trace)
    for at, column in enumerate(columns):
        for block in column:
            figure.add_trace(_block(block, at, names))
    for trace in _legend(rows):
        figure.add_trace(trace)
    depth = max(column[-1].bottom for column in columns)
    styled(figure, int(PIXELS * depth) + 116, margin={"l": 40, "r": 16, "t": 40, "b": 48})
    figure.add_trace(_numbers(columns))
    steps = [f"{step:,.0f}" for step in ordered.step.values.tolist()]
    figure.update_xaxes(
        title_text="training step of the checkpoint (evenly spaced)", showgrid=False,
        zeroline=False, tickvals=list(range(len(rows))), ticktext=steps,
        range=[-2 * HALF, len(rows) - 1 + 2 * HALF],
    )  # fmt: skip
    figure.update_yaxes(
        title_text="components", showgrid=False, zeroline=False, showticklabels=False, ticks="",
        showline=False, range=[depth + 0.4, -0.4],
    )  # fmt: skip
    return figure


def module_color(module: int) -> str:
    """Colour of a module; grey for components in none."""
    return FAINT if module < 0 else category_color(module)


def module_name(module: int) -> str:
    """Name of a module for people.

    Example:
        >>> module_name(0), module_name(-1)
        ('module 1', 'in no module')
    """
    return "in no module" if module < 0 else f"module {module + 1}"


def in_order(modules: np.ndarray) -> list[int]:
    """Modules by identity, components in none last.

    Example:
        >>> in_order(np.array([1, -1, 0, 1]))
        [0, 1, -1]
    """
    return sorted({int(module) for module in modules.ravel()}, key=lambda m: (m < 0, m))


def blocks(row: np.ndarray) -> list[Block]:
    """Blocks of a checkpoint from the top, modules in the order of their identity.

    Example:
        >>> [(block.module, block.top, block.bottom) for block in blocks(np.array([1, 0, 1]))]
        [(0, 0.0, 1.0), (1, 1.6, 3.6)]
    """
    top, result = 0.0, []
    for module in in_order(row):
        members = tuple(np.flatnonzero(row == module).tolist())
        result.append(Block(module, top, members))
        top = result[-1].bottom + GAP
    return result


def _ribbons(
    left: list[Block], right: list[Block], at: int, names: list[str]
) -> Iterator[go.Scatter]:
    """A ribbon for the components of each block that go to the same block of the next one."""
    leaving = {block.module: block.top for block in left}
    arriving = {block.module: block.top for block in right}
    for source in left:
        for target in right:
            if not (moved := [i for i in source.members if i in target.members]):
                continue
            edges = leaving[source.module], arriving[target.module]
            told = " ".join(label(names[i]) for i in moved)
            said = f"<b>{told}</b><br>{module_name(source.module)} → {module_name(target.module)}"
            yield _ribbon(edges, len(moved), at, source.module, said)
            leaving[source.module] += len(moved)
            arriving[target.module] += len(moved)


def _ribbon(edges: tuple[float, float], height: int, at: int, module: int, said: str) -> go.Scatter:
    """A band from the right side of one block to the left side of another."""
    part = np.linspace(0, 1, 25)
    x = at + HALF + part * (1 - 2 * HALF)
    low = edges[0] + (edges[1] - edges[0]) * (1 - np.cos(np.pi * part)) / 2
    return go.Scatter(
        x=np.concatenate([x, x[::-1]]).round(3),
        y=np.concatenate([low, low[::-1] + height]).round(3),
        fill="toself", fillcolor=translucent(module_color(module), RIBBON_OPACITY), mode="lines",
        line={"width": 0}, hoveron="fills", name=said, hoverinfo="name",
        hoverlabel={"namelength": -1}, showlegend=False, legendgroup=module_name(module),
    )  # fmt: skip


def _block(block: Block, at: int, names: list[str]) -> go.Scatter:
    """A filled rectangle with the number of the module in it."""
    color = module_color(block.module)
    said = f"<b>{module_name(block.module)}</b><br>" + " ".join(
        label(names[i]) for i in block.members
    )
    return go.Scatter(
        x=[at - HALF, at + HALF, at + HALF, at - HALF, at - HALF],
        y=[block.top, block.top, block.bottom, block.bottom, block.top],
        fill="toself", fillcolor=color, mode="lines", line={"width": 1, "color": color},
        hoveron="fills", name=said, hoverinfo="name", hoverlabel={"namelength": -1},
        showlegend=False, legendgroup=module_name(block.module),
    )  # fmt: skip


def _numbers(columns: list[list[Block]]) -> go.Scatter:
    """The number of each module, in its blocks."""
    placed = [(at, block) for at, column in enumerate(columns) for block in column]
    named = [(at, block) for at, block in placed if block.module >= 0]
    colors = [ink_on(module_color(block.module)) for _, block in named]
    return go.Scatter(
        x=[at for at, _ in named], y=[(block.top + block.bottom) / 2 for _, block in named],
        mode="text", text=[f"{block.module + 1}" for _, block in named], hoverinfo="skip",
        textfont={"size": 11, "color": colors}, showlegend=False,
    )  # fmt: skip


def _legend(rows: np.ndarray) -> Iterator[go.Scatter]:
    """An empty square for each module."""
    for module in in_order(rows):
        yield go.Scatter(
            x=[None], y=[None], mode="markers", name=module_name(module),
            legendgroup=module_name(module),
            marker={"size": 12, "symbol": "square", "color": module_color(module)},
        )  # fmt: skip
