"""A model of transformers from a local folder: the one place that loads it."""

import sys
from pathlib import Path
from typing import Any

import torch
from torch import nn

from somite.core.errors import InputError
from somite.models.hugging_face import read_pretrained
from somite.training.fitting import first_names


def load_folder(folder: Path, kind: Any = None) -> nn.Module:
    """The model of a Hugging Face folder, in single precision, in evaluation mode.

    Args:
        folder: With `config.json` and weights. It may be removed afterwards.
        kind: Class of transformers that loads it; by default that of causal language models.

    Raises:
        InputError: If transformers is missing, has no such model, or the weights do not fit.
    """
    model, report = _loaded(folder, kind)
    names = {
        "missing": report["missing_keys"],
        # A class of the user's own may be a part of what was saved, such as the body without head.
        "unexpected": () if kind else report["unexpected_keys"],
        "of another shape": [key[0] for key in report["mismatched_keys"]],
    }
    if any(names.values()):
        shown = "; ".join(f"{kind} {first_names(sorted(k))}" for kind, k in names.items() if k)
        rule = f"must have the weights of its config.json ({folder.name})"
        raise InputError("checkpoint", rule, shown, "Fetch or save it again, whole.")
    _own_memory(model)
    return model


def pretrained_class(model: nn.Module) -> Any:
    """The class of a model of transformers; None for any other.

    Its files may use other names than the model, so that only this class can load them.
    """
    transformers = sys.modules.get("transformers")  # which such a model has imported
    if transformers is None or not isinstance(model, transformers.PreTrainedModel):
        return None
    return type(model)


def _loaded(folder: Path, kind: Any) -> tuple[nn.Module, dict[str, Any]]:
    """The model, and what transformers says of its weights.

    Raises:
        InputError: If transformers is missing or has no such model.
    """
    try:
        from transformers import AutoModelForCausalLM
    except ImportError as error:
        remedy = 'Install it: pip install "somite[hf]".'
        raise InputError(
            "source", "needs the package `transformers`", folder.name, remedy
        ) from error
    try:
        chosen, how = kind or AutoModelForCausalLM, {"local_files_only": True}
        return read_pretrained(chosen, folder, dtype=torch.float32, **how)
    except (ValueError, KeyError, OSError, RuntimeError) as error:
        reason = (str(error).splitlines() or ["no reason given"])[0][:160]
        remedy = "Give model=, and only the weights are read, into a copy of it."
        rule = f"must be a {kind.__name__ if kind else 'causal language model'} of transformers"
        raise InputError("checkpoint", rule, f"{folder.name} ({reason})", remedy) from error


def _own_memory(model: nn.Module) -> None:
    """Copy weights that are mapped from a file, whose room on disk they would keep in use."""
    for tensor in (*model.parameters(), *model.buffers()):
        tensor.data = tensor.data.clone()
