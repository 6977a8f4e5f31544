"""Tokens without an embedding are found before any step, in any row of any data set."""

import pytest
import torch
from torch import Tensor, nn
from transformers import GPT2Config, GPT2LMHeadModel

import somite as so
from somite.core.errors import InputError
from somite.sampling.vocabulary import check_vocabulary
from unit.models.tiny import VOCAB, tiny_rows, tiny_transformer

WORDS = "must hold tokens from 0 to 6, the rows of the model's embedding, got"


def with_token(token: int, row: int) -> Tensor:
    rows = tiny_rows(9)
    rows[row, 1] = token
    return rows


def sample(data: object, **settings: object) -> object:
    target = so.Target(so.next_token_loss, data, n_beta=5, localization=5)
    return so.sample(tiny_transformer(), target, so.SGLD(1e-2), chains=1, draws=2, **settings)


@pytest.mark.parametrize("row", [0, 8])
@pytest.mark.parametrize("token", [VOCAB, -1])
def test_a_token_of_another_tokenizer_is_refused(token, row):
    with pytest.raises(InputError, match=f"data {WORDS} {token}. Use the tokenizer"):
        sample(with_token(token, row))


def test_a_probe_and_a_dict_are_checked_too():
    with pytest.raises(InputError, match=f"probe other {WORDS} {VOCAB}"):
        sample(tiny_rows(9), probes={"other": with_token(VOCAB, 5)})
    mask = torch.ones(9, tiny_rows().shape[1], dtype=torch.int64)
    data = {"input_ids": with_token(VOCAB, 5), "attention_mask": mask}
    with pytest.raises(InputError, match=f"data {WORDS} {VOCAB}"):
        sample(data)


def test_other_whole_numbers_are_no_tokens():
    table = nn.Embedding(3, 2)
    data = (torch.tensor([0, 1, 2]), torch.tensor([7, 8, 9]))
    check_vocabulary("data", lambda batch: table(batch[0]).sum(1) + batch[1], data)
    with pytest.raises(InputError, match="from 0 to 2"):
        check_vocabulary("data", lambda batch: table(batch[1]).sum(1), data)


def test_rows_longer_than_the_table_of_positions_are_refused():
    config = GPT2Config(vocab_size=7, n_positions=4, n_embd=4, n_layer=1, n_head=1)
    model = GPT2LMHeadModel(config).eval()
    with pytest.raises(InputError, match=r"data must hold tokens from 0 to 3.* no longer than its"):
        check_vocabulary("data", lambda rows: so.next_token_loss(model, rows), tiny_rows())
