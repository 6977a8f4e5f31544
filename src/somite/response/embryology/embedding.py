"""Tokens on a plane, checkpoint by checkpoint: PCA, or UMAP, of their susceptibilities."""

import warnings
from typing import Any

import numpy as np
import xarray as xr
from sklearn.decomposition import PCA

from somite.core.checks import at_least, one_of
from somite.core.errors import InputError
from somite.core.random import stream_seed
from somite.response.blocks import Array
from somite.response.embryology.alignment import align
from somite.response.embryology.scaling import series_scale, series_values, series_vectors
from somite.response.vectors import item_dims, standardized

METHODS = ("pca", "umap")
NEIGHBORS = 45
"""Of UMAP, as in Spectroscopy."""


def embed_tokens(
    table: xr.Dataset | xr.DataArray,
    *,
    method: str = "pca",
    axes: int = 2,
    scale: str = "each",
    center_rows: bool = True,
    replicates: xr.DataArray | None = None,
    seed: int = 0,
) -> xr.Dataset:
    """Embed the same tokens at every checkpoint, and turn the pictures towards each other.

    "pca" projects the vectors of each checkpoint on its own principal components. "umap" is aligned
    UMAP (the extra `umap`): neighbouring checkpoints are embedded together, and a token is held
    near its place in the next one. Either is centred, then turned (Procrustes) towards the next one
    from the last backwards, which leaves distances as they are. Positions by UMAP are a picture,
    not a measurement: distances between far groups, and their shapes, have no meaning by
    themselves.

    Args:
        table: χ of the same items over the dim checkpoint, such as
            `xr.concat(tables, xr.Variable("checkpoint", steps))`; full is left out.
        method: "pca" or "umap".
        axes: Number of axes.
        scale: Columns are standardised over the items of "each" checkpoint, or of all, "pooled",
            which keeps how much the responses grow.
        center_rows: Whether to take out what all components have in common at an item.
        replicates: From `somite.bootstrap_susceptibility`, joined in the same way, for errors.
        seed: Of UMAP.

    Returns:
        `position` (checkpoint, item, …, axis); of the vectors before the projection `explained`
        (checkpoint, mode), the share of the variance of each principal component, with
        `explained_error`, standard deviation over replicates, if these are given.

    Raises:
        InputError: If there are fewer than two checkpoints, UMAP is not installed, or the
            replicates do not fit.

    Source: Embryology (arXiv 2508.00331).

    Example:
        >>> random = np.random.default_rng(0)
        >>> values = random.normal(size=(2, 3, 50))
        >>> table = xr.DataArray(values, {"checkpoint": [10, 20], "component": list("ABC")},
        ...                      ("checkpoint", "component", "token"))
        >>> dict(embed_tokens(table).position.sizes)
        {'checkpoint': 2, 'token': 50, 'axis': 2}
    """
    one_of("method", method, METHODS)
    values = series_values(table)
    vectors = series_vectors(values, scale, center_rows)
    clouds = vectors.values.reshape(vectors.sizes["checkpoint"], -1, vectors.sizes["component"])
    _check_axes(axes, clouds.shape, center_rows)
    places = _pca(clouds, axes) if method == "pca" else _umap(clouds, axes, seed)
    shape = (*vectors.shape[:-1], axes)
    dims = ("checkpoint", *item_dims(values), "axis")
    columns: dict[str, Any] = {
        "position": (dims, align(places).reshape(shape)),
        "explained": (("checkpoint", "mode"), explained(clouds)),
    }
    if replicates is not None:
        check_replicates(values, replicates)
        rows = [
            explained(_replicate(values, replicates[{"replicate": i}], scale, center_rows))
            for i in range(replicates.sizes["replicate"])
        ]
        columns["explained_error"] = ("checkpoint", "mode"), np.stack(rows).std(0, ddof=1)
    coords = {n: values[n].values for n in dims[:-1] if n in values.coords}
    return xr.Dataset(columns, coords, {"method": method, "scale": scale})


def explained(clouds: Array) -> Array:
    """Share of the variance of every principal component (cloud, mode), the largest first.

    Example:
        >>> explained(np.array([[[2.0, 0], [-2, 0], [0, 1], [0, -1]]])).tolist()
        [[0.8, 0.2]]
    """
    off = clouds - clouds.mean(1, keepdims=True)
    values = np.linalg.eigvalsh(off.transpose(0, 2, 1) @ off)[:, ::-1]
    found: Array = values / values.sum(1, keepdims=True)
    return found


def check_replicates(values: xr.DataArray, replicates: xr.DataArray) -> None:
    """Require at least two replicates of the same checkpoints, components and items.

    Raises:
        InputError: If they are not.
    """
    wanted = dict(values.sizes)
    got = {name: size for name, size in replicates.sizes.items() if name != "replicate"}
    if wanted != got or "replicate" not in replicates.dims:
        remedy = "Join `somite.bootstrap_susceptibility` of the same draws over the checkpoints."
        rule = f"must have the dim replicate and be of {wanted}"
        raise InputError("replicates", rule, dict(replicates.sizes), remedy)
    at_least("number of replicates", replicates.sizes["replicate"], 2, "Use 20.")


def _replicate(values: xr.DataArray, one: xr.DataArray, scale: str, center_rows: bool) -> Array:
    """Vectors (checkpoint, item, component) of a replicate, on the scale of the estimate."""
    found = standardized(one.astype(float), series_scale(values, scale), center_rows)
    turned = found.transpose("checkpoint", *item_dims(values), "component").values
    cloud: Array = turned.reshape(len(turned), -1, turned.shape[-1])
    return cloud


def _pca(clouds: Array, axes: int) -> Array:
    model = PCA(axes, svd_solver="covariance_eigh")
    return np.stack([model.fit_transform(cloud) for cloud in clouds])


def _umap(clouds: Array, axes: int, seed: int) -> Array:
    """Aligned UMAP.

    Raises:
        InputError: If umap-learn is not installed, or there are too few items.
    """
    try:
        from umap import AlignedUMAP
    except ImportError as error:
        remedy = 'Install it: pip install "somite[umap]", or use "pca".'
        raise InputError("umap-learn", "must be installed", str(error), remedy) from None
    at_least("number of items", clouds.shape[1], NEIGHBORS + 1, "Give more tokens.")
    same = dict(enumerate(range(clouds.shape[1])))
    state = stream_seed("umap", seed) % 2**31
    model = AlignedUMAP(
        n_neighbors=NEIGHBORS,
        n_components=axes,
        random_state=state,  # of the neighbours
        transform_seed=state,  # of the picture, whatever its name
    )
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "n_jobs value", UserWarning)  # a seed means one thread
        placed = model.fit_transform(list(clouds), relations=[same] * (len(clouds) - 1))
    return np.stack([np.asarray(part, np.float64) for part in placed])


def _check_axes(axes: int, shape: tuple[int, ...], center_rows: bool) -> None:
    at_least("axes", axes, 1)
    most = min(shape[1], shape[2] - center_rows)
    if axes > most:
        remedy = "Ask for fewer axes."
        raise InputError("axes", f"must be at most {most} for these components", axes, remedy)
