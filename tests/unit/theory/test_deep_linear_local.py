import numpy as np
import pytest

from somite.core.errors import InputError
from somite.theory import (
    Coefficient,
    deep_linear_coefficient,
    generic_jacobian_rank,
    is_regular,
    is_smooth,
    jacobian_rank,
    reduced_rank_coefficient,
    regular_coefficient,
    two_layer_local_coefficient,
)
from unit.theory.chains import all_ranks, dense_jacobian, distance_to_set, random_chain

SHAPES = [(2, 2, 2), (3, 2, 3), (2, 3, 2), (2, 2, 2, 2), (3, 1, 2, 2), (2, 3, 3, 2)]


def rng():
    return np.random.default_rng(0)


def test_local_value_is_not_the_minimum():
    chain = [np.eye(5), np.zeros((5, 5))]
    assert regular_coefficient(chain) == Coefficient(12.5, 1)
    assert two_layer_local_coefficient((5, 5, 5), 5, 0) == Coefficient(12.5, 1)
    assert deep_linear_coefficient((5, 5, 5), 0) == Coefficient(9.5, 2)


def test_two_sides_of_one_set():
    assert two_layer_local_coefficient((1, 1, 4), 0, 1).value == 0.5
    assert two_layer_local_coefficient((1, 1, 4), 1, 0).value == 2.0
    assert reduced_rank_coefficient(1, 1, 4, 0).value == 0.5


@pytest.mark.parametrize(("inputs", "hidden", "outputs"), [(5, 3, 4), (4, 3, 5), (3, 3, 3)])
def test_published_two_layer_formulas(inputs, hidden, outputs):
    """(HN + rM − Hr)/2 where A has rank H, (HM + rN − Hr)/2 where B has: r is the other rank."""
    widths = (inputs, hidden, outputs)
    for r in range(hidden + 1):
        first = (hidden * outputs + r * inputs - hidden * r) / 2
        second = (hidden * inputs + r * outputs - hidden * r) / 2
        assert two_layer_local_coefficient(widths, hidden, r).value == first
        assert two_layer_local_coefficient(widths, r, hidden).value == second
        assert min(first, second) >= reduced_rank_coefficient(*widths, r).value


@pytest.mark.parametrize("widths", SHAPES)
def test_jacobian_rank_is_that_of_the_jacobian(widths):
    generator = rng()
    for ranks in all_ranks(widths):
        chain = random_chain(widths, ranks, generator)
        dense = np.linalg.matrix_rank(dense_jacobian(chain), tol=1e-9)
        assert jacobian_rank(chain) == dense


@pytest.mark.parametrize("widths", SHAPES)
def test_regular_means_that_a_random_neighbour_has_the_same_rank(widths):
    generator = rng()
    kinds = set()
    for ranks in all_ranks(widths):
        chain = random_chain(widths, ranks, generator)
        near = [matrix + 1e-3 * generator.standard_normal(matrix.shape) for matrix in chain]
        assert jacobian_rank(near) == generic_jacobian_rank(widths)
        same = jacobian_rank(near) == jacobian_rank(chain)
        assert is_regular(chain) == same
        kinds.add(same)
    assert kinds == {True, False}


@pytest.mark.parametrize("widths", SHAPES[:4])
def test_smooth_means_that_every_flat_direction_can_be_followed(widths):
    """At a smooth point a step along the kernel stays near the set; at a singular one it leaves."""
    generator = rng()
    kinds = set()
    for ranks in all_ranks(widths):
        chain = random_chain(widths, ranks, generator)
        away = max(distance_to_set(chain, 1e-3, generator) for _ in range(5))
        assert is_smooth(chain) == (away < 0.04)
        kinds.add(is_smooth(chain))
    assert kinds == {True, False}


@pytest.mark.parametrize("widths", SHAPES)
def test_regular_points_are_smooth_also_without_the_short_cut(widths, monkeypatch):
    found = {ranks: random_chain(widths, ranks, rng()) for ranks in all_ranks(widths)}
    regular = [ranks for ranks, chain in found.items() if is_regular(chain)]
    monkeypatch.setattr("somite.theory.deep_linear_local.is_regular", lambda chain: False)
    assert all(is_smooth(found[ranks]) for ranks in regular)


@pytest.mark.parametrize("widths", SHAPES)
def test_values_at_smooth_points_are_not_below_the_minimum(widths):
    chains = {ranks: random_chain(widths, ranks, rng()) for ranks in all_ranks(widths)}
    smooth = [ranks for ranks, chain in chains.items() if is_smooth(chain)]
    assert smooth
    for ranks in smooth:
        least = deep_linear_coefficient(widths, min(ranks)).value
        assert regular_coefficient(chains[ranks]).value >= least


def test_badly_scaled_products_keep_their_rank():
    chain = [np.diag([1.0, 1e-6]) for _ in range(4)]
    assert jacobian_rank(chain) == 4
    assert is_regular([matrix * 1e-30 for matrix in chain])


def test_whole_numbers_are_welcome():
    assert jacobian_rank([np.eye(2, dtype=int), np.zeros((3, 2), dtype=int)]) == 6


def test_singular_points_are_refused():
    words = r"weights must be a smooth point, got 'layers of rank \[0, 0\]'.*reference sampler"
    with pytest.raises(InputError, match=words):
        regular_coefficient([np.zeros((3, 3))] * 2)
    with pytest.raises(InputError, match=r"ranks must include one of a factor with full rank"):
        two_layer_local_coefficient((3, 3, 3), 1, 2)


@pytest.mark.parametrize(
    ("chain", "words"),
    [
        ([], r"weights must be matrices of shapes \(H_1, H_0\), .*got \[\]"),
        ([np.ones(3)], r"got \[\(3,\)\]"),
        ([np.ones((2, 3)), np.ones((2, 3))], r"got \[\(2, 3\), \(2, 3\)\].*first layer first"),
        ([np.full((2, 2), np.nan)], "weights must hold finite numbers only"),
    ],
)
@pytest.mark.parametrize("function", [jacobian_rank, is_regular, is_smooth, regular_coefficient])
def test_what_is_no_chain(function, chain, words):
    with pytest.raises(InputError, match=words):
        function(chain)
