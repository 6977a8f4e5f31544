"""Covariances of quadratics: by draws, and what does not fit."""

import numpy as np
import pytest

from somite.core.errors import InputError
from somite.theory import quadratic_covariance


def test_it_is_the_covariance_of_draws():
    random = np.random.default_rng(0)
    root, mean = random.normal(size=(3, 3)), random.normal(size=3)
    parts = [(random.normal(size=3), (a := random.normal(size=(3, 3))) + a.T) for _ in range(2)]
    draws = mean + random.normal(size=(200_000, 3)) @ root.T
    values = [draws @ g + np.einsum("ni,ij,nj->n", draws, a, draws) / 2 for g, a in parts]
    series = np.prod([x - x.mean() for x in values], axis=0)
    exact = quadratic_covariance(root @ root.T, *parts, mean)
    assert abs(series.mean() - exact) < 4 * series.std() / np.sqrt(len(series))
    wrong = quadratic_covariance(root @ root.T, *parts)  # as if around the origin
    assert abs(series.mean() - wrong) > 6 * series.std() / np.sqrt(len(series))


def test_shapes_must_agree():
    words = "covariance and quadratics must be a square matrix, and slopes and curvatures"
    with pytest.raises(InputError, match=words):
        quadratic_covariance(np.eye(2), ([1.0], [[0.0]]), ([1.0], [[0.0]]))
