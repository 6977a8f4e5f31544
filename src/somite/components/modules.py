"""Components of any module: modules of one type, channels, gates, layers."""

from collections.abc import Callable, Mapping

import torch
from torch import nn
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd

from somite.components.cuts import Cut
from somite.components.mask import Mask, whole
from somite.core.errors import InputError, nearest

GATES = {nn.LSTM: ("input", "forget", "cell", "output"), nn.GRU: ("reset", "update", "new")}
"""Gates in the order in which PyTorch stacks them along the first axis of every tensor."""


def of_modules(model: nn.Module, which: str) -> dict[str, Mask] | None:
    """Components that are asked for by what modules are.

    Args:
        model: Any module.
        which: "layers" (every module with weights of its own), "type:Conv2d" (those of one type),
            "channels:NAME" (output channels of a convolution or a linear map, "NAME:0"),
            "channels:NAME/8" (groups of 8 that follow each other, "NAME:0-7"), or "gates:NAME"
            (gates of each layer of an LSTM or GRU, "NAME.l0:forget").

    Returns:
        None if `which` is none of these.

    Raises:
        InputError: If there is no such module, or it has no channels or gates.

    Example:
        >>> model = nn.Sequential(nn.Conv1d(2, 3, 1), nn.ReLU(), nn.Linear(3, 1))
        >>> list(of_modules(model, "layers")), list(of_modules(model, "channels:0"))
        (['0', '2'], ['0:0', '0:1', '0:2'])
    """
    if which == "layers":
        return {
            path or "own": _weights(path, m, recurse=False)
            for path, m in model.named_modules()
            if next(m.parameters(recurse=False), None) is not None
        }
    kind, found, name = which.partition(":")
    ways: Mapping[str, Callable[[nn.Module, str], dict[str, Mask]]] = {
        "type": _of_type,
        "channels": _channels,
        "gates": _gates,
    }
    return ways[kind](model, name) if found and kind in ways else None


def _of_type(model: nn.Module, name: str) -> dict[str, Mask]:
    """Modules of a type.

    Raises:
        InputError: If there is none that holds weights.
    """
    held = [
        (p, m) for p, m in model.named_modules() if p and next(m.parameters(), None) is not None
    ]
    found = {p: _weights(p, m, recurse=True) for p, m in held if type(m).__name__ == name}
    if not found:
        types = dict.fromkeys(type(m).__name__ for _, m in held)
        rule = "must be the type of modules that hold weights"
        raise InputError("type", rule, name, nearest(name, types))
    return found


def _channels(model: nn.Module, asked: str) -> dict[str, Mask]:
    """Output channels of a convolution, or of a linear map, alone or in groups.

    Raises:
        InputError: If the convolution is transposed in groups: a channel is no slice there.
    """
    name, size = _group_size(asked)
    module = _module(model, name, (_ConvNd, nn.Linear), "a convolution or a linear map")
    axis = 1 if isinstance(module, _ConvTransposeNd) else 0
    cuts = {"weight": Cut(axis), "bias": Cut()}
    shapes = {n: w.shape for n, w in module.named_parameters(recurse=False)}
    groups = module.groups if isinstance(module, _ConvTransposeNd) else 1
    if groups > 1:
        rule, remedy = "must not be transposed in groups", "Give masks of your own."
        raise InputError(name, rule, f"{groups} groups", remedy)
    count = shapes["weight"][axis]
    found = {}
    for first in range(0, count, size):
        held = range(first, min(first + size, count))
        shown = f"{first}-{held[-1]}" if len(held) > 1 else str(first)
        found[f"{name}:{shown}"] = Mask(
            {f"{name}.{n}": cuts[n].mask(shape, *held) for n, shape in shapes.items()}
        )
    return found


def _group_size(asked: str) -> tuple[str, int]:
    """Name of a module, and how many of its channels make a component.

    Raises:
        InputError: If that is no positive number.
    """
    name, slash, size = asked.rpartition("/")
    if not slash:
        return asked, 1
    if not size.isdecimal() or int(size) < 1:
        remedy = "Write channels:NAME/8 for groups of 8."
        raise InputError("size of a group of channels", "must be a positive number", size, remedy)
    return name, int(size)


def _gates(model: nn.Module, name: str) -> dict[str, Mask]:
    module = _module(model, name, tuple(GATES), "an LSTM or a GRU")
    gates = next(gates for kind, gates in GATES.items() if isinstance(module, kind))
    found: dict[str, dict[str, torch.Tensor]] = {}
    for weight_name, weight in module.named_parameters():
        kind, _, layer = weight_name.rpartition("_l")
        if kind == "weight_hr":
            continue  # the projection of the outputs belongs to no gate
        cut = Cut(0, tuple(i * len(gates) // len(weight) for i in range(len(weight))))
        for i, gate in enumerate(gates):
            entries = found.setdefault(f"{name}.l{layer}:{gate}", {})
            entries[f"{name}.{weight_name}"] = cut.mask(weight.shape, i)
    return {gate: Mask(entries) for gate, entries in found.items()}


def _module(
    model: nn.Module, name: str, kinds: tuple[type[nn.Module], ...], words: str
) -> nn.Module:
    """The module of a name.

    Raises:
        InputError: If there is none, or it is of another kind.
    """
    modules = dict(model.named_modules())
    fitting = [path for path, module in modules.items() if path and isinstance(module, kinds)]
    if name not in fitting:
        rule, got = f"must be the name of {words}", name
        if name in modules:
            got = f"{name or 'the model itself'}, which is {type(modules[name]).__name__}"
        wrap = "Put the model into torch.nn.Sequential, whose modules have names."
        raise InputError("components", rule, got, nearest(name, fitting) if fitting else wrap)
    found: nn.Module = modules[name]
    return found


def _weights(path: str, module: nn.Module, recurse: bool) -> Mask:
    prefix = f"{path}." if path else ""
    return Mask({f"{prefix}{n}": whole(w) for n, w in module.named_parameters(recurse=recurse)})
