from copy import deepcopy

import pytest
import torch
from torch import Tensor

from somite.core.errors import InputError
from somite.core.random import stream
from somite.data import markov_table, role_rows
from somite.data.markov import entropy
from somite.data.role_rows import KINDS
from somite.models import RoleTokens, Transformer, head_roles, next_token_loss
from somite.models.head_roles import MODULES, ROLES

TOKENS, CONTEXT = RoleTokens(each=5, triggers=2), 16
TABLE = markov_table(5, 1, stream("table"))


@pytest.fixture(scope="module")
def model() -> Transformer:
    return head_roles(TOKENS, TABLE, CONTEXT)


def rows(kind: str) -> Tensor:
    return role_rows(kind, TOKENS, TABLE, (40, CONTEXT), stream("rows", kind))


@torch.no_grad()
def losses(model: Transformer, kind: str) -> Tensor:
    return next_token_loss(model, rows(kind))


def test_each_role_is_played(model):
    chain = losses(model, "bigram")[:, 1:]  # after the start nothing is known
    contexts = rows("bigram")[:, 1:-1] - TOKENS.bigram.start
    known = entropy(TABLE)[contexts]
    assert (
        abs(float((chain - known).mean())) < 4 * float((chain - known).std()) / chain.numel() ** 0.5
    )
    assert losses(model, "repeats")[:, 6:].max() < 0.01
    skips = rows("skip")
    assert losses(model, "skip")[skips[:, :-1] == TOKENS.query].max() < 0.01


def test_a_lesion_hurts_exactly_the_rows_of_its_module(model):
    module_of = {"bigram": "bigram", "repeats": "induction", "skip": "skip-trigram"}
    for head, module in MODULES.items():
        lesioned = deepcopy(model)
        for name, mask in model.components()["heads"][head].entries.items():
            dict(lesioned.named_parameters())[name].data[mask] = 0.0
        for kind in KINDS:
            rise = float((losses(lesioned, kind) - losses(model, kind)).mean())
            assert (rise > 0.3) if module_of[kind] == module else (rise == 0.0), (head, kind)


def test_heads_attend_as_their_roles_say(model):
    with torch.no_grad():
        first, second = model.trace(rows("repeats")).pattern
    previous = first[:, 0].diagonal(-1, 1, 2)
    assert previous.min() > 0.999
    assert first[:, 1].diagonal(0, 1, 2).min() > 0.999
    tokens = rows("repeats")
    for row, pattern in zip(tokens, second[:, 0], strict=True):
        for query in range(6, CONTEXT):
            before = [k for k in range(1, query + 1) if row[k - 1] == row[query]]
            if before:
                assert float(pattern[query, before].sum()) > 0.999
    assert second[:, 1, :, 0].min() > 0.999  # nothing to find here: it looks at the start


def test_roles_name_the_heads(model):
    assert list(model.components()["heads"]) == sorted(ROLES) == sorted(MODULES)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: RoleTokens(each=1), "each must be a whole number of at least 2"),
        (lambda: RoleTokens(triggers=0), "triggers must be a whole number of at least 1"),
        (
            lambda: head_roles(TOKENS, torch.ones(2, 2)),
            r"table must be positive, of the shape \(5, 5\)",
        ),
        (lambda: head_roles(TOKENS, torch.zeros(5, 5)), "table must be positive"),
    ],
)
def test_bad_input(call, words):
    with pytest.raises(InputError, match=words):
        call()
