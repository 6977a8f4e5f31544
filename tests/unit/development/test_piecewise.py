import numpy as np
import pytest

from somite.development.criterion import information_criterion
from somite.development.piecewise import WeightedCurves, hinges, most_boundaries
from somite.development.search import descend, refine_all, search_grid, spread_out
from unit.modularity.simulated import STEPS

AXIS = np.log1p(STEPS.astype(float))
KNOTS = np.array([2.9, 6.1])


def exact(slopes: list[list[float]], knots: np.ndarray = KNOTS) -> WeightedCurves:
    values = hinges(AXIS, knots) @ np.array(slopes).T
    errors = np.random.default_rng(0).uniform(0.5, 2.0, values.shape)
    return WeightedCurves(AXIS, values, errors)


BENT = [[1, 0.5, 2, -3], [0, -1, 1.5, 2], [5, 0, 0, 1]]


def test_fit_is_weighted_least_squares() -> None:
    noisy = exact(BENT)
    values = noisy.values + np.random.default_rng(1).normal(size=noisy.values.shape)
    curves = WeightedCurves(AXIS, values, noisy.errors)
    residual = (values - curves.fit(KNOTS)) / noisy.errors**2
    assert np.abs(hinges(AXIS, KNOTS).T @ residual).max() < 1e-9  # normal equations
    scaled = (values - curves.fit(KNOTS)) / noisy.errors
    assert curves.misfit(KNOTS) == pytest.approx((scaled**2).sum(), rel=1e-9)


def test_misfit_with_a_candidate_is_the_misfit_of_both() -> None:
    curves = exact(BENT)
    candidates = np.array([1.5, 4.0, 6.1])
    found = curves.misfit_with(KNOTS[:1], candidates)
    expected = [curves.misfit(np.array([KNOTS[0], c])) for c in candidates]
    assert found == pytest.approx(expected, rel=1e-8, abs=1e-8)


def test_candidate_that_adds_nothing_changes_nothing() -> None:
    curves = exact(BENT)
    found = curves.misfit_with(KNOTS[:1], np.array([AXIS[0], KNOTS[0], AXIS[-1]]))
    assert found == pytest.approx(np.full(3, curves.misfit(KNOTS[:1])), rel=1e-6)


def test_knots_without_noise_are_found_to_a_thousandth() -> None:
    curves = exact(BENT)
    found = refine_all(curves, search_grid(curves, 3))[2]
    assert found == pytest.approx(KNOTS, abs=2e-3)


def test_more_knots_never_fit_worse() -> None:
    curves = exact(BENT)
    noise = np.random.default_rng(1).normal(size=curves.values.shape)
    curves = WeightedCurves(AXIS, curves.values + noise, curves.errors)
    solutions = refine_all(curves, search_grid(curves, 5))
    misfits = [curves.misfit(knots) for knots in solutions]
    assert np.all(np.diff(misfits) <= 1e-9)


def test_knots_keep_their_distance() -> None:
    curves = exact(BENT)
    noise = 5 * np.random.default_rng(1).normal(size=curves.values.shape)
    curves = WeightedCurves(AXIS, curves.values + noise, curves.errors)
    for knots in refine_all(curves, search_grid(curves, 6)):
        index = np.interp(knots, AXIS, np.arange(len(AXIS)))
        assert np.all(np.diff(np.concatenate([[0], index, [len(AXIS) - 1]])) > 2 - 1e-6)


def test_search_leaves_a_bad_start() -> None:
    found = descend(exact(BENT), spread_out(np.array([7.0, 7.1]), AXIS))
    assert found == pytest.approx(KNOTS, abs=2e-3)


def test_room_for_the_most_boundaries() -> None:
    assert [most_boundaries(n) for n in (1, 5, 6, 16)] == [0, 1, 1, 6]
    assert len(spread_out(np.full(6, 3.0), AXIS)) == 6
    many = WeightedCurves(np.arange(41.0), np.sin(np.arange(41.0))[:, None], np.ones((41, 1)))
    assert len(search_grid(many, 12)[-1]) == 12


def test_criterion_counts_measured_values() -> None:
    curves = exact(BENT)
    solutions = [np.empty(0), KNOTS[:1]]
    found = information_criterion(curves, solutions, 3.0)
    n = curves.values.size
    for k, knots in enumerate(solutions):
        expected = n * np.log(curves.misfit(knots) / n) + (k * 5 + 6) * np.log(n)
        assert found[k] == pytest.approx(expected)


def test_shared_noise_makes_knots_in_straight_lines_unless_it_is_counted() -> None:
    wrong, right = 0, 0
    for seed in range(200):
        generator = np.random.default_rng(seed)
        own, common = generator.normal(size=(16, 6)), generator.normal(size=(16, 1))
        noise = np.sqrt(0.1) * own + np.sqrt(0.9) * common
        curves = WeightedCurves(AXIS, noise, np.ones((16, 6)))
        solutions = refine_all(curves, search_grid(curves, 2))
        wrong += int(np.argmin(information_criterion(curves, solutions, 6.0)) > 0)
        right += int(np.argmin(information_criterion(curves, solutions, 1.2)) > 0)
    assert right <= 20 < wrong


def test_criterion_does_not_depend_on_the_scale_of_the_errors() -> None:
    curves = exact(BENT)
    tiny = WeightedCurves(AXIS, curves.values, curves.errors / 1000)
    solutions = [np.empty(0), KNOTS[:1]]
    differences = [np.diff(information_criterion(c, solutions, 2.0)) for c in (curves, tiny)]
    assert differences[0] == pytest.approx(differences[1])
