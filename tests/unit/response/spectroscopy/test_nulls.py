"""Nulls keep what they say; clusters stand out, clouds do not; the control must be one."""

import numpy as np
import pytest
import xarray as xr

import somite as so
from laws.planted_tokens import cloud, planted
from somite.core.errors import InputError
from somite.response.spectroscopy.nulls import gaussian, permuted


def test_a_permutation_keeps_what_every_component_answers():
    values = cloud("arms").values
    found = permuted(values, np.random.default_rng(0))
    np.testing.assert_array_equal(np.sort(found, axis=1), np.sort(values, axis=1))
    assert abs(np.corrcoef(found, values)[0, 8]) < 0.2
    orders = np.argsort(np.argsort(found, axis=1), axis=1)
    assert (orders[0] != orders[1]).any()


def test_a_normal_null_keeps_means_and_covariances():
    values = cloud("long", size=200).values + 3
    found = np.concatenate([gaussian(values, np.random.default_rng(i)) for i in range(200)], 1)
    scale = np.sqrt(np.outer(*[values.var(1)] * 2))
    assert (abs(np.cov(found) - np.cov(values, ddof=0)) < 0.03 * scale).all()
    assert (abs(found.mean(1) - values.mean(1)) < 0.03 * values.std(1)).all()


@pytest.mark.parametrize("kind", ["permuted", "gaussian"])
def test_planted_clusters_stand_out(kind):
    found = so.cluster_null(planted()[0], kind=kind, repeats=9)
    assert found.value.values.tolist()[:2] == [5, 1]
    assert (found.null_mean.values[:2] < [1, 0.2]).all()
    np.testing.assert_allclose(found.p_value, 0.1)
    signed = found.z * [1, 1, -1, -1]
    assert (signed.where(found.null_sd > 0, 9) > 4).all()


@pytest.mark.parametrize("kind", ["permuted", "gaussian"])
def test_a_cloud_does_not(kind):
    found = so.cluster_null(cloud("round"), kind=kind, repeats=5)
    assert (found.p_value == 1).all()
    assert found.z.isnull().all()


FINE = so.Conductance(neighbors=12, smallest=10)


def test_arms_of_single_components_are_no_joint_structure():
    """Components that answer strongly to few tokens, each on its own, make clusters as well."""
    values = cloud("arms", size=300)
    normal = so.cluster_null(values, FINE, kind="gaussian", repeats=9)
    orders = so.cluster_null(values, FINE, kind="permuted", repeats=9)
    assert normal.value.sel(statistic="clusters") == orders.value.sel(statistic="clusters") > 3
    np.testing.assert_allclose(normal.p_value, 0.1)
    assert (orders.p_value.sel(statistic=["clusters", "conductance"]) > 0.1).all()
    assert (abs(orders.z.fillna(0)) < 3.5).all()


def test_the_seed_decides():
    values = cloud("arms", size=150)
    one, same, other = (so.cluster_null(values, FINE, repeats=2, seed=seed) for seed in (0, 0, 1))
    xr.testing.assert_identical(one, same)
    assert (one.null_mean != other.null_mean).any()


def test_bad_nulls():
    with pytest.raises(InputError, match="kind must be a known name, got 'normal'"):
        so.cluster_null(cloud("round"), kind="normal")
    with pytest.raises(InputError, match=r"repeats must be .* 2, got 1"):
        so.cluster_null(cloud("round"), repeats=1)


def pair() -> tuple[xr.Dataset, xr.Dataset]:
    found = xr.Dataset(
        {"value": ("statistic", [9.0, 0.5]), "error": ("statistic", [3.0, 0.0])},
        {"statistic": ["clusters", "coverage"]},
        {"n_beta": 10.0, "seed": 0, "localization": 1.0},
    )
    control = found.assign(value=("statistic", [1.0, 0.5]), error=("statistic", [4.0, 0.0]))
    return found, control.assign_attrs(n_beta=0.0, seed=1)


def test_the_contrast_with_the_control():
    found = so.cluster_contrast(*pair())
    assert found.difference.values.tolist() == [8, 0]
    assert found.error.values.tolist() == [5, 0]
    assert found.z.values[0] == pytest.approx(1.6)
    assert found.p_value.values[0] == pytest.approx(0.1096, abs=1e-4)
    assert np.isnan(found.z.values[1])


BAD = {
    "n_beta of the control must be 0, got 10": {"n_beta": 10.0},
    "seed of the control must differ": {"seed": 0},
    "localization of the control must be the same": {"localization": 9.0},
}


@pytest.mark.parametrize("words", BAD)
def test_what_is_no_control(words):
    found, control = pair()
    with pytest.raises(InputError, match=words):
        so.cluster_contrast(found, control.assign_attrs(BAD[words]))


def test_a_contrast_needs_errors():
    found, control = pair()
    for name, given in (
        ("found", (found.drop_vars("error"), control)),
        ("control", (found, control.drop_vars("error"))),
    ):
        with pytest.raises(InputError, match=f"{name} must have errors of its statistics"):
            so.cluster_contrast(*given)
