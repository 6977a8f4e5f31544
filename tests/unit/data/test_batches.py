from collections import Counter
from dataclasses import replace

import pytest
import torch

from somite.core.errors import InputError
from somite.data import (
    DataConfig,
    repeated_rows,
    sample_rows,
    training_batch,
    training_shares,
)


def rows_of(rows):
    return {tuple(row) for row in rows.tolist()}


def natural_rows(corpus, split="train"):
    return set().union(*(rows_of(corpus.tokens[name][split]) for name in corpus.natural))


def period(row):
    """Smallest shift that leaves the row as it is."""
    return next(p for p in range(1, len(row) + 1) if torch.equal(row[p:], row[:-p]))


def test_repeats_are_periodic_with_periods_in_range():
    config = DataConfig(context=40, repeats_min_period=3, repeats_max_period=9)
    periods = [period(row) for row in repeated_rows(config, 300, 0, "test")]
    assert set(periods) == set(range(3, 10))


def test_repeated_tokens_are_uniform():
    config = DataConfig(context=64, repeats_min_period=32, repeats_max_period=32)
    tokens = repeated_rows(config, 4000, 0, "test")[:, :32]
    counts = tokens.flatten().bincount(minlength=256).double()
    chi_square = ((counts - 500) ** 2 / 500).sum()
    assert 150 < chi_square < 380  # mean 255, standard deviation 22.6


def test_a_batch_is_a_function_of_seed_and_step(corpus):
    batch = training_batch(corpus, 8, 0.25, seed=0, step=7)
    assert batch.shape == (8, 16)
    assert torch.equal(batch, training_batch(corpus, 8, 0.25, seed=0, step=7))
    assert not torch.equal(batch, training_batch(corpus, 8, 0.25, seed=0, step=8))
    assert not torch.equal(batch, training_batch(corpus, 8, 0.25, seed=1, step=7))


@pytest.mark.parametrize("share", [0.0, 0.01, 0.25, 0.3])
def test_repeated_rows_have_their_share_over_time(corpus, share):
    natural, steps = natural_rows(corpus), 40
    repeated = 0
    for step in range(steps):
        for row in training_batch(corpus, 10, share, seed=0, step=step):
            if tuple(row.tolist()) not in natural:
                assert 3 <= period(row) <= 8
                repeated += 1
    assert abs(repeated - share * 10 * steps) <= 1


def test_natural_rows_are_uniform_over_all_rows(corpus):
    whole = torch.cat([corpus.tokens[name]["train"] for name in corpus.natural])
    place = {tuple(row): i for i, row in enumerate(whole.tolist())}
    drawn = [
        place[tuple(row)]
        for step in range(20)
        for row in training_batch(corpus, 200, 0.0, 0, step).tolist()
    ]
    per_domain = torch.tensor(drawn).div(125, rounding_mode="floor").bincount(minlength=4)
    assert (per_domain - 1000).abs().max() < 110  # 4 standard deviations


def test_repeated_strings_are_new_in_each_step(corpus):
    first, second = (training_batch(corpus, 4, 0.9, 0, step)[1:] for step in (0, 1))
    assert not rows_of(first) & rows_of(second)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 0.1, 0, 0), "batch_size must be a whole number of at least 1"),
        ((4, 0.1, 0, -1), "step must be a whole number of at least 0"),
        ((4, 1.5, 0, 0), "repeats_share must be at least 0 and below 1, got 1.5"),
    ],
)
def test_bad_batches(corpus, arguments, message):
    with pytest.raises(InputError, match=message):
        training_batch(corpus, *arguments)


def test_a_sample_has_the_shares_of_training_and_no_row_twice(corpus):
    rows = sample_rows(corpus, 100, seed=3)
    assert rows.shape == (100, 16)
    assert torch.equal(rows, sample_rows(corpus, 100, seed=3))
    assert not torch.equal(rows, sample_rows(corpus, 100, seed=4))
    assert len(rows_of(rows)) == 100
    assert len(rows_of(rows) & rows_of(corpus.tokens["repeats"]["train"])) == 25
    assert len(rows_of(rows) & natural_rows(corpus)) == 75


def test_a_sample_of_one_domain_and_split(corpus):
    rows = sample_rows(corpus, 5, "validation", domain="wiki")
    assert rows_of(rows) <= rows_of(corpus.tokens["wiki"]["validation"])
    assert rows_of(sample_rows(corpus, 5, domain="repeats")) <= rows_of(
        corpus.tokens["repeats"]["train"]
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n": 0}, "n must be a whole number of at least 1"),
        ({"n": 5, "split": "test"}, "split must be a known name, got 'test'"),
        ({"n": 5, "domain": "wikki"}, "domain must be a known name, got 'wikki'. Did you mean"),
        ({"n": 10**6}, "n must ask for no more than the 500 rows of natural text, got 750000"),
        ({"n": 600}, "n must ask for no more than the 125 rows of repeats, got 150"),
        ({"n": 126, "domain": "wiki"}, "n must ask for no more than the 125 rows of wiki"),
    ],
)
def test_bad_samples(corpus, arguments, message):
    with pytest.raises(InputError, match=message):
        sample_rows(corpus, **arguments)


def shared(corpus, **shares):
    return replace(corpus, config=replace(corpus.config, shares=shares))


def domain_counts(corpus, rows, split="train"):
    # domains may have a row in common: the first one owns it
    owner = {tuple(r): n for n in reversed(corpus.natural)
             for r in corpus.tokens[n][split].tolist()}  # fmt: skip
    return Counter(owner.get(tuple(row), "repeats") for row in rows.tolist())


def test_shares_of_domains_hold_in_training_and_in_samples(corpus):
    first, second, *others = corpus.natural
    shares = {first: 0.7, second: 0.3, **dict.fromkeys(others, 0.0)}
    chosen = shared(corpus, **shares)
    drawn = Counter()
    for step in range(20):
        drawn += domain_counts(chosen, training_batch(chosen, 100, 0.0, 0, step))
    assert set(drawn) == {first, second}
    assert abs(drawn[first] - 1400) < 82  # 4 standard deviations
    assert torch.equal(*(training_batch(chosen, 8, 0.25, 0, 3) for _ in range(2)))
    sample = domain_counts(chosen, sample_rows(chosen, 100, seed=3))
    repeats = round(100 * corpus.config.repeats_share)
    assert sample["repeats"] == repeats
    assert abs(sample[first] - 0.7 * (100 - repeats)) <= 1
    assert training_batch(chosen, 1, 0.9, 0, 3).shape == (1, 16)


def test_shares_of_training(corpus):
    found = training_shares(corpus)
    assert list(found) == [*corpus.natural, "repeats"]
    assert sum(found.values()) == pytest.approx(1)
    assert found["repeats"] == corpus.config.repeats_share
    even = shared(corpus, **dict.fromkeys(corpus.natural, 1 / len(corpus.natural)))
    assert training_shares(even) == pytest.approx(found)  # as many rows of each
    tokens = {name: corpus.tokens[name] for name in corpus.natural[1:]}
    with pytest.raises(InputError, match="shares must name the domains of the corpus"):
        training_shares(replace(even, tokens=tokens))
