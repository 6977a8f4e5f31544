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
from somite.data.weighted import drawn, row_weights


def training_batch(
    corpus: Corpus, batch_size: int, repeats_share: float, seed: int, step: int
) -> Tensor:
    """The batch of one training step: a pure function of its arguments.

    The number of repeated rows is ⌊(step + 1)·share·B⌋ - ⌊step·share·B⌋, B the batch size, so
    that the share holds over time even where it is no whole number of rows. They are new random
    strings in each step; the others are drawn with replacement, each row of each natural domain
    being as likely as any other, unless the corpus has shares of the domains.

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
    index = _drawn(corpus, batch_size - repeated, stream(seed, "batch", step))
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
            repeated strings and the others are any rows of natural text, or by their shares.

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
    chosen = [_natural_rows(corpus, split, _chosen(corpus, split, n - repeated, generator))]
    if repeated:
        rows = corpus.tokens[REPEATS][split]
        chosen.append(rows[_choose(REPEATS, len(rows), repeated, generator)])
    return torch.cat(chosen)[torch.randperm(n, generator=generator)]


def training_shares(corpus: Corpus) -> dict[str, float]:
    """Share of each domain among the rows that are trained on; they sum to 1.

    Args:
        corpus: Its config has the share of repeats, and those of the natural domains if they are
            not those of their rows.

    Returns:
        Shares by domain, "repeats" last. Shares of a domain that could not be had raise an
        `InputError`.
    """
    repeats = corpus.config.repeats_share
    found = {name: (1 - repeats) * share for name, share in _text_shares(corpus).items()}
    return found | ({REPEATS: repeats} if repeats else {})


def _text_shares(corpus: Corpus) -> dict[str, float]:
    """Share of each natural domain among the rows of text.

    Raises:
        InputError: If the shares are of a domain that could not be had.
    """
    rows = {name: len(corpus.tokens[name]["train"]) for name in corpus.natural}
    text = corpus.config.shares or {name: n / sum(rows.values()) for name, n in rows.items()}
    if set(text) != set(rows):
        rule = f"must name the domains of the corpus, {list(rows)}"
        remedy = "Leave those that could not be had out of data.domains too."
        raise InputError("shares", rule, list(text), remedy)
    return {name: text[name] for name in rows}


def _drawn(corpus: Corpus, count: int, generator: torch.Generator) -> Tensor:
    """Numbers of rows of text to train on, with replacement."""
    rows = {name: corpus.tokens[name]["train"] for name in corpus.natural}
    if corpus.config.shares:
        return drawn(row_weights(rows, corpus.config.shares), count, generator)
    return torch.randint(sum(map(len, rows.values())), (count,), generator=generator)


def _chosen(corpus: Corpus, split: str, count: int, generator: torch.Generator) -> Tensor:
    """Numbers of different rows of text, in the proportions of training."""
    sizes = [len(corpus.tokens[name][split]) for name in corpus.natural]
    if not corpus.config.shares:
        return _choose("natural text", sum(sizes), count, generator)
    parts, before, upto = [], 0, 0.0
    for size, (name, own) in zip(sizes, _text_shares(corpus).items(), strict=True):
        wanted = round((upto + own) * count) - round(upto * count)
        parts.append(before + _choose(name, size, wanted, generator))
        before, upto = before + size, upto + own
    return torch.cat(parts)


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
