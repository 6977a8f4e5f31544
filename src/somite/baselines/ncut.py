"""Clusterability of a network's weights: n-cut of spectral clusters against shuffled weights.

Source: Filan et al. 2021, "Clusterability in Neural Networks" (2103.03386), sections 2 and 3;
spectral clustering as in Shi and Malik 2000, with dense eigenvectors.
"""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from sklearn.cluster import KMeans

from somite.baselines.arrays import Array
from somite.baselines.weight_graph import (
    balanced,
    checked_weights,
    joined,
    neuron_names,
    rescaled,
)
from somite.core.checks import at_least, one_of
from somite.core.errors import InputError
from somite.core.random import stream_seed

Labels = NDArray[np.int64]
STARTS = 25  # starts of k-means, as in the source
WHICH = ("all", "nonzero")


def ncut(adjacency: Array, labels: Labels) -> float:
    r"""Normalised cut of a partition: $\sum_i \mathrm{cut}(X_i, \bar X_i) / \mathrm{vol}(X_i)$.

    Args:
        adjacency: (node, node), symmetric, not negative.
        labels: Cluster of each node.

    Returns:
        From 0 (clusters are not joined) to the number of clusters; lower is more modular. A
        cluster without edges counts 0.

    Example:
        >>> ncut(np.array([[0.0, 2, 1], [2, 0, 0], [1, 0, 0]]), np.array([0, 0, 1]))
        1.2
    """
    total = 0.0
    for label in np.unique(labels):
        inside = labels == label
        volume = adjacency[inside].sum()
        total += adjacency[np.ix_(inside, ~inside)].sum() / volume if volume > 0 else 0.0
    return float(total)


def spectral_labels(adjacency: Array, clusters: int, seed: int) -> Labels:
    """Spectral clustering of a graph.

    K-means, best of 25 starts, on the leading eigenvectors of D^-½ A D^-½, each divided by √D.

    Args:
        adjacency: (node, node), symmetric, not negative, without isolated nodes.
        clusters: Number of clusters, fewer than nodes.
        seed: Seed of k-means.

    Returns:
        Labels (node,).

    Bad input:
        `InputError` if there are fewer than two clusters, or as many as nodes.

    Example:
        >>> two = np.kron(np.eye(2), np.ones((3, 3)) - np.eye(3))
        >>> ncut(two, spectral_labels(two, 2, seed=0))
        0.0
    """
    _check_clusters(clusters, len(adjacency))
    degree = adjacency.sum(1)
    leading = np.linalg.eigh(balanced(adjacency))[1][:, -clusters:]
    places = leading / np.sqrt(np.where(degree > 0, degree, 1.0))[:, None]
    distinct = min(clusters, len(np.unique(places.round(12), axis=0)))
    state = stream_seed("spectral", seed) % 2**32  # what scikit-learn accepts
    found: Labels = KMeans(distinct, n_init=STARTS, random_state=state).fit(places).labels_
    return found.astype(np.int64)


def ncut_test(
    weights: Sequence[Array],
    clusters: int,
    seed: int,
    shuffles: int = 200,
    normalize: bool = True,
    which: str = "all",
) -> xr.Dataset:
    """Whether a network's weights are more clusterable than the same weights shuffled.

    Isolated neurons are left out; then the weights of each layer are permuted, all or only the
    places that are not zero, and the graph is clustered anew. p = (r + 1)/(n + 1), r the number of
    n shuffles with an n-cut that is not larger; z = (n-cut − mean)/sd, below 0 when modular.

    Args:
        weights: W_l of each layer (out, in).
        clusters: Number of clusters.
        seed: Seed of the stream (seed, "ncut shuffles") and of k-means.
        shuffles: n.
        normalize: Whether to undo the freedom of ReLU units first; without, a rescaling that
            changes nothing of the function changes the n-cut.
        which: "all" or "nonzero".

    Returns:
        `ncut`, `p_value`, `z` (NaN where shuffles do not differ), `null` (shuffle), `label`
        (component), over the neurons that are not isolated.

    Bad input:
        `InputError` if the matrices do not fit together or leave no graph, or a number is out of
        range.

    Example:
        >>> block = np.kron(np.eye(2), np.ones((4, 4)))
        >>> found = ncut_test([block, block], clusters=2, seed=0, shuffles=20)
        >>> round(found.ncut.item(), 9), bool(found.p_value < 0.05)
        (0.0, True)
    """
    one_of("which", which, WHICH)
    at_least("shuffles", shuffles, 2)
    whole = checked_weights(weights)
    kept, names = _without_isolated(whole)
    _check_clusters(clusters, len(names))
    generator = np.random.default_rng(stream_seed(seed, "ncut shuffles"))

    def cut(layers: Sequence[Array]) -> tuple[float, Labels]:
        adjacency = joined(rescaled(layers) if normalize else layers)
        labels = spectral_labels(adjacency, clusters, seed)
        return ncut(adjacency, labels), labels

    value, labels = cut(kept)
    null = np.array(
        [cut([_shuffled(w, which, generator) for w in kept])[0] for _ in range(shuffles)]
    )
    spread = null.std(ddof=1)
    return xr.Dataset(
        {
            "ncut": value,
            "p_value": (np.sum(null <= value + 1e-12) + 1) / (shuffles + 1),
            "z": (value - null.mean()) / spread if spread > 1e-12 else np.nan,
            "null": ("shuffle", null),
            "label": ("component", labels),
        },
        coords={"component": names},
    )


def _check_clusters(clusters: int, nodes: int) -> None:
    at_least("clusters", clusters, 2)
    if clusters >= nodes:
        rule = f"must be fewer than the {nodes} neurons with edges"
        raise InputError("clusters", rule, clusters, "Ask for fewer clusters.")


def _without_isolated(weights: list[Array]) -> tuple[list[Array], list[str]]:
    """Weights between the neurons that have an edge, and the names of these.

    Raises:
        InputError: If there are none.
    """
    into = [np.zeros(weights[0].shape[1]), *(np.abs(w).sum(1) for w in weights)]
    out = [*(np.abs(w).sum(0) for w in weights), np.zeros(len(weights[-1]))]
    alive = [(a + b) > 0 for a, b in zip(into, out, strict=True)]
    kept = [w[np.ix_(alive[i + 1], alive[i])] for i, w in enumerate(weights)]
    names = np.array(neuron_names(weights))[np.concatenate(alive)].tolist()
    if not names:
        raise InputError("weights", "must hold an edge", "only zeros", "Train the model first.")
    return kept, names


def _shuffled(weight: Array, which: str, generator: np.random.Generator) -> Array:
    """The same entries in other places."""
    if which == "all":
        return generator.permutation(weight.ravel()).reshape(weight.shape)
    mixed = weight.copy()
    mixed[weight != 0] = generator.permutation(weight[weight != 0])
    return mixed
