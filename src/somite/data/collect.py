"""Rows of anything that gives examples or batches, as tensors in memory.

Sampling draws its minibatches itself, with replacement and in a known order, and compares every
loss with that of the same example at the center. So it needs a fixed set of rows: a loader that
shuffles, augments or streams is read once.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset

from somite.core.checks import at_least
from somite.core.errors import InputError
from somite.core.random import kept_random

Rows = Tensor | tuple[Tensor, ...] | dict[str, Tensor]
Row = dict[Any, Tensor]
"""Tensors of one example by name, by place in a tuple, or by None for a bare tensor."""
IDS, MASK, LABELS = "input_ids", "attention_mask", "labels"
PADDING = {LABELS: -100}
"""What padded places hold; others hold 0, which the attention mask hides."""


def collect(source: Any, rows: int, columns: Sequence[str] | None = None) -> Rows:
    """The first rows of a data set as tensors, for `Target` or for a probe.

    Sequences of several lengths are padded on the right to the longest: `labels` with −100, all
    else with 0; an `attention_mask` is made for `input_ids` if there is none. The random state
    is afterwards what it was, so that reading a shuffling loader before training changes nothing.

    Args:
        source: A DataLoader, whose batches are cut into rows; a map-style data set (of PyTorch or
            Hugging Face) or a list; or anything to iterate over, such as a streaming data set: its
            first rows are taken. An example is a tensor, a number, a tuple, or a mapping.
        rows: How many rows to take at most.
        columns: Fields to keep of examples that are mappings; None for all.

    Returns:
        A tensor, a tuple or a dict of tensors with one row per example.

    Raises:
        InputError: If there is no example, or examples cannot become tensors of one shape.

    Example:
        >>> found = collect([{"input_ids": [5, 6, 7]}, {"input_ids": [8, 9]}], rows=10)
        >>> found["input_ids"].tolist(), found["attention_mask"].tolist()
        ([[5, 6, 7], [8, 9, 0]], [[1, 1, 1], [1, 1, 0]])
    """
    at_least("rows", rows, 1)
    with kept_random(*_generators(source)):
        found = list(islice(_examples(source, rows, columns), rows))
    if not found:
        raise InputError("source", "must hold at least one example", 0, "Pass more data.")
    if any(row.keys() != found[0].keys() for row in found):
        rule, remedy = "must give examples with the same fields", "Choose columns that all have."
        raise InputError("source", rule, sorted({str(list(row)) for row in found}), remedy)
    stacked = {key: _stack(key, [row[key] for row in found]) for key in found[0]}
    return _as_given(stacked)


def _generators(source: Any) -> list[torch.Generator]:
    """Generators of a loader, which reading it moves on."""
    owners = (source, getattr(source, "sampler", None))
    return [g for owner in owners if (g := getattr(owner, "generator", None)) is not None]


def _examples(source: Any, rows: int, columns: Sequence[str] | None) -> Iterator[Row]:
    if isinstance(source, DataLoader):
        for batch in source:
            yield from _unbound(_fields(batch, columns))
        return
    for example in _first(source, rows):
        yield _fields(example, columns)


def _first(source: Any, rows: int) -> Iterable[Any]:
    """The first examples; many map-style data sets do not end when they are iterated over.

    Raises:
        InputError: If there are none to iterate over.
    """
    streams = isinstance(source, IterableDataset)
    if not streams and hasattr(source, "__getitem__") and hasattr(source, "__len__"):
        return (source[i] for i in range(min(rows, len(source))))
    if not isinstance(source, Iterable):
        remedy = "Pass a DataLoader, a data set or a list."
        raise InputError("source", "must give examples", type(source).__name__, remedy)
    return source


def _fields(example: Any, columns: Sequence[str] | None) -> Row:
    if isinstance(example, Mapping):
        missing = [name for name in columns or () if name not in example]
        if missing:
            remedy = f"There are: {', '.join(map(str, example))}."
            raise InputError("columns", "must name fields of the data", missing, remedy)
        row = {name: _tensor(name, example[name]) for name in columns or example}
        if IDS in row and MASK not in row:
            row[MASK] = torch.ones_like(row[IDS])
        return row
    if isinstance(example, tuple | list):
        return {place: _tensor(place, value) for place, value in enumerate(example)}
    return {None: _tensor(None, example)}


def _tensor(name: object, value: Any) -> Tensor:
    try:
        return torch.as_tensor(value)
    except (TypeError, ValueError, RuntimeError) as error:
        rule, remedy = "must hold numbers", "Tokenize text; choose fields with columns=[...]."
        found = type(value).__name__
        raise InputError(f"field {name} of the data", rule, found, remedy) from error


def _unbound(batch: Row) -> Iterator[Row]:
    """The rows of a batch."""
    columns = [tensor.unbind() for tensor in batch.values()]
    for values in zip(*columns, strict=True):
        yield dict(zip(batch, values, strict=True))


def _stack(name: object, values: Sequence[Tensor]) -> Tensor:
    shapes = sorted({tuple(value.shape) for value in values})
    if len(shapes) == 1:
        return torch.stack(list(values))
    if not isinstance(name, str) or any(len(shape) != 1 for shape in shapes):
        remedy = "Give a DataLoader whose collate_fn pads them, or a dict of sequences."
        rule = "must have one shape in all examples"
        raise InputError(f"field {name} of the data", rule, shapes, remedy)
    width, filler = max(shapes)[0], PADDING.get(name, 0)
    return torch.stack([F.pad(value, (0, width - len(value)), value=filler) for value in values])


def _as_given(stacked: Row) -> Rows:
    if None in stacked:
        return stacked[None]
    if all(isinstance(key, str) for key in stacked):
        return stacked
    return tuple(stacked.values())
