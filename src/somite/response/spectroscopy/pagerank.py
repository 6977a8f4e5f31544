r"""Personalised PageRank: where a walk is found that returns to its seed now and then.

$p = \alpha s + (1 - \alpha) A D^{-1} p$, s the seed, A the adjacency, D the degrees, α the chance
of going back. With $x = D^{-1/2} p$ this is $(I - (1 - \alpha) D^{-1/2} A D^{-1/2}) x = \alpha
D^{-1/2} s$, symmetric and positive, which conjugate gradients solve for many seeds at once.

The solution stops as the push algorithm (Andersen, Chung and Lang 2006) does: with the residual
$r = s - (p - (1 - \alpha) A D^{-1} p)/\alpha$ below tolerance · degree at every item, so that
p/degree is exact to the tolerance. Push would take about 1/α rounds over a graph that it fills.
"""

import numpy as np
from scipy.sparse import diags_array

from somite.response.blocks import Array
from somite.response.spectroscopy.graph import Graph, Places


def personalized_pagerank(graph: Graph, seeds: Places, teleport: float, tolerance: float) -> Array:
    """PageRank over degree, p/D, of every item for every seed.

    Args:
        graph: Of at least one edge for every item.
        seeds: Places of the seeds (seed,).
        teleport: α.
        tolerance: Largest error of the result.

    Returns:
        (item, seed); times the degrees each column sums to 1 within the tolerance.

    Example:
        >>> from scipy.sparse import csr_matrix
        >>> pair = Graph(csr_matrix(np.array([[0.0, 1.0], [1.0, 0.0]])))
        >>> personalized_pagerank(pair, np.array([0]), 0.5, 1e-9).round(4).ravel().tolist()
        [0.6667, 0.3333]
    """
    root = np.sqrt(graph.degree)[:, None]
    scale = diags_array(1 / root[:, 0])
    walk = (scale @ graph.adjacency @ scale).tocsr() * (1 - teleport)
    residual = np.zeros((graph.size, len(seeds)))
    residual[seeds, np.arange(len(seeds))] = teleport / root[seeds, 0]
    found, direction = np.zeros_like(residual), residual.copy()
    square = (residual**2).sum(0)
    while np.max(np.abs(residual) / root) >= tolerance * teleport:
        image = direction - walk @ direction
        product = (direction * image).sum(0)
        step = np.divide(square, product, out=np.zeros_like(square), where=product > 0)
        found += step * direction
        residual -= step * image
        fresh = (residual**2).sum(0)
        direction *= np.divide(fresh, square, out=np.zeros_like(square), where=square > 0)
        direction += residual
        square = fresh
    solution: Array = found / root
    return solution
