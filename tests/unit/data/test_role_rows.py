import pytest
import torch

from somite.core.errors import InputError
from somite.core.random import stream
from somite.data import markov_table, role_rows
from somite.data.role_rows import KINDS
from somite.models import RoleTokens

TOKENS = RoleTokens(each=6, triggers=3)
TABLE = markov_table(6, 1, stream("table"))


def rows(kind: str, length: int = 18) -> torch.Tensor:
    return role_rows(kind, TOKENS, TABLE, (30, length), stream("rows", kind))


def test_kinds_have_tokens_of_their_own():
    found = {kind: set(rows(kind)[:, 1:].flatten().tolist()) for kind in KINDS}
    assert found["bigram"] == set(TOKENS.bigram)
    assert found["repeats"] == set(TOKENS.repeats)
    own = {*TOKENS.fillers, *TOKENS.trigger, *TOKENS.answer, TOKENS.query}
    assert found["skip"] == own
    assert sum(len(tokens) for tokens in found.values()) + 1 == TOKENS.size
    assert all((rows(kind)[:, 0] == 0).all() for kind in KINDS)


def test_strings_repeat_and_hold_no_token_twice():
    for row in rows("repeats")[:, 1:]:
        period = next(p for p in range(1, 18) if (row[p:] == row[:-p]).all())
        assert 3 <= period <= 6
        assert len(set(row[:period].tolist())) == period


def test_every_query_is_answered_by_its_trigger():
    asked = 0
    for row in rows("skip").tolist():
        triggers = [token for token in row if token in TOKENS.trigger]
        assert len(triggers) == 1
        answer = TOKENS.answer[TOKENS.trigger.index(triggers[0])]
        for place, token in enumerate(row):
            if token == TOKENS.query:
                asked += 1
                assert row[place + 1] == answer
                assert row.index(triggers[0]) < place
            if token in TOKENS.answer:
                assert row[place - 1] == TOKENS.query
    assert asked > 60


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: role_rows("other", TOKENS, TABLE, (1, 9), stream(0)), "kind must be a known name"),
        (lambda: rows("bigram", 5), "shape must be a whole number of at least 6"),
        (
            lambda: role_rows("repeats", RoleTokens(20), TABLE, (1, 9), stream(0)),
            "shape must hold a string of 10 tokens twice, got 9",
        ),
    ],
)
def test_bad_input(call, words):
    with pytest.raises(InputError, match=words):
        call()
