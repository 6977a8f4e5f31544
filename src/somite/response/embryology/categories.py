"""What kind of token a token is, by its text, that of its neighbours, and what came before it.

word_start    its first visible sign is a letter, and a space or no letter comes before that
word_part     its first sign is a letter that continues the letters of the token before
word_end      its last sign is a letter, and the next token does not begin with a letter
space         white space alone
line_break    it contains a line break
delimiter     its visible signs are brackets or quotation marks
punctuation   its visible signs are others that are neither letters nor digits
digit         its visible signs are digits
induction     an earlier place of the row has the same token after the same previous token
other         none of the above

A token may be of several kinds. A letter is what Unicode calls one.
"""

from collections.abc import Callable

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from somite.response.tokens import ITEM, token_rows_of

Rows = NDArray[np.int64]
Flags = NDArray[np.bool_]
DELIMITERS = frozenset("()[]{}<>\"'`\u201c\u201d\u2018\u2019«»")
OWN = ("starts", "ends", "spaced", "space", "line_break", "delimiter", "punctuation", "digit")
KINDS = (
    *("word_start", "word_part", "word_end", "space", "line_break", "delimiter"),
    *("punctuation", "digit", "induction", "other"),
)


def token_categories(
    items: xr.DataArray | xr.Dataset, tokens: ArrayLike, text: Callable[[int], str]
) -> xr.DataArray:
    """The kinds of the predicted token of every item.

    word_start: its first visible sign is a letter that does not continue the letters of the token
    before; word_part: that does; word_end: its last sign is a letter, and the next token begins
    with none (unknown, hence False, for the last of a row); space: white space alone; line_break:
    it contains one; delimiter: brackets or quotation marks alone, spaces aside; punctuation: other
    signs alone, neither letters nor digits; digit: digits alone; induction: the row has the same
    two tokens, the previous and this one, at an earlier place; other: none of these.

    Args:
        items: Whatever has the dims (example, token), losses of predicted tokens.
        tokens: The probe's rows (example, token + 1); item (i, t) is the token t + 1 of row i.
        text: Text of a token by its number, with plain spaces, such as
            `lambda token: tokenizer.decode([token])`.

    Returns:
        Booleans (category, example, token); a token may be of several categories.

    Raises:
        InputError: If the rows do not fit the items.

    Example:
        >>> items = xr.DataArray(np.zeros((1, 5)), dims=("example", "token"))
        >>> words = ["x", " a", "b", ")", " a", "b"]
        >>> rows = [[0, 1, 2, 3, 1, 2]]
        >>> found = token_categories(items, rows, words.__getitem__)
        >>> found.sel(category="word_end").values.tolist()
        [[False, True, False, False, False]]
        >>> found.sel(category="induction").values.tolist()
        [[False, False, False, False, True]]
    """
    values = items.susceptibility if isinstance(items, xr.Dataset) else items
    others = {name: 0 for name in values.dims if name not in ITEM}
    rows = token_rows_of(values.isel(others, drop=True), tokens)
    known, places = np.unique(rows, return_inverse=True)
    table = np.array([signs(text(int(one))) for one in known])
    own = dict(zip(OWN, table[places.reshape(rows.shape)].transpose(2, 0, 1), strict=True))
    before_ends, after_starts = own["ends"][:, :-1], own["starts"] & ~own["spaced"]
    begins = own["starts"][:, 1:]
    continues = begins & ~own["spaced"][:, 1:] & before_ends
    known_next = np.zeros_like(begins)
    known_next[:, :-1] = ~after_starts[:, 2:]
    found = {name: own[name][:, 1:] for name in OWN[3:]}
    found |= {"word_start": begins & ~continues, "word_part": continues}
    found |= {"word_end": own["ends"][:, 1:] & known_next, "induction": repeated(rows)}
    found["other"] = ~np.any(list(found.values()), axis=0)
    stacked = np.stack([found[name] for name in KINDS])
    return xr.DataArray(stacked, {"category": list(KINDS)}, ("category", *ITEM))


def signs(text: str) -> tuple[bool, ...]:
    """What the text of a token says by itself, in the order of `OWN`.

    Example:
        >>> dict(zip(OWN, signs(" a"), strict=True))["spaced"]
        True
    """
    seen = text.strip()
    marks = bool(seen) and not any(sign.isalnum() for sign in seen)
    brackets = marks and all(sign in DELIMITERS for sign in seen)
    return (
        seen[:1].isalpha(),
        text[-1:].isalpha(),
        text != text.lstrip(),
        bool(text) and not seen,
        "\n" in text,
        brackets,
        marks and not brackets,
        seen.isdigit(),
    )


def repeated(rows: Rows) -> Flags:
    """Whether the pair of a token and the one before stands earlier in the row, from place 1 on.

    Example:
        >>> repeated(np.array([[7, 8, 9, 7, 8]])).tolist()
        [[False, False, False, True]]
    """
    pairs = rows[:, :-1] * (int(rows.max()) + 1) + rows[:, 1:]
    order = np.argsort(pairs, axis=1, kind="stable")
    ranked = np.take_along_axis(pairs, order, 1)
    again = np.zeros_like(pairs, dtype=bool)
    again[:, 1:] = ranked[:, 1:] == ranked[:, :-1]
    found = np.empty_like(again)
    np.put_along_axis(found, order, again, 1)
    return found
