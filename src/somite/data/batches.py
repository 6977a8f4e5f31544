"""Rows to train on and rows to sample with: natural text and repeated strings in fixed shares."""

from math import floor

import torch
from torch import Tensor

from somite.core.checks import at_least, one_of
from somite.core.errors import InputError
from somite.core.random import stream
from somite.data.config import REPEATS, check_repeats_share
from somite.data.corpus import SPLITS, Corpus
from somite.data.repeats import repeated_rows


def training_batch(
    corpus: Corpus, batch_size: int, repeats_share: float, seed: int, step: int
) -> Tensor:
    """The batch of one training step: a pure function of its arguments.

    The number of repeated rows is ⌊(step + 1)·share·B⌋ - ⌊step·share·B⌋, B the batch size, so
    that the share holds over time even where it is no whole number of rows. They are new random
    strings in each step; the others are drawn with replacement, each row of each natural domain
    being as likely as any other.

    Args:
        corpus: Where the rows come from.
        batch_size: Rows in the batch.
        repeats_share: Share of repeated rows, in [0, 1).
        seed: Seed of the training run.
        step: Number of the training step, from 0.

    Returns:
        (batch, context), int64: natural rows first, then repeated ones. A number that
        breaks its rule raises an `InputError`.
    """
    at_least("batch_size", batch_size, 1)
    at_least("step", step, 0)
    check_repeats_share(repeats_share)
    per_step = repeats_share * batch_size
    repeated = floor((step + 1) * per_step) - floor(step * per_step)
    total = sum(len(corpus.tokens[name]["train"]) for name in corpus.natural)
    index = torch.randint(total, (batch_size - repeated,), generator=stream(seed, "batch", step))
    strings = repeated_rows(corpus.config, repeated, seed, REPEATS, step)
    return torch.cat([_natural_rows(corpus, "train", index), strings])


def sample_rows(
    corpus: Corpus, n: int, split: str = "train", seed: int = 0, domain: str | None = None
) -> Tensor:
    """A fixed data set of different rows in the proportions of training, or of one domain.

    Args:
        corpus: Where the rows come from.
        n: Number of rows.
        split: "train" or "validation".
        seed: Another seed, other rows.
        domain: A domain to take all rows from; by default `repeats_share` of the rows are
            repeated strings and the others are any rows of natural text.

    Returns:
        (n, context), int64, shuffled. An unknown domain or split, or fewer rows than asked for,
        raises an `InputError`.
    """
    at_least("n", n, 1)
    one_of("split", split, SPLITS)
    generator = stream(seed, "rows", split, domain)
    if domain is not None:
        rows = corpus.tokens[one_of("domain", domain, corpus.tokens)][split]
        return rows[_choose(domain, len(rows), n, generator)]
    repeated = round(corpus.config.repeats_share * n)
    total = sum(len(corpus.tokens[name][split]) for name in corpus.natural)
    chosen = [_natural_rows(corpus, split, _choose("natural text", total, n - repeated, generator))]
    if repeated:
        rows = corpus.tokens[REPEATS][split]
        chosen.append(rows[_choose(REPEATS, len(rows), repeated, generator)])
    return torch.cat(chosen)[torch.randperm(n, generator=generator)]


def _choose(domain: str, available: int, n: int, generator: torch.Generator) -> Tensor:
    if n > available:
        rule = f"must ask for no more than the {available} rows of {domain}"
        raise InputError("n", rule, n, "Ask for fewer, or raise max_characters.")
    return torch.randperm(available, generator=generator)[:n]


def _natural_rows(corpus: Corpus, split: str, index: Tensor) -> Tensor:
    """Rows of all natural domains by their number in one long list."""
    rows = torch.empty(len(index), corpus.config.context, dtype=torch.int64)
    first = 0
    for name in corpus.natural:
        domain = corpus.tokens[name][split]
        here = (index >= first) & (index < first + len(domain))
        rows[here] = domain[index[here] - first]
        first += len(domain)
    return rows
