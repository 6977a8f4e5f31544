"""Choosing components of a model by kind, by name, by pattern, or as masks of one's own."""

import difflib
import fnmatch
from collections.abc import Callable, Mapping
from functools import partial
from typing import Protocol, runtime_checkable

from torch import nn

from somite.components.cuts import Cut, Units
from somite.components.families import decoder
from somite.components.lens import lens_kinds, sliced
from somite.components.mask import Mask, whole
from somite.components.modules import of_modules
from somite.components.neurons import GROUPS, DeclaresNeurons, neuron_groups, single_neurons
from somite.core.errors import InputError, nearest

MANY = 60
"""Names beyond which an error lists the nearest only."""


@runtime_checkable
class DeclaresComponents(Protocol):
    """A model that knows its own parts."""

    def components(self) -> dict[str, dict[str, Mask]]:
        """Components by kind and name."""
        ...

    def units(self) -> Units:
        """How tensors fall into units: names alone for slices along the first axis."""
        ...


def components(model: nn.Module, which: str | Mapping[str, Mask] = "heads") -> dict[str, Mask]:
    """Components of a model.

    Args:
        model: Any module. Decoders of Hugging Face, models with the names of TransformerLens and
            those that declare their components know kinds such as "heads".
        which: A declared kind ("heads", "mlps", "layers", "embed", "unembed", "neurons:LAYER",
            "neuron_groups:4"; more in docs/hugging-face.md), the name of one declared component
            ("1:3"), "full" for all weights, a pattern over the names of the weights
            ("blocks.*.W_Q", one component), several of these with commas ("heads,mlps"), or a
            mapping of masks of your own. For any module "layers", "type:Conv2d", "channels:NAME",
            "gates:NAME", see `somite.components.modules.of_modules`.

    Returns:
        The masks by component name.

    Raises:
        InputError: If nothing has that name, or a mask does not fit the model.

    Example:
        >>> from torch import nn
        >>> {name: mask.size for name, mask in components(nn.Linear(3, 2), "*").items()}
        {'*': 8}
    """
    if not isinstance(which, str):
        if not which:
            remedy = "Name at least one component."
            raise InputError("components", "must select at least one weight", which, remedy)
        for name, mask in which.items():
            check_fit(name, mask, model)
        return dict(which)
    if len(parts := several(which)) > 1:
        return {name: mask for part in parts for name, mask in components(model, part).items()}
    return _chosen(model, parts[0])


def several(which: str) -> list[str]:
    """The parts of a selection that are joined by commas.

    Raises:
        InputError: If there is none.

    Example:
        >>> several("heads, neuron_groups:4")
        ['heads', 'neuron_groups:4']
    """
    if not (parts := [part.strip() for part in which.split(",") if part.strip()]):
        remedy = "Name a kind such as heads, or names such as 0:1,0:2."
        raise InputError("components", "must name something", which, remedy)
    return parts


def _chosen(model: nn.Module, which: str) -> dict[str, Mask]:
    """Components by one kind, name or pattern."""
    weights = dict(model.named_parameters())
    if which == "full":
        return {"full": Mask({name: whole(weight) for name, weight in weights.items()})}
    if which.partition(":")[0] == GROUPS:
        return neuron_groups(weights, _hidden(model), which)
    ways = _kinds(model)
    if which in ways and (group := ways[which]()):
        return group
    matching = {n: whole(w) for n, w in weights.items() if fnmatch.fnmatchcase(n, which)}
    if matching:
        return {which: Mask(matching)}
    if which not in ways and (found := of_modules(model, which)):
        return found
    return _named(which, ways)


def check_fit(component: str, mask: Mask, model: nn.Module) -> None:
    """Require that a mask names weights of this model, in their shapes.

    Raises:
        InputError: If it does not.
    """
    weights = dict(model.named_parameters())
    for name, chosen in mask.entries.items():
        if name not in weights:
            rule = "must name weights of the model"
            raise InputError(f"component {component}", rule, name, nearest(name, weights))
        if chosen.shape != weights[name].shape:
            raise InputError(
                f"component {component}",
                f"must have the shape {tuple(weights[name].shape)} of {name}",
                tuple(chosen.shape),
                "Build the mask from this model's own weights.",
            )


def units(model: nn.Module) -> Units:
    """How the tensors of a model fall into units; those it does not name are one each."""
    if isinstance(model, DeclaresComponents):
        return model.units()
    if (found := decoder(model)) is not None:
        return found.units()
    return frozenset(sliced(dict(model.named_parameters())))


def _kinds(model: nn.Module) -> dict[str, Callable[[], dict[str, Mask]]]:
    """For each declared kind of component how to get it."""
    if isinstance(model, DeclaresComponents):
        declared = model.components()
    elif (found := decoder(model)) is not None:
        return found.kinds()
    else:
        declared = lens_kinds(model) or {}
    ways: dict[str, Callable[[], dict[str, Mask]]] = {
        kind: partial(dict, group) for kind, group in declared.items()
    }
    weights = dict(model.named_parameters())
    return ways | {
        f"neurons:{layer}": partial(single_neurons, weights, cuts, layer)
        for layer, cuts in _hidden(model).items()
    }


def _hidden(model: nn.Module) -> Mapping[str, Mapping[str, Cut]]:
    """By layer, how weights are cut into hidden neurons; empty if that is not known."""
    if isinstance(model, DeclaresNeurons):
        return model.hidden_neurons()
    found = decoder(model)
    return {} if found is None else found.hidden_neurons()


def _named(which: str, ways: Mapping[str, Callable[[], dict[str, Mask]]]) -> dict[str, Mask]:
    """The one component of a name.

    Raises:
        InputError: If there is none.
    """
    groups = {kind: _or_none(get) for kind, get in ways.items() if ":" not in kind}
    named = {name: mask for group in groups.values() for name, mask in group.items()}
    if which in named:
        return {which: named[which]}
    known = ["full", *(kind for kind, group in groups.items() if group)]
    likely = list(named) if len(named) < MANY else difflib.get_close_matches(which, named)
    remedy = nearest(which, [*known, *likely])
    raise InputError("components", "must select at least one weight", which, remedy)


def _or_none(get: Callable[[], dict[str, Mask]]) -> dict[str, Mask]:
    """Components of a kind; none if the model cannot have them."""
    try:
        return get()
    except InputError:
        return {}
