"""A model of transformers from a folder that may be removed afterwards."""

import sys
from pathlib import Path
from typing import Any

from torch import nn

from somite.core.errors import InputError
from somite.models.hugging_face import pretrained


def load_folder(folder: Path, kind: Any = None) -> nn.Module:
    """The model of a Hugging Face folder, in single precision, in evaluation mode.

    Args:
        folder: With `config.json` and weights. It may be removed afterwards.
        kind: Class of transformers that loads it; by default that of causal language models.

    Raises:
        InputError: If transformers is missing, has no such model, or the weights do not fit.
    """
    try:
        model = pretrained(str(folder), kind, local_files_only=True)
    except InputError as error:
        remedy = f"{error.remedy} Or give model=, and its copy takes the weights alone."
        raise InputError("checkpoint", error.rule, folder.name, remedy) from error
    # Weights that are mapped from a file would keep its room on disk in use.
    for tensor in (*model.parameters(), *model.buffers()):
        tensor.data = tensor.data.clone()
    return model


def pretrained_class(model: nn.Module) -> Any:
    """The class of a model of transformers; None for any other.

    Its files may use other names than the model, so that only this class can load them.
    """
    transformers = sys.modules.get("transformers")  # which such a model has imported
    if transformers is None or not isinstance(model, transformers.PreTrainedModel):
        return None
    return type(model)
