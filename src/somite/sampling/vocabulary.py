"""Whether every token has an embedding: on a GPU a wrong one would end the process."""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

from somite.core.errors import InputError
from somite.sampling.target import Data, rows, tensors

FEW = 2


def check_vocabulary(argument: str, at_center: Callable[[Data], Tensor], data: Data) -> None:
    """Require that all tokens of the data are rows of the tables they are looked up in.

    A pass over a few examples shows which tensors of the data are looked up in which table;
    their other rows are compared with its size.

    Args:
        argument: Name of the data set.
        at_center: Losses of a batch at the center.
        data: The data set.

    Raises:
        InputError: If a token is negative or beyond the table.
    """
    whole = tensors(data)
    if all(tensor.is_floating_point() for tensor in whole):
        return
    few = rows(data, slice(0, FEW))
    with _Lookups(argument) as seen:
        at_center(few)
    for part, tensor in zip(tensors(few), whole, strict=True):
        for index, size in seen.found:
            if index.shape == part.shape and torch.equal(index, part):
                _check_range(argument, tensor, size)


class _Lookups(TorchFunctionMode):
    """Notes every look-up in an embedding, and refuses wrong ones before they are made."""

    def __init__(self, argument: str) -> None:
        super().__init__()
        self._argument = argument
        self.found: list[tuple[Tensor, int]] = []

    def __torch_function__(self, function: Any, _: Any, args: Any = (), kwargs: Any = None) -> Any:
        if function in (F.embedding, torch.embedding):
            index, table = args[:2] if function is F.embedding else args[1::-1]
            _check_range(self._argument, index, len(table))
            self.found.append((index, len(table)))
        return function(*args, **(kwargs or {}))


def _check_range(argument: str, tokens: Tensor, size: int) -> None:
    for extreme in (int(tokens.min()), int(tokens.max())) if tokens.numel() else ():
        if not 0 <= extreme < size:
            rule = f"must hold tokens from 0 to {size - 1}, the rows of the model's embedding"
            remedy = "Use the tokenizer of this model, and rows no longer than its context."
            raise InputError(argument, rule, extreme, remedy)
