from itertools import product

import numpy as np

from somite.modularity.algorithms.refinement import refine
from somite.modularity.statistics import modularity
from unit.modularity.planted import symmetric_noise


def test_no_single_move_and_no_union_gains_any_more() -> None:
    weights = symmetric_noise(8, np.random.default_rng(0))
    found = refine(weights, np.arange(8))
    best = modularity(weights, found)
    for component, module in product(range(8), range(9)):
        moved = found.copy()
        moved[component] = module
        assert modularity(weights, moved) <= best + 1e-12
    for one, two in product(range(found.max() + 1), repeat=2):
        assert modularity(weights, np.where(found == one, two, found)) <= best + 1e-12


def test_it_never_loses_and_reaches_the_best_of_all_partitions_of_small_graphs() -> None:
    every = np.array(list(product(range(3), repeat=6)))
    reached = 0
    for seed in range(20):
        weights = symmetric_noise(6, np.random.default_rng(seed))
        best = max(modularity(weights, row) for row in every[:243])
        found = modularity(weights, refine(weights, np.arange(6)))
        assert found >= modularity(weights, np.arange(6))
        reached += found >= best - 1e-12
    assert reached >= 15
