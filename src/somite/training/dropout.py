"""Dropout of what the blocks of a transformer add, during training alone."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from somite.core.errors import InputError
from somite.core.random import stream
from somite.models.transformer import Transformer


@contextmanager
def dropped(model: nn.Module, share: float, *names: object) -> Iterator[None]:
    """Within the block of code, each block of the transformer adds with dropout.

        x ← x + m · (block(x) − x) / (1 − share)

    with m one for each entry of the residual stream, 0 with probability `share`, else 1. At 0
    nothing is done at all.

    Args:
        model: The transformer.
        share: In [0, 1).
        names: Of the random stream of m, such as (seed, step).

    Raises:
        InputError: If there is dropout and the model is no transformer of ours.
    """
    if not share:
        yield
        return
    if not isinstance(model, Transformer):
        remedy = "Leave it at 0, or put dropout into the model."
        raise InputError("dropout", "is for our transformers", type(model).__name__, remedy)
    generator = stream("dropout", *names)

    def drop(block: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
        kept = torch.rand(output.shape, generator=generator) >= share
        return inputs[0] + (output - inputs[0]) * kept.to(output.device) / (1 - share)

    handles = [block.register_forward_hook(drop) for block in model.blocks]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
