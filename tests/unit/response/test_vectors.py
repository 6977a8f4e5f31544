"""Items as vectors, and tables that have none."""

import numpy as np
import pytest
import xarray as xr

import somite as so
from laws.planted_tokens import cloud, table
from somite.core.errors import InputError


def test_columns_are_standardised_and_rows_centred():
    values = cloud("long")
    found = so.token_vectors(values)
    points = values.values.T
    standard = (points - points.mean(0)) / points.std(0)
    np.testing.assert_allclose(found, standard - standard.mean(1, keepdims=True), atol=1e-12)
    whole = so.token_vectors(values, center_rows=False)
    np.testing.assert_allclose(whole, standard, atol=1e-12)
    assert found.dims == ("token", "component")


def test_units_of_a_component_do_not_matter():
    values = cloud("round")
    scaled = values * xr.DataArray(np.arange(1.0, 9), dims="component") + 3
    np.testing.assert_allclose(so.token_vectors(scaled), so.token_vectors(values), atol=1e-9)


def test_the_full_component_is_left_out():
    values = cloud("round")
    more = xr.concat([values, values[:1].assign_coords(component=["full"])], "component")
    xr.testing.assert_identical(so.token_vectors(more), so.token_vectors(values))


def test_a_table_of_susceptibilities_will_do():
    values = cloud("round")
    pairs = so.token_vectors(xr.Dataset({"susceptibility": values, "mcse": values}))
    np.testing.assert_array_equal(pairs, so.token_vectors(values))


BAD = {
    "table must have the dims component and those of items": lambda x: x.rename(component="head"),
    "table must hold at least 2 components and 2 items": lambda x: x[:1],
    "table must hold at least 2 components and 2 items, got": lambda x: x[:, :1],
    "susceptibilities must be finite": lambda x: x.where(x.token != 3),
    "component 0:2 must answer differently to different items": lambda x: x.where(
        x.component != "0:2", 1.0
    ),
}


@pytest.mark.parametrize("words", BAD)
def test_tables_without_vectors(words):
    values = cloud("round").assign_coords(token=np.arange(400))
    with pytest.raises(InputError, match=words):
        so.token_vectors(BAD[words](values))


def test_two_tokens_are_enough():
    assert so.token_vectors(table(np.array([[1.0, 2.0], [2.0, 0.0]]))).shape == (2, 2)
