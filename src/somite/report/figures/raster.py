"""Which component is in which module at which checkpoint."""

import numpy as np
import plotly.graph_objects as go
import xarray as xr

from somite.report.figures.alluvial import module_color, module_name
from somite.report.layout import label, styled
from somite.report.palette import ink_on

ROW_HEIGHT = 20
HOVER = "<b>%{y}</b> at step %{x}<br>%{customdata}<extra></extra>"


def raster_figure(module: xr.DataArray) -> go.Figure:
    """Components × checkpoints, coloured by module and with its number.

    Args:
        module: Identity of the module of each component, −1 for none (step, component).

    Returns:
        The figure; components of the same module at the last checkpoint stand together.
    """
    table = module.transpose("component", "step")
    order = np.argsort(
        np.where(table.values[:, -1] < 0, np.inf, table.values[:, -1]), kind="stable"
    )
    values = table.values[order]
    names = [label(name) for name in table.component.values[order]]
    steps = [f"{step:,.0f}" for step in table.step.values.tolist()]
    said = np.vectorize(module_name)(values)
    cells = go.Heatmap(
        z=values, x=steps, y=names, customdata=said, hovertemplate=HOVER, showscale=False,
        xgap=2, ygap=2, **_colors(int(values.max())),
    )  # fmt: skip
    written = _numbers(values, steps, names)
    height = ROW_HEIGHT * len(names) + 70
    figure = styled(go.Figure([cells, written]), height, margin={"l": 60, "r": 16, "t": 8, "b": 48})
    plain = {"type": "category", "showgrid": False, "showline": False, "tickcolor": "white"}
    figure.update_xaxes(title_text="training step of the checkpoint (evenly spaced)", **plain)
    figure.update_yaxes(title_text="component", autorange="reversed", **plain)
    return figure


def _numbers(values: np.ndarray, steps: list[str], names: list[str]) -> go.Scatter:
    """The number of the module in each cell; a dash for none."""
    colors = {int(module): ink_on(module_color(int(module))) for module in np.unique(values)}
    return go.Scatter(
        x=steps * len(names), y=np.repeat(names, len(steps)), mode="text", hoverinfo="skip",
        text=np.where(values < 0, "–", np.char.mod("%d", values + 1)).ravel(), showlegend=False,
        textfont={"size": 11, "color": [colors[int(module)] for module in values.ravel()]},
    )  # fmt: skip


def _colors(largest: int) -> dict[str, object]:
    """A colour scale with one even stretch for each module from −1 to the largest."""
    count = largest + 2
    scale = [
        (edge / count, module_color(module))
        for module in range(-1, largest + 1)
        for edge in (module + 1, module + 2)
    ]
    return {"colorscale": scale, "zmin": -1.5, "zmax": largest + 0.5}
