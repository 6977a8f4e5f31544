"""How far the model's predictions are from the statistics of the corpus' bigrams and trigrams."""

from typing import Protocol

import torch
import xarray as xr
from torch import Tensor

from somite.behavior.row_statistics import row_mean
from somite.behavior.rows import checked_rows, chunks
from somite.core.errors import InputError
from somite.models.transformer import Transformer


class NgramProbabilities(Protocol):
    """Conditional distributions of the next token, smoothed so that none is zero."""

    def bigram_probabilities(self, previous: Tensor) -> Tensor:
        """Distribution after one token: (...) to (..., vocab)."""
        ...

    def trigram_probabilities(self, before_previous: Tensor, previous: Tensor) -> Tensor:
        """Distribution after two tokens: (...) and (...) to (..., vocab)."""
        ...


@torch.no_grad()
def ngram_scores(model: Transformer, rows: Tensor, counts: NgramProbabilities) -> xr.Dataset:
    """Divergence of the model from the bigram and the trigram statistics of the corpus.

    With p the corpus' distribution after the last one (two) tokens and m the model's after the
    whole row so far, averaged over positions t ≥ 1 of all rows, for both orders alike:

        kl = Σ_v p_v (log p_v - log m_v)        cross_entropy = -Σ_v p_v log m_v

    Args:
        model: The model; left as it was.
        rows: Natural validation text, token ids (row, position), at least two rows.
        counts: The statistics of the training text.

    Returns:
        Dataset without dims [nats]: bigram_kl, bigram_cross_entropy, trigram_kl and
        trigram_cross_entropy, and each with the suffix `_standard_error` across rows.

    Bad input:
        `InputError` if the rows do not fit the model, or the statistics have another vocabulary.
    """
    rows = checked_rows(model, rows)
    parts = [_chunk_scores(model, tokens, counts) for tokens in chunks(model.config, rows)]
    scores: dict[str, float] = {}
    for name in parts[0]:
        mean, error = row_mean(torch.cat([part[name] for part in parts]))
        scores[name], scores[f"{name}_standard_error"] = mean.item(), error.item()
    return xr.Dataset(scores)


def _chunk_scores(
    model: Transformer, tokens: Tensor, counts: NgramProbabilities
) -> dict[str, Tensor]:
    """Each score of each row (row,)."""
    predicted = model(tokens)[:, 1:].log_softmax(-1)  # (row, position - 1, vocab)
    before, previous = tokens[:, :-1], tokens[:, 1:]
    scores: dict[str, Tensor] = {}
    for order in ("bigram", "trigram"):
        corpus = next_token_probabilities(counts, order, before, previous, predicted.shape[-1])
        cross_entropy = -(corpus * predicted).sum(-1).double().mean(1)
        negative_entropy = torch.xlogy(corpus, corpus).sum(-1).double().mean(1)
        scores[f"{order}_kl"] = cross_entropy + negative_entropy
        scores[f"{order}_cross_entropy"] = cross_entropy
    return scores


def next_token_probabilities(
    counts: NgramProbabilities, order: str, before: Tensor, previous: Tensor, vocab_size: int
) -> Tensor:
    """Distribution of the corpus after the given tokens, on their device.

    Args:
        counts: The statistics, asked on the CPU.
        order: "bigram" or "trigram".
        before: The tokens before the previous ones (...); unused for bigrams.
        previous: The previous tokens (...).
        vocab_size: Vocabulary of the model.

    Returns:
        Probabilities (..., vocab).

    Raises:
        InputError: If the statistics have another vocabulary.
    """
    if order == "bigram":
        found = counts.bigram_probabilities(previous.cpu())
    else:
        found = counts.trigram_probabilities(before.cpu(), previous.cpu())
    if found.shape[-1] != vocab_size:
        rule = f"must have the model's vocabulary of {vocab_size} tokens"
        raise InputError("counts", rule, found.shape[-1], "Count with the run's own tokenizer.")
    return found.to(previous.device)
