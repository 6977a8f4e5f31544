"""A ground truth with other weights and the same function: its modules are the same."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from torch import nn

from somite.components.mask import Mask
from somite.core.checks import one_of
from somite.models import (
    MLP,
    balanced,
    permuted,
    rescaled,
    rotated,
    turned_heads,
    with_null_weight,
)
from somite.truths.truth import GroundTruth

PERMUTED, NULL_WEIGHT = "permuted", "null weight"
SAME_NAMES: Mapping[str, Callable[..., nn.Module]] = {
    "rescaled": lambda model, seed: rescaled(model, seed=seed),
    "balanced": lambda model, seed: balanced(model),
    "turned heads": lambda model, seed: turned_heads(model, seed=seed),
    "rotated": lambda model, seed: rotated(model, seed=seed),
}
KINDS = (*SAME_NAMES, PERMUTED, NULL_WEIGHT)


def transformed(truth: GroundTruth, kind: str, seed: int = 0) -> GroundTruth:
    """The truth after one change of its weights.

    Args:
        truth: With a model that the change is for; for "permuted" its components must be whole
            neurons.
        kind: One of `KINDS`.
        seed: Of the change.
    """
    one_of("kind", kind, KINDS)
    name = f"{truth.name}, {kind}"
    if kind == NULL_WEIGHT:
        assert isinstance(truth.model, MLP)
        assert isinstance(truth.data, tuple)
        model = with_null_weight(truth.model, truth.data[0], seed=seed)
        return replace(truth, name=name, model=model, checkpoints={})
    if kind == PERMUTED:
        assert isinstance(truth.model, MLP)
        model, names = permuted(truth.model, seed)
        components: dict[str, Mask] = model.components()["neurons"]
        labels = {new: truth.labels[old] for new, old in names.items() if old in truth.labels}
        return replace(
            truth, name=name, model=model, components=components, labels=labels, checkpoints={}
        )
    return replace(truth, name=name, model=SAME_NAMES[kind](truth.model, seed), checkpoints={})


def names_before(truth: GroundTruth, kind: str, seed: int = 0) -> dict[str, str]:
    """For each component after a change, the name that it had before.

    Args:
        truth: As it was.
        kind: As for `transformed`.
        seed: Likewise.
    """
    if kind == PERMUTED:
        assert isinstance(truth.model, MLP)
        return permuted(truth.model, seed)[1]
    return {name: name for name in truth.components}
