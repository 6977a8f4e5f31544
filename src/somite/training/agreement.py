"""One architecture through a series: shapes of weights and configurations that agree."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from somite.core.errors import InputError
from somite.training.fitting import first_differences
from somite.training.weight_files import Shapes

NOT_ARCHITECTURE = {
    *("_name_or_path", "transformers_version", "torch_dtype", "dtype", "use_cache"),
    *("_commit_hash", "architectures"),
}
"""Entries of a config.json that may differ between checkpoints of one model."""
REMEDY = "Give a pattern or steps that leave it out; a series is of one model."


def same_shapes(shapes: Mapping[int, Shapes]) -> None:
    """Require the same weights at every step.

    Args:
        shapes: By step.

    Raises:
        InputError: If one step differs from the first; step and first differences are named.
    """
    first = min(shapes, default=0)
    for step, found in shapes.items():
        if difference := first_differences(shapes[first], found):
            rule = f"must be of the model of step {first}"
            raise InputError("checkpoint", rule, f"step {step}: {difference}", REMEDY)


def same_configs(configs: Mapping[int, Mapping[str, Any]]) -> None:
    """Require the same architecture in every configuration.

    Args:
        configs: Contents of config.json by step.

    Raises:
        InputError: If one differs from the first; step and first difference are named.
    """
    first = min(configs, default=0)
    for step, config in configs.items():
        names = sorted({*configs[first], *config} - NOT_ARCHITECTURE)
        differing = [name for name in names if config.get(name) != configs[first].get(name)]
        if differing:
            name = differing[0]
            shown = f"{name} {config.get(name)!r} in place of {configs[first].get(name)!r}"
            rule = f"must have the config.json of step {first}"
            raise InputError("checkpoint", rule, f"step {step}: {shown}", REMEDY)


def read_config(path: Path) -> dict[str, Any]:
    """Contents of a config.json.

    Raises:
        InputError: If it cannot be read.
    """
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        remedy = "Copy or save it again, or remove it and give model=."
        raise InputError("config.json", "must be readable", str(path), remedy) from error
