"""Weights into a model: they must fit, and where they do not, the first differences are named."""

import copy
from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from somite.core.errors import InputError, first_names
from somite.training.weight_files import Shapes

Template = nn.Module | Callable[[], nn.Module]
"""A model that is copied for each checkpoint, or a function that makes one."""


def new_model(template: Template) -> nn.Module:
    """A model of one's own, so that no two checkpoints share weights.

    Raises:
        InputError: If it is neither a module nor a function that returns one.
    """
    made = copy.deepcopy(template) if isinstance(template, nn.Module) else None
    if made is None and callable(template):
        made = template()
    if not isinstance(made, nn.Module):
        remedy = "Give a model of the same shape, or a function without arguments that makes one."
        raise InputError("model", "must be a torch module", type(made or template).__name__, remedy)
    return made


def fill(model: nn.Module, weights: Mapping[str, Tensor], place: str) -> nn.Module:
    """Load weights into a model.

    Args:
        model: It is changed.
        weights: By the model's names, or by those behind one common prefix, as Lightning
            (`model.`), data-parallel and compiled models write them. Of tied weights one name is
            enough.
        place: What they are, for the message.

    Returns:
        The model.

    Raises:
        InputError: If they do not fit; the first differing names are told.
    """
    prefix = check_fit(model, {name: tuple(t.shape) for name, t in weights.items()}, place)
    own = {name: tensor for name, tensor in _tensors(model).items() if prefix + name in weights}
    with torch.no_grad():
        for name, tensor in own.items():
            tensor.copy_(weights[prefix + name])
    return model


def check_fit(model: nn.Module, shapes: Shapes, place: str) -> str:
    """Require weights that fit a model.

    Returns:
        The prefix that their names have before those of the model.

    Raises:
        InputError: If they do not fit.
    """
    tensors = _tensors(model)
    prefix = _prefix(list(tensors), list(shapes))
    found = {name[len(prefix) :]: s for name, s in shapes.items() if name.startswith(prefix)}
    held = {id(tensor) for name, tensor in tensors.items() if name in found}
    tied = {n for n, tensor in tensors.items() if n not in found and id(tensor) in held}
    expected = {n: tuple(t.shape) for n, t in tensors.items() if n not in tied}
    if difference := first_differences(expected, found):
        remedy = "Give the model that was trained, with the same names and shapes."
        rule = f"must have the weights of the model ({place})"
        raise InputError("checkpoint", rule, difference, remedy)
    return prefix


def first_differences(expected: Shapes, found: Shapes) -> str:
    """How found weights differ from the expected ones, in a few words; empty if they do not.

    Example:
        >>> first_differences({"a": (2,), "b": (3,)}, {"b": (4,), "c": (1,)})
        'missing a; unexpected c; shape of b (4,) in place of (3,)'
    """
    missing = [name for name in expected if name not in found]
    unexpected = [name for name in found if name not in expected]
    shapes = [
        f"shape of {name} {found[name]} in place of {shape}"
        for name, shape in expected.items()
        if name in found and found[name] != shape
    ]
    parts = [f"missing {first_names(missing)}"] if missing else []
    parts += [f"unexpected {first_names(unexpected)}"] if unexpected else []
    return "; ".join([*parts, *([first_names(shapes)] if shapes else [])])


def _tensors(model: nn.Module) -> dict[str, Tensor]:
    """Parameters and stored buffers of a model by name; tied ones are the same object."""
    state = model.state_dict(keep_vars=True)
    return {name: tensor for name, tensor in state.items() if isinstance(tensor, Tensor)}


def _prefix(expected: list[str], found: list[str]) -> str:
    """What stands before every name in the file, if the model's names come behind it."""
    if not found or any(name in found for name in expected):
        return ""
    ends = (found[0][: -len(name)] for name in expected if found[0].endswith(f".{name}"))
    return next((end for end in ends if all(name.startswith(end) for name in found)), "")
