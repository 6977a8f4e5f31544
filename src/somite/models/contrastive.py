"""Contrastive losses of two views, one number per example."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor


def contrastive_loss(
    model: Callable[[Tensor], Tensor],
    batch: tuple[Tensor, Tensor],
    negatives: Tensor,
    temperature: float = 0.1,
) -> Tensor:
    """−log( e^{s(x, y)/T} / (e^{s(x, y)/T} + Σ_k e^{s(x, n_k)/T}) ), s the cosine of embeddings.

    InfoNCE (van den Oord et al. 2018, eq. 4) with fixed negatives. With the other examples of the
    batch as negatives, the loss of an example would depend on the batch it is in: the mean over
    minibatches would not be the loss of any data set, and there would be no baseline at the center.

    Args:
        model: Maps inputs (batch, …) to embeddings (batch, dimension).
        batch: Two views of each example (batch, …).
        negatives: Inputs (k, …), the same for every example; `functools.partial` makes a loss of
            it. Each evaluation embeds them anew, with the moved weights.
        temperature: T.

    Returns:
        (batch,) in nats.

    Example:
        >>> views, others = torch.eye(2)[:1], torch.eye(2)[1:]
        >>> found = contrastive_loss(lambda x: x, (views, views), others, temperature=1.0)
        >>> round(found.item(), 4)  # log(1 + 1/e)
        0.3133
    """
    first, second = batch
    n = len(first)
    found = F.normalize(model(torch.cat([first, second, negatives])), dim=-1)
    anchors, positives, others = found[:n], found[n : 2 * n], found[2 * n :]
    right = (anchors * positives).sum(-1, keepdim=True)
    scores = torch.cat([right, anchors @ others.T], 1) / temperature
    return scores.logsumexp(1) - scores[:, 0]
