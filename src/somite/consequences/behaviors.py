"""Losses of a transformer with heads withheld, by domain and by what tells the next token."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from somite.baselines.lesions import Evaluate
from somite.behavior.ablation import mean_outputs
from somite.behavior.losses import losses_from_logits
from somite.behavior.ngram_scores import NgramProbabilities, next_token_probabilities
from somite.behavior.rows import checked_rows, chunks
from somite.core.checks import one_of
from somite.core.errors import InputError
from somite.models.transformer import Transformer, head_names

SURE = 0.5
"""Probability from which on n-grams predict a token."""
LEAST = 8
"""Fewest rows that hold a token of a kind; kinds of fewer are left out."""


@dataclass(frozen=True, eq=False)
class Text:
    """Rows of a domain, and which of their tokens are of which kind.

    Args:
        rows: Token ids (row, position).
        kinds: By name, which tokens but the first count (row, position − 1), boolean.
    """

    rows: Tensor
    kinds: Mapping[str, Tensor]


def ngram_kinds(rows: Tensor, counts: NgramProbabilities, vocab_size: int) -> dict[str, Tensor]:
    """Which tokens one or two tokens before them predict.

    A token is "bigram" if the statistics give it at least ½ after the token before it; "trigram" if
    they do so after the two tokens before it alone, for which a model has to look back; "other" if
    neither. The second token of a row is of no kind.

    Args:
        rows: Token ids (row, position), at least three positions.
        counts: Statistics of the training text.
        vocab_size: Of the model.

    Returns:
        Boolean (row, position − 1), by kind.

    Raises:
        InputError: If rows are too short, or the statistics have another vocabulary.
    """
    if rows.shape[1] < 3:
        raise InputError("rows", "must have at least 3 tokens", rows.shape[1], "Cut longer rows.")
    before, previous, actual = rows[:, :-2], rows[:, 1:-1], rows[:, 2:]
    sure = {}
    for order in ("bigram", "trigram"):
        found = next_token_probabilities(counts, order, before, previous, vocab_size)
        sure[order] = found.gather(-1, actual[..., None])[..., 0] >= SURE
    kinds = {
        "bigram": sure["bigram"],
        "trigram": sure["trigram"] & ~sure["bigram"],
        "other": ~sure["trigram"] & ~sure["bigram"],
    }
    none = torch.zeros(len(rows), 1, dtype=torch.bool, device=rows.device)
    return {name: torch.cat([none, kind], 1) for name, kind in kinds.items()}


def repeated_kind(rows: Tensor, period: int) -> dict[str, Tensor]:
    """Tokens of repeated strings that induction can tell: all from the second period on.

    Args:
        rows: Strings that repeat themselves (row, position).
        period: Their length.
    """
    late = torch.arange(1, rows.shape[1], device=rows.device) > period
    return {"induction": late.expand(len(rows), -1)}


def behavior_losses(model: Transformer, texts: Mapping[str, Text]) -> Evaluate:
    """Losses with some heads withheld, for `somite.consequences.module_lesion`.

    A withheld head puts out its mean over the rows of the domain, position by position, in the
    whole model.

    Args:
        model: The model; left as it was.
        texts: By domain.

    Returns:
        Function of names of heads that gives, by domain and by kind, the mean loss of each row
        [nats per token]; of a kind, of the rows that hold such a token.

    Raises:
        InputError: If there is no text, rows do not fit the model, or later a head is unknown.
    """
    if not texts:
        raise InputError("texts", "must name at least one domain", {}, "Add one.")
    losses = token_losses_without(model, {name: text.rows for name, text in texts.items()})
    found: dict[str, list[tuple[str, Tensor]]] = {}
    for domain, text in texts.items():
        for kind, chosen in text.kinds.items():
            found.setdefault(kind, []).append((domain, chosen.cpu()))
    rows = {kind: int(sum(chosen.any(1).sum() for _, chosen in parts))
            for kind, parts in found.items()}  # fmt: skip

    def evaluate(withheld: Collection[str]) -> dict[str, np.ndarray]:
        by_domain = losses(withheld)
        measured = {domain: values.mean(1).numpy() for domain, values in by_domain.items()}
        for kind, parts in found.items():
            if rows[kind] >= LEAST:
                means = [_mean_of(by_domain[domain], chosen) for domain, chosen in parts]
                measured[kind] = torch.cat(means).numpy()
        return measured

    return evaluate


def token_losses_without(
    model: Transformer, rows_by_domain: Mapping[str, Tensor]
) -> Callable[[Collection[str]], dict[str, Tensor]]:
    """Loss of each token with some heads withheld, as `behavior_losses` withholds them.

    Args:
        model: The model; left as it was.
        rows_by_domain: Token ids (row, position).

    Returns:
        Function of names of heads that gives, by domain, losses (row, position − 1) [nats], in
        float64 on the CPU; an unknown head raises an `InputError`, as rows do that do not fit.
    """
    names = list(head_names(model.config))
    rows = {domain: checked_rows(model, table, least=1) for domain, table in rows_by_domain.items()}
    instead = {
        domain: dict(zip(names, torch.cat(mean_outputs(model, table)), strict=True))
        for domain, table in rows.items()
    }

    @torch.no_grad()
    def losses(withheld: Collection[str]) -> dict[str, Tensor]:
        out = [one_of("components", name, names) for name in withheld]
        found = {}
        for domain, table in rows.items():
            replace = {name: instead[domain][name] for name in out}
            parts = [losses_from_logits(model(tokens, replace=replace), tokens)
                     for tokens in chunks(model.config, table)]  # fmt: skip
            found[domain] = torch.cat(parts).double().cpu()
        return found

    return losses


def _mean_of(losses: Tensor, chosen: Tensor) -> Tensor:
    """Mean over the chosen tokens of the rows that hold any."""
    held = chosen.any(1)
    return (losses * chosen).sum(1)[held] / chosen.sum(1)[held]
