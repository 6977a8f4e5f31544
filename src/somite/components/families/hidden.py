"""Parts of the MLP of one layer: its hidden neurons, or its experts."""

from collections.abc import Mapping

from torch import Tensor, nn

from somite.components.cuts import SLICES, Cut
from somite.components.families.family import Family
from somite.components.mask import Mask, whole


def neuron_cuts(weights: Mapping[str, Tensor], family: Family, layer: str) -> dict[str, Cut]:
    """How a layer's MLP is cut into hidden neurons: what leads into each, its bias, and out of it.

    Args:
        weights: All weights of the model by name.
        family: How they are stored.
        layer: Name of the layer in the model.

    Returns:
        Empty if the family names no hidden neurons, or the layer has experts instead.
    """
    written = f"{layer}.{family.written}.weight"
    if written not in weights or not family.hidden:
        return {}
    rows, columns = (1, 0) if family.transposed else (0, 1)
    count = weights[written].shape[columns]
    cuts = {written: Cut(columns)}
    for hidden in family.hidden:
        for kind, axis in (("weight", rows), ("bias", 0)):
            if (name := f"{layer}.{hidden}.{kind}") in weights:
                size = weights[name].shape[axis]  # twice the count where gates come before values
                cuts[name] = Cut(axis, tuple(i % count for i in range(size)))
    return cuts


def experts(model: nn.Module, family: Family, layer: str) -> list[Mask]:
    """Experts of a layer's MLP.

    Transformers 5 stores them as slices of tensors with one more axis in front; a list of modules,
    one for each expert, is known too.

    Returns:
        Empty if the layer has none.
    """
    path = f"{layer}.{family.experts}"
    found: nn.Module | None = model.get_submodule(layer)
    for part in family.experts.split("."):
        found = dict(found.named_children()).get(part) if found is not None else None
    if found is None:
        return []
    if isinstance(found, nn.ModuleList):
        return [
            Mask({f"{path}.{i}.{name}": whole(w) for name, w in expert.named_parameters()})
            for i, expert in enumerate(found)
        ]
    own = {f"{path}.{name}": weight.shape for name, weight in found.named_parameters()}
    counts = {shape[0] for shape in own.values()}
    return [
        Mask({name: SLICES.mask(shape, expert) for name, shape in own.items()})
        for expert in range(counts.pop() if len(counts) == 1 else 0)
    ]
