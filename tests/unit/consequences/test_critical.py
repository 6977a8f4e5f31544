import numpy as np
import pytest
import xarray as xr

from somite.consequences import DISTORTIONS, critical_level, critical_levels
from somite.consequences.distortions import Distortion, pruned
from somite.core.errors import InputError

BITS = np.arange(1.0, 9.0)
ONE = {"bits": Distortion("bits", "bits", tuple(BITS), 2, True, lambda w, b, v, g: pruned(w, 1.0))}


@pytest.mark.parametrize("exact", [1.4, 3.0, 5.77])
def test_a_rise_that_falls_fourfold_per_bit_is_met_exactly(exact):
    rises = 2.0 * 4.0**-BITS
    assert critical_level(BITS, rises, 2.0 * 4.0**-exact) == pytest.approx(exact)


def test_levels_may_fall_and_the_last_crossing_counts():
    sizes, rises = np.array([4.0, 2.0, 1.0, 0.5]), np.array([9.0, 0.1, 4.0, 1.0])
    assert critical_level(sizes, rises, 2.0) == pytest.approx(0.75)


def test_ends_are_told_apart():
    rises = np.array([[0.5, 0.1, 0.0], [3.0, 2.5, 2.0]])
    found = critical_level(BITS[:3], rises, 1.0)
    assert found[0] == 1.0
    assert np.isnan(found[1])


def damaged(number, spread, seed=0):
    """Rises that fall fourfold per bit, of two components, with noise between examples.

    The second variant is twice as bad. Critical bits at 0.01 are log4(100) and one more.
    """
    noise = np.random.default_rng(seed).normal(1, spread, number)
    mean = np.stack([4.0**-BITS, 4.0 ** (1 - BITS)])
    values = mean[:, :, None, None] * np.array([1.0, 2.0])[None, None, :, None] * noise
    dims = ("component", "bits_level", "bits_variant", "example")
    return xr.Dataset({"bits": (dims, values)}, {"component": ["a", "b"], "bits_level": BITS})


def test_levels_of_components_and_their_errors():
    found = critical_levels(damaged(400, 0.5), 0.01, distortions=ONE)
    exact = np.log(100) / np.log(4)
    # The mean of the noise is 1 ± 0.025, and a factor f moves the level by log4 f.
    error = 0.5 / 20 / np.log(4)
    np.testing.assert_allclose(found.bits, [exact, exact + 1], atol=4 * error)
    np.testing.assert_allclose(found.bits_error, error, rtol=0.25)
    assert (found.bits_low < found.bits).all()
    assert (found.bits < found.bits_high).all()
    assert not found.bits_bound.any()


def test_intervals_cover_as_often_as_they_say():
    exact = np.log(100) / np.log(4)
    inside = 0
    for seed in range(120):
        one = critical_levels(damaged(60, 0.5, seed), 0.01, seed, ONE, 100).isel(component=0)
        inside += bool(one.bits_low <= exact <= one.bits_high)
    assert abs(inside / 120 - 0.95) < 4 * (0.95 * 0.05 / 120) ** 0.5


def test_the_mean_of_variants_counts_where_no_best_is_chosen():
    mean = {"bits": Distortion("bits", "bits", tuple(BITS), 2, False, ONE["bits"].change)}
    best, all_ = (critical_levels(damaged(50, 0.1), 0.01, distortions=d) for d in (ONE, mean))
    shift = np.log(1.5) / np.log(4)
    np.testing.assert_allclose(all_.bits - best.bits, shift, atol=1e-9)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: critical_level(BITS, BITS, 0.0), "tolerance must be positive"),
        (lambda: critical_level(BITS, BITS[:3], 1.0), "rises must have 8 levels"),
        (
            lambda: critical_levels(damaged(5, 0.1), 0.01, distortions=ONE, repeats=1),
            "repeats must be a whole number of at least 2",
        ),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(InputError, match=message):
        call()


def test_levels_of_all_distortions_go_from_coarse_to_fine():
    for each in DISTORTIONS.values():
        steps = np.diff(each.levels)
        assert (steps < 0).all() if each.name == "noise" else (steps > 0).all()
