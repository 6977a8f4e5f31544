"""Choosing components of a model by kind, by name, by pattern, or as masks of one's own."""

import fnmatch
from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from torch import nn

from somite.components.mask import Mask, whole
from somite.core.errors import InputError, nearest


@runtime_checkable
class DeclaresComponents(Protocol):
    """A model that knows its own parts."""

    def components(self) -> dict[str, dict[str, Mask]]:
        """Components by kind and name."""
        ...

    def units(self) -> frozenset[str]:
        """Names of tensors whose slices along the first axis are units of their own."""
        ...


def components(model: nn.Module, which: str | Mapping[str, Mask] = "heads") -> dict[str, Mask]:
    """Components of a model.

    Args:
        model: Any module; one that declares its components knows kinds such as "heads".
        which: A declared kind ("heads", "mlps", "layers", "embed", "unembed"), the name of one
            declared component ("1:3"), "full" for all weights, a pattern over the names of the
            weights ("blocks.*.W_Q", one component), or a mapping of masks of your own.

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
    weights = dict(model.named_parameters())
    if which == "full":
        return {"full": Mask({name: whole(weight) for name, weight in weights.items()})}
    kinds = model.components() if isinstance(model, DeclaresComponents) else {}
    if which in kinds:
        return kinds[which]
    named = {name: mask for group in kinds.values() for name, mask in group.items()}
    if which in named:
        return {which: named[which]}
    matching = {n: whole(w) for n, w in weights.items() if fnmatch.fnmatchcase(n, which)}
    if matching:
        return {which: Mask(matching)}
    remedy = nearest(which, ["full", *kinds, *named])
    raise InputError("components", "must select at least one weight", which, remedy)


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


def units(model: nn.Module) -> frozenset[str]:
    """Tensors of a model whose slices along the first axis are units; none if undeclared."""
    return model.units() if isinstance(model, DeclaresComponents) else frozenset()
