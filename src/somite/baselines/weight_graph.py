"""The graph of absolute weights of a layered network.

Source: Filan et al. 2021, "Clusterability in Neural Networks" (2103.03386), section 2.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import xarray as xr

from somite.baselines.arrays import Array
from somite.core.errors import InputError


def weight_graph(weights: Sequence[Array], normalize: bool = False) -> xr.DataArray:
    """Neurons joined by the absolute weights between them.

        A = block tridiagonal with |W_l|ᵀ and |W_l| beside the diagonal; biases are left out

    Args:
        weights: W_l of each layer (out, in), as `nn.Linear` keeps them.
        normalize: Whether to undo the freedom of ReLU units first, see `rescaled`.

    Returns:
        Dims (component, other), symmetric: neurons "in:i", "l:i" (hidden layer l from 0), "out:i".

    Bad input:
        `InputError` if the matrices do not fit together or are not finite.

    Example:
        >>> graph = weight_graph([np.array([[1.0, -2.0]]), np.array([[3.0]])])
        >>> graph.sel(component="0:0").values.tolist()
        [1.0, 2.0, 0.0, 3.0]
    """
    found = checked_weights(weights)
    names = neuron_names(found)
    adjacency = joined(rescaled(found) if normalize else found)
    return xr.DataArray(adjacency, {"component": names, "other": names}, ("component", "other"))


def checked_weights(weights: Sequence[Array]) -> list[Array]:
    """Weight matrices in float64.

    Raises:
        InputError: If there are none, or they do not fit together or are not finite.
    """
    found = [np.asarray(weight, dtype=np.float64) for weight in weights]
    if not found or any(weight.ndim != 2 or not weight.size for weight in found):
        rule, remedy = "must be matrices (out, in), one per layer", "Pass the layers in order."
        raise InputError("weights", rule, [weight.shape for weight in found], remedy)
    if any(len(a) != b.shape[1] for a, b in pairwise(found)):
        rule, remedy = "must fit together from layer to layer", "Pass the layers in order."
        raise InputError("weights", rule, [weight.shape for weight in found], remedy)
    if bad := sum(int((~np.isfinite(weight)).sum()) for weight in found):
        got = f"{bad} NaN or infinite entries"
        raise InputError("weights", "must be finite", got, "Load an earlier checkpoint.")
    return found


def neuron_names(weights: Sequence[Array]) -> list[str]:
    """Names of all neurons from inputs to outputs.

    Example:
        >>> neuron_names([np.ones((2, 1)), np.ones((1, 2))])
        ['in:0', '0:0', '0:1', 'out:0']
    """
    layers = ["in", *map(str, range(len(weights) - 1)), "out"]
    widths = [weights[0].shape[1], *(len(weight) for weight in weights)]
    return [f"{n}:{i}" for n, width in zip(layers, widths, strict=True) for i in range(width)]


def rescaled(weights: Sequence[Array]) -> list[Array]:
    """Weights in which the mean absolute weight into every hidden unit is 1.

    What is divided out of a unit's incoming weights multiplies its outgoing ones, which leaves a
    ReLU network (without its biases) the same function. Units without incoming weights stay.

    Args:
        weights: W_l of each layer (out, in).

    Returns:
        As many matrices.

    Example:
        >>> [w.tolist() for w in rescaled([np.array([[4.0, -4.0]]), np.array([[1.0]])])]
        [[[1.0, -1.0]], [[4.0]]]
    """
    found = [weight.copy() for weight in weights]
    for into, out in pairwise(found):
        scale = np.abs(into).mean(1)
        scale[scale == 0] = 1.0
        np.divide(into, scale[:, None], out=into)
        np.multiply(out, scale, out=out)
    return found


def joined(weights: Sequence[Array]) -> Array:
    """Adjacency matrix (neuron, neuron) of layers joined by absolute weights."""
    widths = [weights[0].shape[1], *(len(weight) for weight in weights)]
    starts = np.cumsum([0, *widths])
    adjacency = np.zeros((starts[-1], starts[-1]))
    for layer, weight in enumerate(weights):
        below = slice(starts[layer], starts[layer + 1])
        above = slice(starts[layer + 1], starts[layer + 2])
        adjacency[above, below] = np.abs(weight)
        adjacency[below, above] = np.abs(weight).T
    return adjacency


def two_step_similarity(graph: xr.DataArray, names: Sequence[str]) -> xr.DataArray:
    """How much two neurons share neighbours in a graph: S², S = D^-½ A D^-½, D the degrees.

    The graph of weights has no edges inside a layer; walks of two steps have. Entries are divided
    by √(s_ii s_jj).

    Args:
        graph: Dims (component, other), symmetric, without negative entries.
        names: The neurons to keep; walks may pass through all.

    Returns:
        Dims (component, other), between 0 and 1; an isolated neuron has 0 with all others.

    Raises:
        InputError: If a name is not in the graph.

    Example:
        >>> graph = weight_graph([np.ones((2, 1)), np.ones((1, 2))])
        >>> two_step_similarity(graph, ["0:0", "0:1"]).values.round(3).tolist()
        [[1.0, 1.0], [1.0, 1.0]]
    """
    known = [str(name) for name in graph.component.to_numpy()]
    if missing := [name for name in names if name not in known]:
        raise InputError("names", "must be in the graph", missing[:5], "See graph.component.")
    adjacency = graph.transpose("component", "other").to_numpy()
    scaled = balanced(adjacency)
    chosen = [known.index(name) for name in names]
    paths = scaled[chosen] @ scaled[:, chosen]
    own = np.sqrt(np.diagonal(paths))
    own = np.where(own > 0, own, 1.0)
    coords = {"component": list(names), "other": list(names)}
    return xr.DataArray(paths / own[:, None] / own, coords, ("component", "other"))


def balanced(adjacency: Array) -> Array:
    """D^-½ A D^-½, with zeros for isolated nodes."""
    degree = adjacency.sum(1)
    root = np.where(degree > 0, degree, 1.0) ** -0.5
    scaled: Array = adjacency * root[:, None] * root
    return scaled
