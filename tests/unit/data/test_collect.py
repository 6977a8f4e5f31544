import random

import datasets
import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset

from somite.core.errors import InputError
from somite.core.random import stream
from somite.data import collect

RAGGED = [{"input_ids": [5, 6, 7], "labels": [5, 6, 7]}, {"input_ids": [8, 9], "labels": [-100, 9]}]
PADDED = {
    "input_ids": [[5, 6, 7], [8, 9, 0]],
    "labels": [[5, 6, 7], [-100, 9, -100]],
    "attention_mask": [[1, 1, 1], [1, 1, 0]],
}


class Endless(Dataset[Tensor]):
    """A map-style data set that does not end when it is iterated over."""

    def __len__(self) -> int:
        return 3

    def __getitem__(self, place: int) -> Tensor:
        return torch.tensor([place, place + 1.0])


class Stream(IterableDataset[tuple[Tensor, int]]):
    def __iter__(self):
        return ((torch.full((2,), float(k)), k) for k in range(10**9))


def plain(found: object) -> object:
    return {name: tensor.tolist() for name, tensor in found.items()}


def test_a_tensor_data_set_becomes_a_tuple():
    x, y = torch.arange(8.0).view(4, 2), torch.arange(4)
    for source in (TensorDataset(x, y), DataLoader(TensorDataset(x, y), batch_size=3)):
        found = collect(source, rows=4)
        assert isinstance(found, tuple)
        assert torch.equal(found[0], x)
        assert torch.equal(found[1], y)


def test_no_more_rows_are_taken_than_asked_for():
    loader = DataLoader(TensorDataset(torch.arange(10)), batch_size=4)
    assert collect(loader, rows=6)[0].tolist() == list(range(6))
    assert collect(loader, rows=99)[0].tolist() == list(range(10))


def test_bare_tensors_and_numbers_stay_tensors():
    assert collect(Endless(), rows=9).tolist() == [[0, 1], [1, 2], [2, 3]]
    assert collect([1.0, 2.0], rows=9).tolist() == [1, 2]
    assert collect(DataLoader(Endless(), batch_size=2), rows=3).shape == (3, 2)


def test_a_stream_is_read_as_far_as_asked():
    x, y = collect(Stream(), rows=3)
    assert x.tolist() == [[0, 0], [1, 1], [2, 2]]
    assert y.tolist() == [0, 1, 2]


@pytest.mark.parametrize("streaming", [False, True])
def test_rows_of_hugging_face(streaming):
    source = datasets.Dataset.from_list([row | {"text": "words"} for row in RAGGED])
    source = source.to_iterable_dataset() if streaming else source
    found = collect(source, rows=5, columns=["input_ids", "labels"])
    assert plain(found) == PADDED


def test_batches_of_several_widths_are_padded():
    batches = [{name: torch.tensor([values]) for name, values in row.items()} for row in RAGGED]
    loader = DataLoader(batches, batch_size=None)
    assert plain(collect(loader, rows=2)) == PADDED


def test_a_mask_that_is_there_is_kept():
    rows = [{"input_ids": [1, 2], "attention_mask": [0, 1]}, {"input_ids": [3]}]
    found = collect([rows[0]], rows=1)
    assert found["attention_mask"].tolist() == [[0, 1]]
    with pytest.raises(InputError, match="field pixels of the data must have one shape"):
        collect([{"pixels": torch.zeros(2, 2)}, {"pixels": torch.zeros(3, 2)}], rows=2)


def test_reading_a_shuffling_loader_leaves_the_random_state():
    generator = stream("own")
    for own in (None, generator):
        loader = DataLoader(TensorDataset(torch.arange(50)), shuffle=True, generator=own)
        before = torch.get_rng_state(), generator.get_state(), random.getstate()
        first, again = collect(loader, rows=50)[0], collect(loader, rows=50)[0]
        after = torch.get_rng_state(), generator.get_state(), random.getstate()
        assert torch.equal(first, again)
        assert torch.equal(before[0], after[0])
        assert torch.equal(before[1], after[1])
        assert before[2] == after[2]
        assert [int(batch) for (batch,) in loader] == first.tolist()  # what training will see


@pytest.mark.parametrize(
    ("source", "settings", "words"),
    [
        ([], {}, "source must hold at least one example, got 0"),
        ([1], {"rows": 0}, "rows must be a whole number of at least 1, got 0"),
        (3, {}, "source must give examples, got 'int'. Pass a DataLoader"),
        ([{"a": 1}], {"columns": ["b"]}, r"columns must name fields of the data, got \['b'\]"),
        (["text"], {}, "must hold numbers, got 'str'. Tokenize text"),
        ([{"a": 1}, {"b": 1}], {}, "source must give examples with the same fields"),
        ([np.zeros(2), np.zeros(3)], {}, r"must have one shape .*got \[\(2,\), \(3,\)\]"),
    ],
)
def test_bad_sources_are_refused(source, settings, words):
    with pytest.raises(InputError, match=words):
        collect(source, **{"rows": 4, **settings})
