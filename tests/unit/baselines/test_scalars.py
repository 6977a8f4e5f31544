import numpy as np
import pytest

from somite.baselines.scalars import scalars
from somite.core.errors import InputError
from unit.baselines.small import drawn, series


def test_principal_component_recovers_the_one_direction_that_varies():
    source = drawn(2, 30)
    direction = np.array([0.6, -0.8])
    found = scalars(series(source[..., None] * direction, "feature"))
    centered = source - source.mean(1, keepdims=True)
    np.testing.assert_allclose(found, -centered, atol=1e-12)  # the larger loading is negative


def test_principal_component_has_the_largest_variance_of_all_directions():
    values = drawn(2, 50, 3) * np.array([1.0, 3.0, 0.5])
    found = scalars(series(values, "feature"))
    largest = [np.linalg.eigvalsh(np.cov(one.T))[-1] for one in values]
    np.testing.assert_allclose(found.var(1, ddof=1), largest)


def test_norms_do_not_change_with_a_rotation_of_features():
    values, turn = drawn(2, 9, 3), np.linalg.qr(drawn(3, 3, seed=1))[0]
    before, after = (scalars(series(v, "feature"), "norm") for v in (values, values @ turn))
    np.testing.assert_allclose(before, after)


def test_bad_ways_and_constant_norms_are_named():
    with pytest.raises(InputError, match="way must be a known name, got 'mean'"):
        scalars(series(drawn(2, 5)), "mean")
    signs = series(np.array([[1.0, -1.0, 1.0], [1.0, 2.0, 3.0]]))
    with pytest.raises(InputError, match="norms of activations must vary over samples"):
        scalars(signs, "norm")
