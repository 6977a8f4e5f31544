"""A cluster survives only if it is stable, not there without loss, and no noise."""

import numpy as np
import pytest
import xarray as xr

import somite as so
from somite.core.errors import InputError

OWN = np.repeat([0, 1, -1], 20)


def clusters(replicates: list, n_beta: float, seed: int, **changed) -> xr.Dataset:
    columns = {
        "label": ("token", OWN),
        "conductance": ("cluster", [0.2, 0.4]),
        "replicate_label": (("replicate", "token"), np.array(replicates)),
    }
    names = {"cluster": [0, 1]}
    return xr.Dataset(columns | changed, names, {"n_beta": n_beta, "seed": seed})


def null(lowest: list, kind: str = "gaussian") -> xr.Dataset:
    drawn = xr.DataArray(np.array([lowest]).T, {"statistic": ["lowest"]}, ("repeat", "statistic"))
    return xr.Dataset({"drawn": drawn}, attrs={"kind": kind})


NOTHING = np.full(60, -1)
SECOND = np.where(OWN == 1, 0, -1)
HIGH = [0.9] * 19


def survival(own: list, control: list, *nulls: xr.Dataset) -> xr.Dataset:
    return so.cluster_survival(clusters(own, 30, 0), clusters(control, 0, 1), *nulls)


def test_a_cluster_of_both_runs_does_not_survive():
    found = survival([OWN, OWN], [SECOND, SECOND], null(HIGH))
    assert found.control_similarity.values.tolist() == [0, 1]
    assert found.beyond_control.values.tolist() == [1, 0.5]
    assert found.survives.values.tolist() == [True, False]


def test_pairs_of_replicates_are_counted():
    found = survival([OWN, OWN, SECOND], [NOTHING, OWN], null(HIGH))
    # The first cluster: similarities 1, 1, 0 with the loss and 0, 1 without.
    np.testing.assert_allclose(found.beyond_control, [(2 + 2 * 0.5 + 0.5) / 6, 0.75])


def test_an_unstable_cluster_does_not_survive():
    found = survival([SECOND, SECOND, OWN], [NOTHING], null(HIGH))
    assert found.survives.values.tolist() == [False, True]


def test_a_cluster_must_conduct_less_than_every_null():
    low = null([0.9] * 18 + [0.3], "permuted")
    found = survival([OWN, OWN], [NOTHING], null(HIGH), low)
    assert found.null_p_value.sel(null="permuted").values.tolist() == [0.05, 0.1]
    assert found.null_p_value.sel(null="gaussian").values.tolist() == [0.05, 0.05]
    assert found.survives.values.tolist() == [True, False]


def test_bad_requests():
    own, control = clusters([OWN], 30, 0), clusters([OWN], 0, 1)
    with pytest.raises(InputError, match="n_beta of the control must be 0, got 30"):
        so.cluster_survival(own, own, null(HIGH))
    with pytest.raises(InputError, match=r"number of nulls must be .* at least 1, got 0"):
        so.cluster_survival(own, control)
    with pytest.raises(InputError, match=r"repeats of the null must be .* at least 19, got 18"):
        so.cluster_survival(own, control, null(HIGH[1:]))
    with pytest.raises(InputError, match="clusters must have labels of replicates of"):
        so.cluster_survival(own.drop_vars("replicate_label"), control, null(HIGH))
    with pytest.raises(InputError, match="clusters must have labels of replicates of"):
        so.cluster_survival(own, control.isel(token=slice(40)), null(HIGH))
