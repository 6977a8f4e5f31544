"""Alignment undoes rotations and reflections, and changes no distance."""

import numpy as np
import pytest

from somite.response.embryology.alignment import align, rotation_to

POINTS = np.random.default_rng(0).normal(size=(40, 3)) * [3, 2, 1]


def turn(seed: int, sign: float) -> np.ndarray:
    """An orthogonal matrix of this determinant."""
    found = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))[0]
    found[:, 0] *= sign * np.linalg.det(found)
    return found


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_rotation_is_undone(sign):
    turned = POINTS @ turn(1, sign)
    assert abs(turned - POINTS).max() > 0.1
    found = rotation_to(turned, POINTS)
    np.testing.assert_allclose(turned @ found, POINTS, atol=1e-12)
    np.testing.assert_allclose(found.T @ found, np.eye(3), atol=1e-12)


def test_clouds_are_turned_to_the_last():
    clouds = np.stack([POINTS @ turn(i, 1.0) + i for i in range(4)])
    found = align(clouds)
    last = clouds[-1] - clouds[-1].mean(0)
    for cloud in found:
        np.testing.assert_allclose(cloud, last, atol=1e-12)


def test_distances_are_kept_and_what_is_given_too():
    random = np.random.default_rng(1)
    clouds = random.normal(size=(3, 20, 2)) + 5
    before = clouds.copy()
    found = align(clouds)
    np.testing.assert_array_equal(clouds, before)
    pairs = [np.linalg.norm(x[:, :, None] - x[:, None], axis=-1) for x in (found, clouds)]
    np.testing.assert_allclose(*pairs, atol=1e-12)


def test_it_is_the_nearest_of_many_rotations():
    noisy = POINTS @ turn(2, 1.0) + np.random.default_rng(3).normal(size=POINTS.shape)
    noisy -= noisy.mean(0)
    center = POINTS - POINTS.mean(0)
    best = np.linalg.norm(noisy @ rotation_to(noisy, POINTS) - center)
    assert all(best < np.linalg.norm(noisy @ turn(i, 1.0) - center) for i in range(50))
