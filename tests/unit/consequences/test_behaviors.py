import numpy as np
import pytest
import torch

from somite.behavior import token_losses
from somite.behavior.ablation import mean_ablation_changes
from somite.consequences import (
    Text,
    behavior_losses,
    ngram_kinds,
    repeated_kind,
    token_losses_without,
)
from somite.core.errors import InputError
from somite.data.ngrams import count_ngrams
from unit.models.tiny import tiny_rows, tiny_transformer


def text(**kinds):
    rows = tiny_rows()
    return {
        "wiki": Text(rows, {n: torch.tensor(k).expand(len(rows), -1) for n, k in kinds.items()})
    }


def test_without_heads_the_losses_are_those_of_mean_ablation():
    model, rows = tiny_transformer(), tiny_rows()
    losses = token_losses_without(model, {"wiki": rows})
    torch.testing.assert_close(losses([])["wiki"], token_losses(model, rows))
    changes = mean_ablation_changes(model, rows)
    torch.testing.assert_close(
        losses(["0:1"])["wiki"] - losses([])["wiki"], changes[1], atol=1e-9, rtol=1e-6
    )


def test_kinds_are_means_over_their_tokens():
    model, rows = tiny_transformer(), tiny_rows()
    chosen = [False, True, False, True, False]
    found = behavior_losses(model, text(odd=chosen))(["1:0"])
    losses = token_losses_without(model, {"wiki": rows})(["1:0"])["wiki"]
    np.testing.assert_allclose(found["wiki"], losses.mean(1))
    np.testing.assert_allclose(found["odd"], losses[:, [1, 3]].mean(1))


def test_a_kind_of_too_few_rows_is_left_out():
    rows = tiny_rows()
    few = torch.zeros(len(rows), 5, dtype=torch.bool)
    few[:3] = True
    found = behavior_losses(tiny_transformer(), {"wiki": Text(rows, {"few": few})})([])
    assert list(found) == ["wiki"]


def test_kinds_by_what_predicts_a_token():
    """After 0 comes 1; after 1 comes 2 if 0 was before it and 3 if 4 was; 5 and 6 are random."""
    rows = torch.tensor([[0, 1, 2, 5], [4, 1, 3, 6], [0, 1, 2, 6], [4, 1, 3, 5]]).repeat(50, 1)
    kinds = ngram_kinds(rows, count_ngrams([rows], 7, smoothing=0.01), 7)
    assert not kinds["bigram"][:, 0].any()  # the second token of a row is of no kind
    assert kinds["trigram"][:, 1].all() or kinds["bigram"][:, 1].all()
    together = sum(kind.int() for kind in kinds.values())
    assert (together[:, 1:] == 1).all()
    uneven = torch.tensor([[0, 1, 2], [0, 1, 2], [4, 1, 3]]).repeat(50, 1)
    found = ngram_kinds(uneven, count_ngrams([uneven], 7, smoothing=0.01), 7)
    assert found["bigram"][:, 1].tolist()[:3] == [True, True, False]  # 2 follows 1 in two of three
    assert found["trigram"][:, 1].tolist()[:3] == [False, False, True]


def test_induction_can_tell_all_tokens_from_the_second_period_on():
    rows = torch.tensor([[3, 4, 3, 4, 3]])
    assert repeated_kind(rows, 2)["induction"].tolist() == [[False, False, True, True]]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: behavior_losses(m, {}), "texts must name at least one domain"),
        (lambda m: behavior_losses(m, text())(["7:0"]), "components must be a known name"),
        (
            lambda m: ngram_kinds(tiny_rows()[:, :2], count_ngrams([tiny_rows()], 7), 7),
            "rows must have at least 3 tokens",
        ),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(InputError, match=message):
        call(tiny_transformer())
