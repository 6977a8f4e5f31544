"""Which heads serve n-grams: whether ablation hurts most where three tokens tell the next."""

import torch
import xarray as xr
from torch import Tensor

from somite.behavior.ablation import mean_ablation_changes
from somite.behavior.ngram_scores import NgramProbabilities, next_token_probabilities
from somite.behavior.row_statistics import ratio_mean, standard_error
from somite.behavior.rows import checked_rows, chunks
from somite.core.errors import InputError
from somite.models.transformer import Transformer, head_names


def ngram_reliance(
    model: Transformer, rows: Tensor, counts: NgramProbabilities, threshold: float = 0.5
) -> xr.Dataset:
    """How much more mean ablation of a head hurts tokens that trigrams predict than the others.

    A token x_t, t ≥ 2, is predictable if the trigram statistics give it at least `threshold`:
    p(x_t | x_{t-2}, x_{t-1}) ≥ threshold. With Δ_t the rise of its loss when the head puts out its
    mean over these rows,

        ngram_reliance = mean of Δ_t over predictable tokens - mean of Δ_t over the others

    Above zero: the head works for n-grams rather than for the rest. It is a difference and not a
    share because Δ_t has either sign, so that shares of its sum are not confined to 0..1.

    Args:
        model: The model; left as it was.
        rows: Natural validation text, token ids (row, position), at least two rows.
        counts: The statistics of the training text.
        threshold: Least trigram probability of a predictable token.

    Returns:
        Dataset over component [nats per token]: ngram_reliance, its two terms
        loss_change_predictable and loss_change_other, and each with the suffix `_standard_error`
        across rows; attributes threshold and predictable, the share of predictable tokens.

    Raises:
        InputError: If the rows do not fit the model or are shorter than three tokens, the
            threshold is not a probability, or all tokens or none are predictable.
    """
    if not 0 < threshold <= 1:
        remedy = "Give a probability such as 0.5."
        raise InputError("threshold", "must be above 0 and at most 1", threshold, remedy)
    rows = checked_rows(model, rows, shortest=3)
    predictable = _predictable(model, rows, counts, threshold)  # (row, position - 2)
    share = predictable.double().mean().item()
    if share in (0, 1):
        rule = "must leave some tokens predictable and some not"
        raise InputError("threshold", rule, threshold, "Choose another or pass more rows.")
    changes = mean_ablation_changes(model, rows)[:, :, 1:]  # (component, row, position - 2)
    columns = {name: ("component", v.cpu().numpy()) for name, v in _contrast(changes, predictable)}
    coords = {"component": list(head_names(model.config))}
    return xr.Dataset(columns, coords, {"threshold": threshold, "predictable": share})


def _predictable(
    model: Transformer, rows: Tensor, counts: NgramProbabilities, threshold: float
) -> Tensor:
    found = []
    for tokens in chunks(model.config, rows):
        before, previous, actual = tokens[:, :-2], tokens[:, 1:-1], tokens[:, 2:]
        vocab = model.config.vocab_size
        corpus = next_token_probabilities(counts, "trigram", before, previous, vocab)
        found.append(corpus.gather(-1, actual[..., None])[..., 0] >= threshold)
    return torch.cat(found)


def _contrast(changes: Tensor, predictable: Tensor) -> list[tuple[str, Tensor]]:
    """Means over the two kinds of token and their difference, with their errors."""
    inside, inside_influence = ratio_mean((changes * predictable).sum(-1), predictable.sum(-1))
    other, other_influence = ratio_mean((changes * ~predictable).sum(-1), (~predictable).sum(-1))
    return [
        ("ngram_reliance", inside - other),
        ("ngram_reliance_standard_error", standard_error(inside_influence - other_influence)),
        ("loss_change_predictable", inside),
        ("loss_change_predictable_standard_error", standard_error(inside_influence)),
        ("loss_change_other", other),
        ("loss_change_other_standard_error", standard_error(other_influence)),
    ]
