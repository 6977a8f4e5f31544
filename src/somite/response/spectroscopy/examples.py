"""Tokens of a cluster in the text around them."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from somite.core.checks import at_least
from somite.response.tokens import token_rows_of

Labels = NDArray[np.int64]
Text = Callable[[int], str]


def cluster_examples(
    found: xr.Dataset,
    tokens: ArrayLike,
    text: Text,
    *,
    count: int = 10,
    around: int = 8,
) -> xr.Dataset:
    """For each cluster the tokens that lie deepest in it, with what stands left and right of them.

    Deepest are those with the largest share of their neighbours in the cluster, the first in the
    text where that is the same.

    Args:
        found: From `token_clusters`, of the items (example, token): losses of predicted tokens.
        tokens: The probe's rows (example, token + 1); item (i, t) is the token t + 1 of row i.
        text: Text of a token by its number, such as `tokenizer.token_text`.
        count: Tokens of every cluster.
        around: Tokens to the left and to the right.

    Returns:
        Over (cluster, rank): places `example` and `token` of the item, −1 where a cluster has
        fewer; `left`, `word`, `right`, texts; over cluster `commonest`, the token that it holds
        most often, and its `share` of the cluster.

    Raises:
        InputError: If the rows do not fit the items.

    Example:
        >>> found = xr.Dataset({"label": (("example", "token"), [[-1, 0, 0]]),
        ...                     "inside": (("example", "token"), [[0.0, 0.5, 0.9]]),
        ...                     "size": ("cluster", [2])})
        >>> shown = cluster_examples(found, [[0, 1, 2, 3]], "abcd".__getitem__, count=1, around=1)
        >>> [shown[name].item() for name in ("left", "word", "right")]
        ['c', 'd', '']
    """
    at_least("count", count, 1)
    at_least("around", around, 0)
    rows = token_rows_of(found.label, tokens)
    label, inside = found.label.values, found.inside.values
    places = np.full((found.sizes["cluster"], count, 2), -1)
    common, share = [], []
    for i in range(len(places)):
        members = np.argwhere(label == i)
        order = np.argsort(-inside[label == i], kind="stable")[:count]
        places[i, : len(order)] = members[order]
        names, counts = np.unique(rows[:, 1:][label == i], return_counts=True)
        common.append(text(int(names[counts.argmax()])))
        share.append(float(counts.max() / counts.sum()))
    parts = [[_context(rows, place, around, text) for place in some] for some in places.tolist()]
    shape = (*places.shape[:2], 3)
    words = np.array(parts, dtype=object).reshape(shape).astype(str)
    dims = ("cluster", "rank")
    columns: dict[str, Any] = {
        name: (dims, words[..., j]) for j, name in enumerate(("left", "word", "right"))
    }
    columns |= {name: (dims, places[..., j]) for j, name in enumerate(("example", "token"))}
    columns |= {"commonest": ("cluster", common), "share": ("cluster", share)}
    return xr.Dataset(columns)


def _context(rows: Labels, place: list[int], around: int, text: Text) -> Sequence[str]:
    """Left of, at and right of an item; empty if there is none."""
    example, token = place
    if example < 0:
        return ("", "", "")
    row, here = rows[example], token + 1
    pieces = (row[max(0, here - around) : here], row[here : here + 1], row[here + 1 :][:around])
    return tuple("".join(text(int(one)) for one in piece) for piece in pieces)
