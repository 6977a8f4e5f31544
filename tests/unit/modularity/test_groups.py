import numpy as np
import pytest
import xarray as xr

from somite.core.errors import InputError
from somite.modularity.curves import group_by_curves
from somite.modularity.groups import combine_views, group_heads
from somite.modularity.profiles import group_by_behavior
from unit.modularity.simulated import noisy_series, planted_groups

CURVES, TRUTH = planted_groups(0)
SERIES, MCSE = noisy_series(CURVES, 1)
NOISE = np.random.default_rng(2).normal(0, 0.05, (12, 4))
SCORES = xr.DataArray(
    np.eye(4)[TRUTH] + NOISE, {"component": SERIES.component}, ("component", "score")
)


def refined() -> xr.DataArray:
    profile = np.eye(4)[TRUTH] + 0.2
    draws = profile[:, :, None, None] + np.random.default_rng(0).normal(0, 0.1, (12, 4, 4, 9))
    coords = {"component": SERIES.component, "domain": list("abcd")}
    return xr.DataArray(draws, coords, ("component", "domain", "chain", "draw"))


def test_all_views_find_the_planted_groups_and_agree() -> None:
    found = group_heads(SERIES, MCSE, 0, SCORES, refined(), largest=5, bootstraps=6)
    assert found.view.values.tolist() == ["curves_ward", "curves_kmeans", "behavior", "refined"]
    assert found.n_groups.values.tolist() == [4, 4, 4, 4]
    assert (found.label == found.label[0]).all()
    assert (found.ari == 1).all()
    p = found.p_value.sel(view="curves_ward", view_other="behavior").item()
    assert 0 < p < 0.01


def test_views_that_were_not_measured_are_left_out() -> None:
    found = group_heads(SERIES, MCSE, 0, bootstraps=2, largest=3)
    assert found.view.values.tolist() == ["curves_ward", "curves_kmeans"]


def test_views_are_put_in_the_same_order_of_components() -> None:
    first = group_by_curves(SERIES, MCSE, "ward", 0, bootstraps=4)
    second = group_by_behavior(SCORES[::-1], 0, bootstraps=4, largest=5)
    found = combine_views({"one": first, "two": second}, seed=0)
    assert found.component.values.tolist() == SERIES.component.values.tolist()
    assert found.label.sel(view="two").values.tolist() == TRUTH.tolist()
    assert found.ari.sel(view="one", view_other="two").item() == 1.0
    assert np.isnan(found.candidate_silhouette.sel(view="two", candidate=8))


def test_layers_can_be_given() -> None:
    view = group_by_curves(SERIES, MCSE, "ward", 0, bootstraps=2, largest=4)
    each_its_own = combine_views({"a": view, "b": view}, 0, layers=range(12))
    assert each_its_own.p_value.sel(view="a", view_other="b").item() == 1.0


def test_unfit_views_are_refused() -> None:
    view = group_by_curves(SERIES, MCSE, "ward", 0, bootstraps=2, largest=3)
    other = view.assign_coords(component=[*view.component.values[:-1], "9:9"])
    with pytest.raises(InputError, match=r"views\['b'\] must name the same components.*9:9"):
        combine_views({"a": view, "b": other}, 0)
    with pytest.raises(InputError, match="must hold at least one grouping"):
        combine_views({}, 0)
