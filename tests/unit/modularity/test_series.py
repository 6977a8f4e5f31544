import numpy as np
import pytest
import xarray as xr

from somite.core.errors import InputError
from somite.modularity.series import check_errors, check_series, check_steps, mean_curves
from unit.modularity.simulated import noisy_series

CURVES = np.arange(6.0).reshape(3, 2)


def test_order_of_dims_does_not_matter() -> None:
    series, _ = noisy_series(CURVES, 0)
    turned = series.transpose("draw", "component", "step", "chain")
    xr.testing.assert_equal(check_series(turned), series)


def test_chain_with_one_nan_is_left_out_whole() -> None:
    series, _ = noisy_series(CURVES, 0)
    series[1, 0, 2, 7] = np.nan
    found = mean_curves(series)
    expected = series[1, 0].isel(chain=[0, 1, 3]).mean()
    assert found[1, 0].item() == pytest.approx(expected.item(), rel=1e-12)
    assert found[1, 1].item() == pytest.approx(series[1, 1].mean().item(), rel=1e-12)


def test_cell_without_good_chain_is_named() -> None:
    series, _ = noisy_series(CURVES, 0)
    series[2, 1, :, 0] = np.inf
    with pytest.raises(InputError, match=r"a chain without NaN .*none for 1:0 at step 2"):
        check_series(series)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda s: s.isel(draw=0), "must have the dims step, component, chain, draw"),
        (lambda s: s.drop_vars("step"), "must have the coordinate step"),
        (lambda s: s.drop_vars("component"), "must have the coordinate component"),
        (lambda s: s.assign_coords(step=[0, 5, 5]), "steps of zero or more that increase"),
        (lambda s: s.assign_coords(step=[-1, 5, 6]), "steps of zero or more that increase"),
        (lambda s: s.isel(step=slice(0)), "steps of zero or more that increase"),
        (lambda s: s.assign_coords(component=["0:0", "0:0"]), "must name each component once"),
        (lambda s: s.isel(draw=slice(0)), "must hold draws"),
    ],
)
def test_unfit_series_is_refused(change, words) -> None:
    series, _ = noisy_series(CURVES, 0)
    with pytest.raises(InputError, match=words):
        check_series(change(series))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda m: m.isel(step=0), "must have the dims step, component"),
        (lambda m: m.isel(step=[0, 1]), "must have the same step as series"),
        (lambda m: m.assign_coords(component=["a", "b"]), "must have the same component"),
        (lambda m: m * 0, "must be finite and positive, got '6 that are not'"),
        (lambda m: m.where(m.step > 0), "must be finite and positive, got '2 that are not'"),
    ],
)
def test_unfit_errors_are_refused(change, words) -> None:
    series, mcse = noisy_series(CURVES, 0)
    with pytest.raises(InputError, match=words):
        check_errors(change(mcse), series)


def test_steps_of_a_curve_without_coordinate() -> None:
    with pytest.raises(InputError, match="must have the coordinate step"):
        check_steps("curve", xr.DataArray([1.0], dims="step"))
