from collections import Counter

import pytest
import torch

from somite.core.errors import InputError
from somite.data import corpus_ngrams, count_ngrams

VOCAB, SMOOTHING = 5, 2.0
ROWS = torch.randint(VOCAB - 1, (7, 6), generator=torch.Generator().manual_seed(0))  # 4 is unseen
COUNTS = count_ngrams([ROWS[:3], ROWS[3:]], VOCAB, SMOOTHING)
EVERY = torch.arange(VOCAB)


def seen(n):
    return Counter(tuple(row[i : i + n]) for row in ROWS.tolist() for i in range(6 - n + 1))


def unigram(c):
    return (seen(1)[(c,)] + 1) / (ROWS.numel() + VOCAB)


def bigram(b, c):
    total = sum(n for gram, n in seen(2).items() if gram[0] == b)
    return (seen(2)[(b, c)] + SMOOTHING * unigram(c)) / (total + SMOOTHING)


def trigram(a, b, c):
    total = sum(n for gram, n in seen(3).items() if gram[:2] == (a, b))
    return (seen(3)[(a, b, c)] + SMOOTHING * bigram(b, c)) / (total + SMOOTHING)


def test_bigrams_match_brute_force():
    expected = torch.tensor([[bigram(b, c) for c in range(VOCAB)] for b in range(VOCAB)])
    torch.testing.assert_close(COUNTS.bigram_probabilities(EVERY), expected)


def test_trigrams_match_brute_force():
    expected = torch.tensor(
        [[[trigram(a, b, c) for c in range(VOCAB)] for b in range(VOCAB)] for a in range(VOCAB)]
    )
    before, previous = torch.meshgrid(EVERY, EVERY, indexing="ij")
    torch.testing.assert_close(COUNTS.trigram_probabilities(before, previous), expected)


def test_probabilities_sum_to_one():
    one = torch.ones(7, 5)
    bigrams = COUNTS.bigram_probabilities(ROWS[:, 1:])
    trigrams = COUNTS.trigram_probabilities(ROWS[:, :-1], ROWS[:, 1:])
    assert bigrams.dtype == trigrams.dtype == torch.float32
    torch.testing.assert_close(bigrams.sum(-1), one)
    torch.testing.assert_close(trigrams.sum(-1), one)
    torch.testing.assert_close(COUNTS.unigram_probabilities().sum(), torch.tensor(1.0))


def test_an_unseen_context_backs_off():
    unseen = torch.tensor([4])
    torch.testing.assert_close(
        COUNTS.bigram_probabilities(unseen)[0], COUNTS.unigram_probabilities()
    )
    torch.testing.assert_close(
        COUNTS.trigram_probabilities(unseen, ROWS[0, :1]), COUNTS.bigram_probabilities(ROWS[0, :1])
    )


def test_grams_do_not_reach_over_the_end_of_a_row():
    counts = count_ngrams([torch.tensor([[0, 0, 0], [1, 1, 1]])], 2)
    assert counts.bigram.tolist() == [[2, 0], [0, 2]]


def test_a_large_vocabulary_needs_no_dense_table_of_triples():
    rows = torch.randint(2000, (50, 20), generator=torch.Generator().manual_seed(0))
    counts = count_ngrams([rows], 2000)
    probabilities = counts.trigram_probabilities(rows[:2, :-1], rows[:2, 1:])
    assert probabilities.shape == (2, 19, 2000)
    assert int(counts.trigram.sum()) == 50 * 18


def test_a_corpus_is_counted_without_its_repeats(corpus):
    counts = corpus_ngrams(corpus)
    assert counts.bigram.shape == (256, 256)
    assert int(counts.unigram.sum()) == 4 * 125 * 16


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "rows must be blocks of rows of at least three tokens"),
        ([torch.zeros(3, 2, dtype=torch.int64)], "rows must be blocks of rows of at least three"),
        ([torch.zeros(0, 5, dtype=torch.int64)], "rows must be blocks of rows of at least three"),
        ([torch.zeros(5, dtype=torch.int64)], "rows must be blocks of rows of at least three"),
        ([torch.full((1, 3), 9)], "rows must hold tokens from 0 to 4, got '9 to 9'"),
        ([torch.full((1, 3), -1)], "rows must hold tokens from 0 to 4"),
    ],
)
def test_bad_rows(rows, message):
    with pytest.raises(InputError, match=message):
        count_ngrams(rows, VOCAB)


def test_bad_smoothing():
    with pytest.raises(InputError, match=r"smoothing must be positive, got 0\.0"):
        count_ngrams([ROWS], VOCAB, 0.0)
