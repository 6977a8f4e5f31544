"""Rise and pull of a loss within reach, where both are known."""

import math

import pytest
import torch

from somite.calibration.locality import Ball, gaussian_ball, measured_rounding
from unit.calibration.small import power_loss, viewed

ROW = torch.zeros(1)


@pytest.mark.parametrize(("exponent", "ratio"), [(2, 1.0), (4, 0.5), (6, 1 / 3)])
@pytest.mark.parametrize("localization", [0.1, 1e4])
def test_ratio_is_one_over_half_the_degree_at_every_reach(exponent, ratio, localization):
    view, patch = viewed([0.0] * 5, power_loss(exponent))
    ball = gaussian_ball(view, patch, ROW, localization, pairs=3)
    assert ball.ratio == pytest.approx(ratio, rel=1e-12)


def test_rise_times_localization_is_half_the_trace():
    curvatures = torch.arange(1.0, 401.0, dtype=torch.float64) / 100
    view, patch = viewed([0.3] * 400, lambda m, b: (curvatures * (m.w - 0.3) ** 2 / 2).sum()[None])
    pairs = 50
    ball = gaussian_ball(view, patch, ROW, 7.0, pairs)
    half_trace = float(curvatures.sum()) / 2
    error = math.sqrt(float(curvatures.square().sum()) / 2 / pairs)
    assert abs(ball.rise * 7 - half_trace) < 4 * error
    assert error < 0.02 * half_trace


def test_a_slope_cancels():
    slope = torch.tensor([30.0, -50.0], dtype=torch.float64)
    view, patch = viewed([1.0, 2.0], lambda m, b: (slope * m.w).sum()[None])
    ball = gaussian_ball(view, patch, ROW, 1.0, pairs=2)
    assert abs(ball.rise) < 1e-12
    assert abs(ball.pull) < 1e-12


def test_a_level_loss_has_no_ratio():
    assert math.isnan(Ball(0.0, 0.0).ratio)
    assert Ball(0.0, 0.0).finite
    assert not Ball(math.inf, math.nan).finite


def test_a_loss_that_is_infinite_far_out():
    wall = viewed([0.0], lambda m, b: torch.where(m.w.abs() < 1, m.w**2, math.inf))
    assert not gaussian_ball(*wall, ROW, 1e-4, pairs=2).finite
    assert gaussian_ball(*wall, ROW, 1e4, pairs=2).ratio == pytest.approx(1)


def test_rounding_is_that_of_the_loss():
    view, patch = viewed([2.0], power_loss(2))
    assert measured_rounding(view, patch, ROW, 2, precision=1e-3) == pytest.approx(2e-3, rel=0.1)
