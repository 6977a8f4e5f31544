"""Where and with what a study was made."""

import platform
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import torch

from somite.core.fingerprint import code_fingerprint
from somite.study.context import Context

LIBRARIES = ("torch", "numpy", "xarray", "zarr", "arviz-stats", "scikit-learn", "ruptures")
ROWS = (
    "core",
    "components",
    "models",
    "data",
    "training",
    "sampling",
    "estimators",
    "behavior",
    "modularity",
    "development",
    "study",
)


def provenance(context: Context, seconds: dict[str, float], workers: int) -> dict[str, Any]:
    """Versions, machine, data and times, flat, for the manifest.

    Args:
        context: The study.
        seconds: Wall time of each phase of the session that finished it.
        workers: Processes used.

    Returns:
        Text or numbers by name.
    """
    corpus = context.corpus
    return {
        **made_where(),
        "device": context.device,
        "workers": workers,
        "corpus fingerprint": corpus.fingerprint,
        **{f"text of {name}": _amount(size) for name, size in corpus.sizes.items()},
        **{f"left out: {name}": reason for name, reason in corpus.left_out.items()},
        "parameters": sum(p.numel() for p in context.new_model().parameters()),
        **{f"seconds of {name}": value for name, value in seconds.items()},
    }


def made_where() -> dict[str, Any]:
    """Versions and machine."""
    return {
        "somite": version("somite"),
        "somite source": code_fingerprint(*ROWS),
        "python": sys.version.split()[0],
        **{name: version(name) for name in LIBRARIES},
        "machine": f"{platform.machine()} {platform.system()} {platform.release()}",
        "cores": torch.multiprocessing.cpu_count(),
        "finished": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
    }


def _amount(size: Any) -> str:
    return (
        f"{size.train_documents} documents, {size.train_characters} characters to train on; "
        f"{size.validation_documents}, {size.validation_characters} to validate on"
    )
