"""Language models of Hugging Face, from the Hub or a folder, ready to be sampled."""

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import nn

from somite.core.errors import InputError

SHOWN = 3
"""Tensors that do not fit which an error names."""


def load_model(
    path_or_id: str | Path,
    revision: str | None = None,
    device: str | torch.device = "cpu",
    dtype: torch.dtype | None = None,
) -> nn.Module:
    """A decoder of transformers in evaluation mode (extra `hf`).

    Args:
        path_or_id: A folder that `save_pretrained` wrote, or the id of a model on the Hub, such as
            "EleutherAI/pythia-14m".
        revision: Branch, tag or commit on the Hub, such as "step1000".
        device: Where the weights go.
        dtype: Precision of the weights; single if left out, whatever the file holds, since steps of
            a chain are smaller than half precision resolves.

    Returns:
        The model, without a cache of keys and values; `so.components` knows its parts.

    Raises:
        InputError: If transformers is not installed; if there is no such model or revision, or the
            Hub cannot be reached; if the weights are quantised, do not fit or cannot be read.
    """
    library, given = _transformers(), str(path_or_id)
    where = given if revision is None else f"{given}, revision {revision}"
    try:
        config = library.AutoConfig.from_pretrained(given, revision=revision)
        _check_precision(where, config)
        kind, precision = library.AutoModelForCausalLM, dtype or torch.float32
        model, report = read_pretrained(
            kind, given, revision=revision, config=config, dtype=precision
        )
    except InputError:
        raise
    except (OSError, ValueError, SafetensorError) as error:
        raise InputError(*_reason(error, given, revision)) from error
    _check_fit(where, report)
    model.config.use_cache = False
    loaded: nn.Module = model.to(device).eval()
    return loaded


def _transformers() -> Any:
    """The library.

    Raises:
        InputError: If it is not installed.
    """
    try:
        return importlib.import_module("transformers")
    except ImportError as error:
        rule, remedy = "needs the package transformers", "Run `pip install somite[hf]`."
        raise InputError("load_model", rule, "none installed", remedy) from error


def _check_precision(where: str, config: Any) -> None:
    """Require weights that carry gradients.

    Raises:
        InputError: If they are quantised.
    """
    if (how := getattr(config, "quantization_config", None)) is not None:
        method = how.get("quant_method") if isinstance(how, dict) else type(how).__name__
        rule = "must not be quantised, since quantised weights carry no gradients"
        remedy = "Load the model that it was made from."
        raise InputError("model", rule, f"{where} ({method})", remedy)


def _check_fit(where: str, report: dict[str, Any]) -> None:
    """Require that every weight was in the file, in its shape, and no other.

    Raises:
        InputError: If not; the first that differ are named.
    """
    for what, found in (
        ("missing", report["missing_keys"]),
        ("of another shape", [name for name, *_ in report["mismatched_keys"]]),
        ("unknown to the model", report["unexpected_keys"]),
    ):
        if found:
            names = ", ".join(sorted(found)[:SHOWN])
            rule = f"must hold the weights that its config.json describes; {what}: {names}"
            remedy = "Compare the files with config.json, or load it yourself and pass the model."
            raise InputError("model", rule, where, remedy)


def _reason(error: Exception, given: str, revision: str | None) -> tuple[str, str, str | None, str]:
    """The four parts of the error: what went wrong, in the words of one who asked for a model."""
    hub = importlib.import_module("huggingface_hub.errors")
    causes = list(_causes(error))

    def caused_by(*kinds: type[BaseException]) -> bool:
        return any(isinstance(cause, kinds) for cause in causes)

    if caused_by(hub.GatedRepoError):
        remedy = "Ask for access on its page, then run `hf auth login`."
        return "model", "must be one that you have access to", given, remedy
    if caused_by(hub.RevisionNotFoundError):
        remedy = "Look up its branches and tags on its page."
        return "revision", f"must be one of {given}", revision, remedy
    if caused_by(hub.RepositoryNotFoundError, hub.HFValidationError):
        remedy = "Check the spelling; log in with `hf auth login` if it is private."
        return "model", "must be a folder or the id of a model on the Hub", given, remedy
    if caused_by(hub.LocalEntryNotFoundError, hub.OfflineModeIsEnabled, ConnectionError):
        rule = "must be on this machine while the Hub cannot be reached"
        remedy = "Go online (and unset HF_HUB_OFFLINE), or give the path of a folder."
        return "model", rule, given, remedy
    said = str(error).strip().partition("\n")[0]
    rule = f"must be a decoder that transformers can read ({said})"
    remedy = "Check config.json and the files beside it."
    return "model", rule, given, remedy


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def read_pretrained(kind: Any, source: str | Path, **how: Any) -> tuple[Any, dict[str, list[Any]]]:
    """A model of a class of transformers, and which weights did not fit: to be refused by name.

    Args:
        kind: The class, such as `AutoModelForCausalLM`.
        source: Folder or id.
        how: Further keywords of `from_pretrained`.
    """
    with _without_bars():
        model, report = kind.from_pretrained(
            source, output_loading_info=True, ignore_mismatched_sizes=True, **how
        )
    return model, report


@contextmanager
def _without_bars() -> Iterator[None]:
    """No progress bar of transformers while it loads."""
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()
