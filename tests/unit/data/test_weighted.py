"""Batches by weight: shares hold, nothing negative is trained on, runs see mostly the same rows."""

import pytest
import torch

from somite.core.errors import InputError
from somite.data import mixed_shares, row_weights, weighted_batch

ROWS = {"a": torch.zeros(3, 2), "b": torch.ones(7, 2)}


def drawn(weights: torch.Tensor, steps: int = 200) -> torch.Tensor:
    index = torch.arange(len(weights))
    return torch.cat([weighted_batch(index, weights, 50, 0, step) for step in range(steps)])


def test_rows_come_in_proportion_to_their_weights():
    weights = torch.tensor([1.0, 0.0, 2.0, 5.0])
    counts = torch.bincount(drawn(weights), minlength=4).double()
    chances = weights.double() / 8
    spread = (10_000 * chances * (1 - chances)).sqrt().clamp(min=1e-9)
    assert ((counts - 10_000 * chances).abs() <= 4 * spread).all()


def test_domains_come_in_proportion_to_their_shares():
    weights = row_weights(ROWS, {"a": 0.8, "b": 0.2})
    rows = torch.cat([weighted_batch(torch.cat(list(ROWS.values())), weights, 50, 1, s)
                      for s in range(200)])  # fmt: skip
    assert abs(rows[:, 0].mean() - 0.2) < 4 * (0.2 * 0.8 / 10_000) ** 0.5


def test_a_batch_is_a_function_of_seed_and_step():
    index, weights = torch.arange(100), torch.rand(100) + 0.1
    first = weighted_batch(index, weights, 20, 3, 7)
    torch.testing.assert_close(weighted_batch(index, 2 * weights, 20, 3, 7), first)
    assert not torch.equal(weighted_batch(index, weights, 20, 3, 8), first)
    assert not torch.equal(weighted_batch(index, weights, 20, 4, 7), first)


def test_similar_weights_give_mostly_the_same_rows():
    even = torch.ones(10)
    tilted = even.clone()
    tilted[9] = 1.2
    same = (drawn(even) == drawn(tilted)).double().mean()
    assert same > 0.85


def test_shares_move_as_the_mixture_does():
    found = mixed_shares({"a": 0.5, "b": 0.3, "c": 0.2}, {"b": 0.1, "c": -0.1})
    assert found == pytest.approx({"a": 0.5, "b": 0.4, "c": 0.1})
    assert sum(mixed_shares({"a": 0.5, "b": 0.5}, {"a": 0.4}).values()) == pytest.approx(1)


def test_bad_input_is_refused():
    shares = {"a": 0.9, "b": 0.1}
    match = r"share of b must be zero or more, got -0\.1.*method=\"nonnegative\""
    with pytest.raises(InputError, match=match):
        mixed_shares(shares, {"a": 0.2, "b": -0.2})
    with pytest.raises(InputError, match="change must name domains, got 'c'"):
        mixed_shares(shares, {"c": 0.2})
    with pytest.raises(InputError, match="shares must name the domains"):
        row_weights(ROWS, {"a": 1.0})
    index = torch.arange(3)
    for weights in (
        [1.0, -1.0, 1.0],
        [0.0, 0.0, 0.0],
        [1.0, torch.nan, 1.0],
        [1.0, torch.inf, 1.0],
    ):
        with pytest.raises(InputError, match="weights must be finite, zero or more, and not all"):
            weighted_batch(index, torch.tensor(weights), 2, 0, 0)
    with pytest.raises(InputError, match="weights must be one for each of the 3 rows"):
        weighted_batch(index, torch.ones(2), 2, 0, 0)
    with pytest.raises(InputError, match="batch_size must be"):
        weighted_batch(index, torch.ones(3), 0, 0, 0)
    with pytest.raises(InputError, match="step must be"):
        weighted_batch(index, torch.ones(3), 1, 0, -1)
