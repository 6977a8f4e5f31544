from functools import partial

import pytest
import torch
import torch.nn.functional as F
from transformers import LlamaConfig, LlamaForCausalLM

from somite.core.errors import InputError
from somite.core.random import stream
from somite.models import (
    MLP,
    cross_entropy_loss,
    masked_lm_loss,
    next_token_loss,
    squared_error_loss,
)
from unit.models.tiny import tiny_rows, tiny_transformer

X = torch.randn(6, 3, generator=stream("x"), dtype=torch.float64)


def test_squared_error_is_half_the_sum_over_outputs():
    model, y = MLP([3, 4, 2]).double(), torch.ones(6, 2).double()
    found = squared_error_loss(model, (X, y))
    torch.testing.assert_close(found, 0.5 * ((model(X) - 1) ** 2).sum(1))


def test_squared_errors_of_separate_outputs_add():
    model, y = MLP([3, 4, 3]).double(), torch.zeros(6, 3).double()
    parts = [partial(squared_error_loss, outputs=own)(model, (X, y)) for own in ((0, 2), (1,))]
    torch.testing.assert_close(sum(parts), squared_error_loss(model, (X, y)))


def test_cross_entropy_of_one_question_is_the_usual_one():
    model, labels = MLP([3, 4, 5]).double(), torch.tensor([0, 1, 2, 3, 4, 0])
    found = cross_entropy_loss(model, (X, labels))
    torch.testing.assert_close(found, F.cross_entropy(model(X), labels, reduction="none"))


@pytest.mark.parametrize("question", [0, 1])
def test_cross_entropy_of_several_questions_is_a_softmax_each(question):
    model = MLP([3, 4, 6]).double()
    labels = torch.randint(3, (6, 2), generator=stream("labels"))
    own = model(X)[:, 3 * question : 3 * question + 3]
    expected = F.cross_entropy(own, labels[:, question], reduction="none")
    found = cross_entropy_loss(model, (X, labels), questions=[question])
    torch.testing.assert_close(found, expected)
    both = [cross_entropy_loss(model, (X, labels), questions=[k]) for k in (0, 1)]
    torch.testing.assert_close(sum(both), cross_entropy_loss(model, (X, labels)))


LENGTHS = (7, 4, 2)


def causal_model() -> torch.nn.Module:
    config = LlamaConfig(
        vocab_size=11,
        hidden_size=8,
        intermediate_size=8,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=16,
    )
    return LlamaForCausalLM(config).double().eval()


def padded(side: str) -> tuple[list[torch.Tensor], dict[str, torch.Tensor]]:
    """Rows of several lengths, and the same padded with a token that also occurs in them."""
    rows = [torch.randint(11, (n,), generator=stream("rows", n)) for n in LENGTHS]
    tokens = torch.full((len(rows), max(LENGTHS)), 3)
    mask = torch.zeros_like(tokens)
    for place, row in enumerate(rows):
        here = slice(0, len(row)) if side == "right" else slice(max(LENGTHS) - len(row), None)
        tokens[place, here], mask[place, here] = row, 1
    positions = (mask.cumsum(1) - 1).clamp(min=0)
    return rows, {"input_ids": tokens, "attention_mask": mask, "position_ids": positions}


@pytest.mark.parametrize("side", ["right", "left"])
def test_padding_does_not_enter_the_loss(side):
    model, (rows, batch) = causal_model(), padded(side)
    expected = [next_token_loss(model, row[None]).mean() for row in rows]
    found = next_token_loss(model, batch)
    torch.testing.assert_close(found, torch.stack(expected))
    unmasked = {name: batch[name] for name in ("input_ids", "position_ids")}
    assert (next_token_loss(model, unmasked) - found).abs()[1:].min() > 1e-3


def test_labels_say_which_tokens_count():
    model, (_, batch) = causal_model(), padded("right")
    batch["labels"] = batch["input_ids"].clone()
    batch["labels"][0, :5] = -100
    tokens = next_token_loss(model, batch["input_ids"])
    torch.testing.assert_close(next_token_loss(model, batch)[0], tokens[0, 4:].mean())


def test_our_transformer_takes_rows_padded_on_the_right():
    model, rows = tiny_transformer(), tiny_rows(3)
    mask = torch.ones_like(rows)
    mask[1, 4:], mask[2, 0] = 0, 0
    found = next_token_loss(model, {"input_ids": rows, "attention_mask": mask})
    tokens = next_token_loss(model, rows)
    torch.testing.assert_close(found[:2], torch.stack([tokens[0].mean(), tokens[1, :3].mean()]))
    assert found[2].isnan()  # it has no way to hide what comes first


def test_a_masked_language_model():
    model = torch.nn.Embedding(5, 5)
    tokens, labels = torch.tensor([[1, 0, 2], [0, 0, 3]]), torch.full((2, 3), -100)
    labels[0, 1], labels[1, 0], labels[1, 1] = 4, 2, 1
    batch = {"input_ids": tokens, "labels": labels}
    found, logs = masked_lm_loss(model, batch), F.log_softmax(model(tokens), -1)
    expected = torch.stack([-logs[0, 1, 4], -(logs[1, 0, 2] + logs[1, 1, 1]) / 2])
    torch.testing.assert_close(found, expected)


def test_bad_batches_are_refused():
    model = tiny_transformer()
    with pytest.raises(
        InputError, match=r"data must have rows of at least two tokens, got 1. Take"
    ):
        next_token_loss(model, tiny_rows()[:, :1])
    with pytest.raises(InputError, match=r"data must have the field input_ids, got \['ids'\]"):
        next_token_loss(model, {"ids": tiny_rows()})
    with pytest.raises(InputError, match="data must have the field labels, got"):
        masked_lm_loss(model, {"input_ids": tiny_rows()})
