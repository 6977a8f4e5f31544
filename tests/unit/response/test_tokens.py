"""Rows of tokens and the items that they are."""

import numpy as np
import pytest
import xarray as xr

from somite.core.errors import InputError
from somite.response.tokens import token_rows_of

ITEMS = xr.DataArray(np.zeros((2, 3)), dims=("example", "token"))


def test_rows_are_one_token_longer():
    assert token_rows_of(ITEMS, [[1, 2, 3, 4], [5, 6, 7, 8]]).shape == (2, 4)


def test_rows_that_do_not_fit():
    with pytest.raises(InputError, match=r"tokens must be whole numbers of shape \(2, 4\), got"):
        token_rows_of(ITEMS, np.zeros((2, 3), int))
    with pytest.raises(InputError, match=r"tokens must be whole numbers .* 'float64 of shape"):
        token_rows_of(ITEMS, np.zeros((2, 4)))
    with pytest.raises(InputError, match="items must have the dims example and token"):
        token_rows_of(ITEMS[0], np.zeros((2, 4), int))
