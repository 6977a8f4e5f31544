"""Loss of each token, and how much more context helps: the in-context-learning score."""

import torch
import torch.nn.functional as F
import xarray as xr
from torch import Tensor

from somite.behavior.row_statistics import row_mean
from somite.behavior.rows import checked_rows, chunks
from somite.core.errors import InputError
from somite.models.transformer import Transformer

Window = tuple[int, int]


def losses_from_logits(logits: Tensor, tokens: Tensor) -> Tensor:
    """Loss of every token but the first: -log p(x_t | x_0 … x_{t-1}).

    Args:
        logits: Predictions (row, position, vocab).
        tokens: What was to be predicted (row, position).

    Returns:
        Losses [nats] (row, position - 1); entry t-1 is the loss of token t.
    """
    return F.cross_entropy(logits[:, :-1].transpose(1, 2), tokens[:, 1:], reduction="none")


@torch.no_grad()
def token_losses(model: Transformer, rows: Tensor) -> Tensor:
    """Loss of every token but the first of each row.

    Args:
        model: The model; left as it was.
        rows: Token ids (row, position).

    Returns:
        Losses [nats] (row, position - 1); entry t-1 is the loss of token t.

    Bad input:
        `InputError` if the rows do not fit the model.
    """
    rows = checked_rows(model, rows, least=1)
    return torch.cat([losses_from_logits(model(t), t) for t in chunks(model.config, rows)])


def default_windows(length: int) -> tuple[Window, Window]:
    """Early and late tokens to compare, w = max(1, length // 16) of each.

    Early are the tokens [w, 2w), around a tenth of the row, late the last w: the places of the
    50th and the 500th token of 512 in Olsson et al. 2022, widened because single positions are
    noisy in few rows.

    Example:
        >>> default_windows(64)
        ((4, 8), (60, 64))
    """
    width = max(1, length // 16)
    return (width, 2 * width), (length - width, length)


def in_context_score(
    model: Transformer, rows: Tensor, early: Window | None = None, late: Window | None = None
) -> xr.Dataset:
    """Loss of late tokens minus loss of early ones; below zero when context helps.

        score = mean over rows of ( mean_{t in late} loss_t - mean_{t in early} loss_t )

    Args:
        model: The model; left as it was.
        rows: Token ids (row, position), at least two rows.
        early: First token and one past the last, from 1; see `default_windows`.
        late: The same, not before the end of `early`.

    Returns:
        Dataset without dims: `in_context_score` and `standard_error` across rows, paired within
        the row [nats]; the windows are its attributes.

    Bad input:
        `InputError` if the rows do not fit the model, or a window is empty, leaves the row, or the
            windows overlap.

    Source:
        Olsson et al. 2022, "In-context learning and induction heads", in-context learning score.
    """
    rows = checked_rows(model, rows, shortest=3)
    length = rows.shape[1]
    first, last = default_windows(length)
    early, late = early or first, late or last
    _check_windows(early, late, length)
    losses = token_losses(model, rows)
    score, error = row_mean(_window_mean(losses, late) - _window_mean(losses, early))
    values = {"in_context_score": score.item(), "standard_error": error.item()}
    return xr.Dataset(values, attrs={"early": list(early), "late": list(late)})


def _window_mean(losses: Tensor, window: Window) -> Tensor:
    return losses[:, window[0] - 1 : window[1] - 1].double().mean(1)


def _check_windows(early: Window, late: Window, length: int) -> None:
    for name, (start, stop), least in (("early", early, 1), ("late", late, early[1])):
        if not least <= start < stop <= length:
            rule = f"must be a window (first, past the last) within [{least}, {length})"
            raise InputError(name, rule, (start, stop), "Leave it out for the default.")
