"""Language models of Hugging Face, from the Hub or a folder, ready to be sampled."""

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import torch
from safetensors import SafetensorError
from torch import nn

from somite.core.errors import InputError, first_names

SECONDS = 10.0
"""Within which the Hub answers."""
UNREADABLE = (OSError, ValueError, KeyError, RuntimeError, SafetensorError)
"""What transformers raises of files that it cannot make a model of."""


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
    source = str(path_or_id)
    here = {"local_files_only": not reachable(source)}
    found = pretrained(source, revision=revision, dtype=dtype or torch.float32, **here)
    loaded: nn.Module = found.to(device).eval()
    return loaded


def pretrained(
    source: str, kind: Any = None, dtype: torch.dtype = torch.float32, **how: Any
) -> nn.Module:
    """A model of transformers whose files hold exactly its weights, on the CPU.

    Args:
        source: Folder or id.
        kind: Class of transformers that loads it, which may be a part of what was saved, such as
            the body without its head; by default that of causal language models.
        dtype: Precision of the weights.
        **how: Further keywords of `from_pretrained`.

    Raises:
        InputError: If transformers is not installed, or source, revision or files are not right.
    """
    library, revision = _transformers(), how.get("revision")
    where = source if revision is None else f"{source}, revision {revision}"
    configured = kind.config_class if kind else library.AutoConfig
    try:
        config = configured.from_pretrained(source, **how)
        _check_precision(where, config)
        with _without_bars():
            model, report = (kind or library.AutoModelForCausalLM).from_pretrained(
                source, config=config, dtype=dtype, output_loading_info=True,
                ignore_mismatched_sizes=True, **how,
            )  # fmt: skip
    except InputError:
        raise
    except UNREADABLE as error:
        raise InputError(*_reason(error, source, revision)) from error
    _check_fit(where, report, part=kind is not None)
    model.config.use_cache = False
    found: nn.Module = model
    return found


def reachable(source: str) -> bool:
    """Whether the Hub must and can be asked for a model; transformers tries for half a minute.

    Args:
        source: Folder or id; a folder needs no Hub.
    """
    _transformers()
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    transport = cast("type[Exception]", HfHubHTTPError.__mro__[1])  # of all errors of connections
    if Path(source).is_dir():
        return False
    try:
        HfApi().model_info(source, timeout=SECONDS)
    except (HfHubHTTPError, HFValidationError):  # an answer, which loading explains
        return True
    except (OSError, transport):
        return False
    return True


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


def _check_fit(where: str, report: dict[str, Any], part: bool) -> None:
    """Require that every weight was in the file, in its shape, and no other but of a larger whole.

    Raises:
        InputError: If not; the first that differ are named.
    """
    names = {
        "missing": report["missing_keys"],
        "unexpected": () if part else report["unexpected_keys"],
        "of another shape": [name for name, *_ in report["mismatched_keys"]],
    }
    if any(names.values()):
        shown = "; ".join(f"{what} {first_names(sorted(n))}" for what, n in names.items() if n)
        rule = f"must hold the weights that its config.json describes; {shown}"
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
