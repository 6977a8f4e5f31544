"""What a ground truth's components are, and the part of its data that methods look at."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_map

from somite.components.mask import Mask
from somite.models import MLP, BlockLinear, DeepLinear, GaussianBlocks, Transformer
from somite.sampling.target import Data, tensors
from somite.truths.truth import GroundTruth
from somite.verify.landscapes import Copies

NEURONS, HEADS, LAYERS, BLOCKS, PAIR = "neurons", "heads", "layers", "blocks", "pair"
KINDS: Mapping[type[nn.Module], str] = {
    MLP: NEURONS,
    Transformer: HEADS,
    BlockLinear: LAYERS,
    DeepLinear: LAYERS,
    GaussianBlocks: BLOCKS,
}
"""Any other model has two components, and one number between them."""
ACTIVE = 0.1
"""Weights above this share of the largest of their component are active."""


def kind_of(truth: GroundTruth) -> str:
    """What the components of a truth are: "neurons", "heads", "layers", "blocks" or "pair"."""
    return KINDS.get(type(truth.model), PAIR)


def first(truth: GroundTruth, most: int) -> Data:
    """The first examples of a truth."""
    found: Data = tree_map(lambda values: values[:most], truth.data)
    return found


def spread(truth: GroundTruth, most: int) -> Data:
    """Examples of a truth evenly over its data, where these come in parts of different kinds."""
    count = len(tensors(truth.data)[0])
    places = torch.linspace(0, count - 1, min(most, count)).round().long()
    found: Data = tree_map(lambda values: values[places], truth.data)
    return found


def active(model: nn.Module, mask: Mask) -> Mask:
    """The entries of a component that are not small beside its largest; all, where it is zero."""
    weights = dict(model.named_parameters())
    chosen = {name: weights[name].detach().abs() for name in mask.entries}
    largest = max(float(chosen[name][part].max()) for name, part in mask.entries.items())
    if not largest:
        return mask
    return Mask(
        {name: part & (chosen[name] > ACTIVE * largest) for name, part in mask.entries.items()}
    )


def masks_of(truth: GroundTruth, only_active: bool = True) -> dict[str, Mask]:
    """Components of a truth, of active weights or of all; those without a weight are left out.

    Neurons and heads have weights to and from everything, most of them idle. Where components are
    built to hold no idle weight, or their zeros are what is asked about, all weights are taken.
    """
    only_active = only_active and kind_of(truth) in (NEURONS, HEADS)
    found = {
        name: active(truth.model, mask) if only_active else mask
        for name, mask in truth.components.items()
    }
    return {name: mask for name, mask in found.items() if mask.size}


def weights_in(masks: Mapping[str, Mask]) -> int:
    """Weights of all components together."""
    return sum(mask.size for mask in masks.values())


def single(model: Copies) -> Copies:
    """One of many copies of a landscape."""
    center: Tensor = model.center[0]
    return Copies(model.height, tuple(center.tolist()), 1)
