import math

import pytest
import torch

from somite.core.errors import InputError
from somite.core.random import stream
from somite.data import markov_rows, markov_table
from somite.data.markov import entropy


@pytest.mark.parametrize("order", [1, 2])
def test_rows_follow_the_table(order):
    table = markov_table(3, order, stream("table", order))
    rows = markov_rows(table, 4000, 12, stream("rows", order))
    windows = rows.unfold(1, order + 1, 1).flatten(0, 1)
    counts = torch.zeros(table.shape, dtype=torch.float64)
    counts.index_put_(tuple(windows.T), torch.ones(len(windows), dtype=torch.float64), True)
    totals = counts.sum(-1, keepdim=True)
    z = (counts / totals - table) / (table * (1 - table) / totals).sqrt()
    assert z.abs().max() < 4
    uniform = torch.full_like(table, 1 / 3)
    assert ((counts / totals - uniform) / (uniform * 2 / 3 / totals).sqrt()).abs().max() > 20


def test_tables_are_probabilities_sharper_where_asked():
    flat, sharp = (markov_table(6, 1, stream("table"), s) for s in (0.1, 4.0))
    torch.testing.assert_close(flat.sum(-1), torch.ones(6, dtype=torch.float64))
    assert entropy(sharp).mean() < entropy(flat).mean() < math.log(6)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda g: markov_table(1, 1, g), "vocabulary must be a whole number of at least 2"),
        (lambda g: markov_table(2, 0, g), "order must be a whole number of at least 1"),
        (lambda g: markov_table(2, 1, g, 0.0), "sharpness must be positive"),
        (lambda g: markov_rows(torch.ones(3), 1, 4, g), "table must have two or more equal axes"),
        (lambda g: markov_rows(torch.ones(2, 3), 1, 4, g), "table must have two or more equal ax"),
        (lambda g: markov_rows(torch.ones(2, 2), 0, 4, g), "count must be a whole number"),
        (lambda g: markov_rows(torch.ones(2, 2), 1, 1, g), "length must be a whole number"),
    ],
)
def test_bad_input(call, words):
    with pytest.raises(InputError, match=words):
        call(stream("x"))
