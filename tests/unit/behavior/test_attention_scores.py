import pytest
import torch
import xarray as xr

from somite.behavior import rows as rows_module
from somite.behavior.attention_scores import SCORES, attention_scores, chance_level
from somite.behavior.repeated_rows import repeated_rows
from somite.core.errors import InputError
from somite.models.transformer import TransformerConfig, head_names
from unit.behavior.circuits import (
    blank_model,
    drawn_model,
    drawn_rows,
    induction_circuit,
    look_at_first,
    look_back,
)


@pytest.fixture(scope="module")
def positional():
    """Heads that look 0, 1 and 2 places back, at the first token, and evenly."""
    config = TransformerConfig(
        vocab_size=5, context=10, n_layers=1, d_model=15, n_heads=5, d_head=10, norm="rms"
    )
    model = blank_model(config)
    for distance in (0, 1, 2):
        look_back(model, 0, distance, distance)
    look_at_first(model, 0, 3)
    return attention_scores(model, drawn_rows(8, 10, 5), seed=0)


@pytest.mark.parametrize(
    ("head", "score"), [("0:0", "current_token"), ("0:1", "previous_token"), ("0:3", "first_token")]
)
def test_a_perfect_head_scores_one(positional, head, score):
    assert positional[score].sel(component=head).item() == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize(
    ("head", "score", "expected"),
    [
        ("0:0", "previous_token", 0),
        ("0:1", "current_token", 0),
        ("0:1", "first_token", 1 / 9),  # query 1 finds its previous token at place 0
        ("0:3", "previous_token", 1 / 9),
        ("0:2", "first_token", (1 / 2 + 1) / 9),  # query 1 attends evenly, query 2 looks at 0
    ],
)
def test_other_scores_of_positional_heads(positional, head, score, expected):
    assert positional[score].sel(component=head).item() == pytest.approx(expected, abs=1e-12)


def test_even_attention_scores_chance_exactly():
    model = drawn_model()
    for block in model.blocks:
        block.attn.W_Q.data.zero_()
        block.attn.b_Q.data.zero_()
    rows = drawn_rows()
    scores, chance = attention_scores(model, rows, seed=3), chance_level(model, rows, seed=3)
    for name in SCORES:
        assert scores[name].values == pytest.approx([chance[name].item()] * 6, abs=1e-14)


def test_chance_of_positional_scores_is_harmonic():
    chance = chance_level(drawn_model(), drawn_rows(), seed=0)
    expected = sum(1 / (q + 1) for q in range(1, 12)) / 11
    for name in ("previous_token", "current_token", "first_token"):
        assert chance[name].item() == pytest.approx(expected, abs=1e-14)


def test_chance_of_duplicates_and_induction_by_hand():
    # Vocabulary of two, context of three: x = 0 0 1 repeats only at query 1: key 0 of two.
    model = drawn_model(vocab_size=2, context=3)
    chance = chance_level(model, torch.tensor([[0, 0, 1], [0, 1, 1]]), seed=0, period=1)
    assert chance["duplicate_token"].item() == pytest.approx((1 / 2 + 1 / 3) / 2)
    # Period 1: all tokens equal, so every key but key 0 follows an occurrence.
    assert chance["induction"].item() == pytest.approx((1 / 2 + 2 / 3) / 2)


def test_the_hand_built_circuit_is_found():
    model = induction_circuit()
    scores = attention_scores(model, drawn_rows(16, 16, 12), seed=0)
    previous, induction = scores["previous_token"], scores["induction"]
    assert previous.sel(component="0:0").item() == pytest.approx(1, abs=1e-9)
    assert induction.sel(component="1:0").item() == pytest.approx(1, abs=1e-9)
    assert float(induction.drop_sel(component="1:0").max()) < 0.3
    assert float(previous.drop_sel(component="0:0").max()) < 0.3


def test_without_its_partner_the_induction_head_is_blind():
    model = induction_circuit()
    model.block(0).attn.W_O.data.zero_()
    scores = attention_scores(model, drawn_rows(16, 16, 12), seed=0)
    assert scores["induction"].sel(component="1:0").item() < 0.5


def by_hand(pattern, row, period):
    """Scores of one row from their definitions, loop by loop: (sum, counted) for each name."""
    length = len(row)
    later = range(1, length)
    seen = [q for q in range(length) if row[q] in row[:q]]
    return {
        "previous_token": (sum(pattern[q][q - 1] for q in later), length - 1),
        "current_token": (sum(pattern[q][q] for q in later), length - 1),
        "first_token": (sum(pattern[q][0] for q in later), length - 1),
        "duplicate_token": (
            sum(pattern[q][k] for q in seen for k in range(q) if row[k] == row[q]),
            len(seen),
        ),
        "induction": (
            sum(
                pattern[q][k]
                for q in range(period, length)
                for k in range(1, q + 1)
                if row[k - 1] == row[q]
            ),
            length - period,
        ),
    }


@pytest.mark.parametrize("name", SCORES)
def test_scores_of_a_drawn_model_follow_the_definitions(name):
    model, rows, period = drawn_model(), drawn_rows(), 5
    scores = attention_scores(model, rows, seed=2, period=period, n_repeated=4)
    if name == "induction":
        rows = repeated_rows(model.config, 4, period, seed=2)
    patterns = torch.cat(model.trace(rows).pattern, dim=1).tolist()
    for place, head in enumerate(head_names(model.config)):
        parts = [
            by_hand(p[place], row, period)[name]
            for p, row in zip(patterns, rows.tolist(), strict=True)
        ]
        expected = sum(s for s, _ in parts) / sum(n for _, n in parts)
        assert scores[name].sel(component=head).item() == pytest.approx(expected, abs=1e-12)


def test_chunks_do_not_matter(monkeypatch):
    model, rows = drawn_model(), drawn_rows()
    whole = attention_scores(model, rows, seed=1)
    monkeypatch.setattr(rows_module, "CHUNK_ELEMENTS", 1)
    xr.testing.assert_allclose(attention_scores(model, rows, seed=1), whole, rtol=1e-12)


def test_scores_have_errors_and_names():
    scores = attention_scores(drawn_model(), drawn_rows(), seed=0)
    assert list(scores.component.values) == ["0:0", "0:1", "1:0", "1:1", "2:0", "2:1"]
    for name in SCORES:
        assert (scores[f"{name}_standard_error"] > 0).all()
        assert ((scores[name] >= 0) & (scores[name] <= 1)).all()


def test_rows_without_a_repeated_token_are_named():
    rows = torch.stack([torch.arange(7), torch.arange(7)])
    with pytest.raises(InputError, match=r"rows must hold a token that occurs twice.*duplicate"):
        attention_scores(drawn_model(), rows, seed=0)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"period": 12}, "period must be shorter than the context of 12 tokens, got 12"),
        ({"period": 0}, "period must be a whole number of at least 1, got 0"),
        ({"n_repeated": 1}, "n_repeated must be a whole number of at least 2, got 1"),
    ],
)
def test_bad_settings_are_named(settings, message):
    with pytest.raises(InputError, match=message):
        attention_scores(drawn_model(), drawn_rows(), seed=0, **settings)


def test_repeated_rows_repeat_and_depend_on_the_seed_alone():
    config = drawn_model().config
    rows = repeated_rows(config, 5, period=5, seed=4)
    assert rows.shape == (5, 12)
    assert rows[:, 5:].equal(rows[:, :-5])
    assert rows.equal(repeated_rows(config, 5, period=5, seed=4))
    assert not rows.equal(repeated_rows(config, 5, period=5, seed=5))
