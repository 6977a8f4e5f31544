"""A network with its weights in random order: one without modules, of the same sizes of weights."""

from copy import deepcopy
from typing import TypeVar

import torch
from torch import nn

from somite.core.random import stream_seed
from somite.modularity.nulls.weights import shuffled_weights

Model = TypeVar("Model", bound=nn.Module)


@torch.no_grad()
def shuffled_model(model: Model, seed: int) -> Model:
    """A copy of a model with every tensor of weights in random order.

    Args:
        model: Any; stays as it is.
        seed: Of the orders, each tensor having its own.

    Source: Filan et al. 2021, the null of clusterability.

    Example:
        >>> old = nn.Linear(3, 3)
        >>> new = shuffled_model(old, 0)
        >>> torch.equal(old.weight, new.weight)
        False
        >>> torch.equal(old.weight.flatten().sort().values, new.weight.flatten().sort().values)
        True
    """
    copied = deepcopy(model)
    for name, weight in copied.named_parameters():
        own = stream_seed("shuffled network", seed, name)
        weight.copy_(torch.from_numpy(shuffled_weights(weight.cpu().numpy(), own)).to(weight))
    return copied
