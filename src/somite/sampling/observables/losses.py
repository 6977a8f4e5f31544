"""Losses of a fixed data set at the center and away from it, always on the same examples."""

from collections.abc import Callable

import torch
from torch import Tensor

from somite.sampling.target import Data, n_examples, per_example, rows


@torch.no_grad()
def example_losses(evaluate: Callable[[Data], Tensor], data: Data, chunk: int) -> Tensor:
    """Loss of every example.

    Args:
        evaluate: Maps a batch to its losses, examples along the first axis.
        data: The examples.
        chunk: Examples per pass, which bounds the memory.

    Returns:
        (example,).
    """
    starts = range(0, n_examples(data), chunk)
    return torch.cat([per_example(evaluate(rows(data, slice(i, i + chunk)))) for i in starts])
