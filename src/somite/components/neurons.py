"""Hidden neurons of MLPs, one by one or in groups.

A neuron is what leads into it, its bias, and what leads out of it: a whole function, as a head is.
The bias of an MLP's output belongs to no neuron.
"""

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from torch import Tensor

from somite.components.cuts import Cut
from somite.components.mask import Mask
from somite.core.errors import InputError

GROUPS = "neuron_groups"
"""Kind of components: "neuron_groups:4", four in each MLP."""


@runtime_checkable
class DeclaresNeurons(Protocol):
    """A model that knows the hidden neurons of its MLPs."""

    def hidden_neurons(self) -> dict[str, dict[str, Cut]]:
        """By layer, how weights are cut into hidden neurons."""
        ...


def single_neurons(
    weights: Mapping[str, Tensor], cuts: Mapping[str, Cut], layer: str
) -> dict[str, Mask]:
    """Hidden neurons of a layer, "layer:neuron0".

    Args:
        weights: All weights of the model by name.
        cuts: How some of them are cut into neurons; none for a layer without.
        layer: Name of the layer.
    """
    return {
        f"{layer}:neuron{i}": _neurons(weights, cuts, [i]) for i in range(_number(weights, cuts))
    }


def neuron_groups(
    weights: Mapping[str, Tensor], hidden: Mapping[str, Mapping[str, Cut]], which: str
) -> dict[str, Mask]:
    """Hidden neurons of every layer in groups of equal size, "layer:neurons0".

    Neuron i of d is in group ⌊i · N / d⌋. Training may sort neurons in any way: the groups are by
    number alone, the same at every checkpoint, and say nothing of what neurons have in common.

    Args:
        weights: All weights of the model by name.
        hidden: By layer, how weights are cut into hidden neurons.
        which: "neuron_groups:N", N groups in each MLP.

    Returns:
        Layers without hidden neurons are left out.

    Raises:
        InputError: If N is no number from 1 to that of the neurons, or no layer has any.

    Example:
        >>> import torch
        >>> weights = {"up": torch.zeros(6, 3), "down": torch.zeros(3, 6)}
        >>> hidden = {"0": {"up": Cut(0), "down": Cut(1)}}
        >>> groups = neuron_groups(weights, hidden, "neuron_groups:2")
        >>> {name: mask.size for name, mask in groups.items()}
        {'0:neurons0': 18, '0:neurons1': 18}
    """
    numbers = {layer: _number(weights, cuts) for layer, cuts in hidden.items()}
    least = min((n for n in numbers.values() if n), default=0)
    if not least:
        remedy = "Set d_mlp of the model, or choose other components."
        raise InputError("components", "must be of a model whose MLPs are known", which, remedy)
    text = which.partition(":")[2]
    count = int(text) if text.isdecimal() else 0
    if not 1 <= count <= least:
        remedy = f"Write {GROUPS}:4 for four groups in each MLP."
        raise InputError("components", f"must name 1 to {least} groups of neurons", which, remedy)
    return {
        f"{layer}:neurons{group}": _neurons(weights, hidden[layer], _members(group, count, number))
        for layer, number in numbers.items()
        if number
        for group in range(count)
    }


def _members(group: int, count: int, number: int) -> list[int]:
    return [i for i in range(number) if i * count // number == group]


def _number(weights: Mapping[str, Tensor], cuts: Mapping[str, Cut]) -> int:
    """Neurons of a layer."""
    return max((len(cut.units(weights[name].shape)) for name, cut in cuts.items()), default=0)


def _neurons(weights: Mapping[str, Tensor], cuts: Mapping[str, Cut], chosen: list[int]) -> Mask:
    return Mask({name: cut.mask(weights[name].shape, *chosen) for name, cut in cuts.items()})
