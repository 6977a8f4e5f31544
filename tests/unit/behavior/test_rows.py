import pytest
import torch

from somite.behavior import rows as module
from somite.behavior.rows import checked_rows, chunk_length, chunks
from somite.core.errors import InputError
from somite.models.transformer import TransformerConfig
from unit.behavior.circuits import drawn_model, drawn_rows


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (torch.zeros(4, 5), r"rows must be whole numbers \(row, position\), got 'torch.float32"),
        (torch.zeros(4, 5, dtype=torch.bool), r"rows must be whole numbers"),
        (torch.zeros(5, dtype=torch.long), r"rows must be whole numbers.*shape \(5,\)"),
        (torch.zeros(1, 5, dtype=torch.long), r"rows must be at least 2, got 1"),
        (torch.zeros(0, 5, dtype=torch.long), r"rows must be at least 2, got 0"),
        (torch.zeros(4, 1, dtype=torch.long), r"rows must have 2 to 12 tokens each, got 1"),
        (torch.zeros(4, 13, dtype=torch.long), r"rows must have 2 to 12 tokens each, got 13"),
        (torch.full((4, 5), 7), r"rows must hold token ids from 0 to 6, got 7"),
        (torch.full((4, 5), -1), r"rows must hold token ids from 0 to 6, got -1"),
    ],
)
def test_rows_that_do_not_fit_are_named(rows, message):
    with pytest.raises(InputError, match=message):
        checked_rows(drawn_model(), rows)


def test_a_model_with_nan_is_named():
    model = drawn_model()
    model.embed.data[0, 0] = torch.nan
    with pytest.raises(InputError, match=r"model must hold finite numbers only.*in embed"):
        checked_rows(model, drawn_rows())


def test_good_rows_come_back_as_int64():
    rows = drawn_rows()
    assert checked_rows(drawn_model(), rows.to(torch.uint8)).equal(rows)


def test_chunks_hold_all_rows_in_order(monkeypatch):
    monkeypatch.setattr(module, "CHUNK_ELEMENTS", 5000)
    model, rows = drawn_model(), drawn_rows(number=7)
    parts = list(chunks(model.config, rows))
    assert len(parts) > 1
    assert torch.cat(parts).equal(rows)


def test_a_chunk_holds_one_row_however_large_the_model():
    assert chunk_length(TransformerConfig(vocab_size=50_000, context=2048), 2048) == 1
