"""Leiden's algorithm (extra `leiden`), with a refinement for signed graphs."""

from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_matrix

from somite.core.errors import InputError
from somite.modularity.algorithms.refinement import refine
from somite.modularity.clustering import Labels
from somite.modularity.matrix import off_diagonal
from somite.modularity.series import Array


def leiden(weights: Array, counts: Sequence[int], seed: int) -> Labels:
    """Largest modularity by Leiden on the positive part, refined on the signed whole.

    Traag, Waltman and van Eck 2019, by scikit-network. It chooses the number of modules.

    Raises:
        InputError: If scikit-network is not installed.
    """
    try:
        from sknetwork.clustering import Leiden
    except ImportError as error:
        remedy = 'Install it: pip install "somite[leiden]", or use "louvain".'
        rule = "must be installed for the algorithm leiden"
        raise InputError("scikit-network", rule, str(error), remedy) from None
    positive = csr_matrix(np.maximum(off_diagonal(weights), 0.0))
    if positive.nnz == 0:
        return refine(weights, np.arange(len(weights)))[None]
    method = Leiden(modularity="newman", shuffle_nodes=True, random_state=seed)
    labels = np.asarray(method.fit_predict(positive), dtype=np.int64)
    return refine(weights, labels)[None]
