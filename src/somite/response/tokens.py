"""Which token an item is: the losses of a row are those of its tokens but the first."""

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from somite.core.errors import InputError

ITEM = ("example", "token")


def token_rows_of(items: xr.DataArray, tokens: ArrayLike) -> NDArray[np.int64]:
    """Rows of tokens whose next-token losses are the items (example, token).

    Raises:
        InputError: If the rows do not fit.
    """
    rows = np.asarray(tokens)
    if items.dims != ITEM:
        remedy = 'Record with {"probe": "token"}.'
        raise InputError("items", "must have the dims example and token", items.dims, remedy)
    wanted = (items.sizes["example"], items.sizes["token"] + 1)
    if rows.shape != wanted or not np.issubdtype(rows.dtype, np.integer):
        remedy = "Pass the rows of the probe, one token longer than its losses."
        got = f"{rows.dtype} of shape {rows.shape}"
        raise InputError("tokens", f"must be whole numbers of shape {wanted}", got, remedy)
    return rows.astype(np.int64)
