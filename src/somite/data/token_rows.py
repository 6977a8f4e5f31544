"""Text as rows of tokens: packed end to end, or one document a row."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

import torch
from torch import Tensor

from somite.core.checks import at_least
from somite.core.errors import InputError, nearest
from somite.data.collect import IDS, collect


def token_rows(
    texts: Iterable[str | Mapping[str, Any]],
    tokenizer: Any,
    context: int,
    rows: int,
    *,
    pack: bool = True,
    separator: int | None = None,
    column: str = "text",
) -> Tensor | dict[str, Tensor]:
    """Rows of tokens from documents, read until there are enough.

    Packed, the documents lie end to end and are cut every `context` tokens; what is left at the end
    is dropped. Padded, each row is the beginning of one document; documents of fewer than two
    tokens are left out, since nothing in them is predicted.

    Args:
        texts: Documents: strings, or the rows of a Hugging Face data set, streaming or not.
        tokenizer: What has `encode(text)`: a tokenizer of Hugging Face or of somite.
        context: Tokens per row, at most.
        rows: How many rows to take at most.
        pack: Whether to pack; else rows are padded on the right.
        separator: A token after each packed document, such as `tokenizer.eos_token_id`.
        column: Field of the text where documents are mappings.

    Returns:
        Packed: (row, context), int64. Padded: a dict of `input_ids` and `attention_mask`, as wide
        as the longest row.

    Raises:
        InputError: If there is no text, or too little for one row.

    Example:
        >>> from somite.data import train_tokenizer
        >>> letters = train_tokenizer(["ab"], vocab_size=256)
        >>> token_rows(["ab", "c", "de"], letters, context=2, rows=9, separator=0).tolist()
        [[97, 98], [0, 99], [0, 100], [101, 0]]
        >>> token_rows(["abc", "c", "de"], letters, 3, 9, pack=False)["input_ids"].tolist()
        [[97, 98, 99], [100, 101, 0]]
    """
    at_least("context", context, 2, "A token is predicted from those before it.")
    at_least("rows", rows, 1)
    documents = (_tokens(tokenizer, _text(document, column)) for document in texts)
    if pack:
        cut = _packed(documents, context, [] if separator is None else [separator])
    else:
        cut = (tokens[:context] for tokens in documents if len(tokens) > 1)
    found = list(islice(cut, rows))
    if not found:
        rule, remedy = f"must fill at least one row of {context} tokens", "Pass more text."
        raise InputError("texts", rule, "too little text", remedy)
    if pack:
        return torch.tensor(found)
    padded = collect([{IDS: tokens} for tokens in found], rows)
    assert isinstance(padded, dict)
    return padded


def _packed(
    documents: Iterable[list[int]], context: int, between: list[int]
) -> Iterator[list[int]]:
    waiting: list[int] = []
    for tokens in documents:
        waiting += tokens + between
        whole = len(waiting) // context * context
        for start in range(0, whole, context):
            yield waiting[start : start + context]
        waiting = waiting[whole:]


def _text(document: str | Mapping[str, Any], column: str) -> str:
    if isinstance(document, Mapping):
        if column not in document:
            remedy = nearest(column, map(str, document))
            raise InputError("column", "must be a field of the data", column, remedy)
        document = document[column]
    if not isinstance(document, str):
        remedy = "Pass strings, or name the column of the text."
        raise InputError("texts", "must be text", type(document).__name__, remedy)
    return document


def _tokens(tokenizer: Any, text: str) -> list[int]:
    """Tokens of a text from any `encode`: a list, a tensor, or an encoding with `ids`."""
    found = tokenizer.encode(text)
    found = getattr(found, "ids", found)
    return found.tolist() if isinstance(found, Tensor) else list(found)
