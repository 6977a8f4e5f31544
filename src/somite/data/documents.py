"""Documents of the user's own: a folder of text files, a JSONL file or a Hugging Face data set."""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from somite.core.errors import InputError

HUB = "hf:"
TEXT = "text"


def texts_digest(locations: Iterable[str]) -> dict[str, str]:
    """Digest of the files at each location, so that edited text is not taken for the old one.

    Args:
        locations: Folders, files, or `hf:` names; the last enter by name only.

    Returns:
        SHA-256 over names and bytes of all files, by location.
    """
    digests = {}
    for location in locations:
        path, digest = Path(location).expanduser(), hashlib.sha256()
        files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
        for file in files:
            digest.update(str(file.relative_to(path)).encode())
            digest.update(hashlib.sha256(file.read_bytes()).digest())
        digests[location] = digest.hexdigest()
    return digests


def read_documents(name: str, location: str, characters: int) -> list[str]:
    """Documents at a location.

    - `hf:DATASET` or `hf:DATASET:SUBSET`: the field "text" of the train split of a Hugging Face
      data set, read from its beginning until there are `characters` of them;
    - a file `*.jsonl`: the field "text" of each line;
    - a folder: every file in it or below it that is UTF-8 text. Hidden files and folders, empty
      files and files that are not text are passed over.

    Args:
        name: Name of the domain, for messages.
        location: Where the documents are.
        characters: How many characters are enough; used for Hugging Face data sets only.

    Returns:
        The documents, in a fixed order, none of them blank.

    Raises:
        InputError: If nothing is there, something cannot be read, or no document holds text.
    """
    if location.startswith(HUB):
        documents = _take(_hub_documents(name, location), characters)
    else:
        path = Path(location).expanduser()
        read = _jsonl_documents if path.suffix == ".jsonl" else _folder_documents
        try:
            documents = [text for text in read(name, path) if text.strip()]
        except OSError as error:
            raise InputError(
                name,
                f"must be readable ({error.strerror})",
                str(error.filename or path),
                "Check the path and its permissions.",
            ) from error
    if not documents:
        raise InputError(
            name, "must hold text", location, "Give a location with UTF-8 text that is not blank."
        )
    return documents


def _folder_documents(name: str, folder: Path) -> Iterator[str]:
    if not folder.is_dir():
        raise InputError(
            name,
            "must be a folder, a .jsonl file or hf:DATASET that exists",
            str(folder),
            "Check the path.",
        )
    for path in sorted(_files(folder)):
        yield _file_text(path)


def _files(folder: Path) -> Iterator[Path]:
    def fail(error: OSError) -> None:
        raise error

    for parent, folders, files in os.walk(folder, onerror=fail):
        folders[:] = [name for name in folders if not name.startswith(".")]
        paths = (Path(parent, name) for name in files if not name.startswith("."))
        yield from (path for path in paths if path.is_file())


def _file_text(path: Path) -> str:
    """Text of a file; empty if it holds something else."""
    data = path.read_bytes()
    if b"\0" in data:
        return ""
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError:
        return ""


def _jsonl_documents(name: str, path: Path) -> Iterator[str]:
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                yield _field(name, f"{path.name}, line {number}", _parsed(line))


def _parsed(line: bytes) -> Any:
    try:
        return json.loads(line)
    except ValueError:  # not JSON, or not UTF-8
        return None


def _field(name: str, where: str, row: Any) -> str:
    text = row.get(TEXT) if isinstance(row, dict) else None
    if not isinstance(text, str):
        raise InputError(
            name,
            f"must hold a JSON object with the text field {TEXT!r} in each row",
            where,
            f'Write rows such as {{"{TEXT}": "..."}}.',
        )
    return text.encode("utf-8", "replace").decode()  # JSON can hold half a surrogate pair


def _hub_documents(name: str, location: str) -> Iterator[str]:
    try:
        from datasets import load_dataset
    except ImportError as error:
        raise InputError(
            name,
            "needs the package `datasets` for a Hugging Face data set",
            location,
            "Run `pip install somite[hf]`.",
        ) from error
    dataset, _, subset = location.removeprefix(HUB).partition(":")
    try:
        rows = load_dataset(dataset, subset or None, split="train", streaming=True)
        for number, row in enumerate(rows, start=1):
            yield _field(name, f"{location}, row {number}", row)
    except InputError:
        raise
    except (OSError, ValueError) as error:
        raise InputError(
            name,
            f"must be a Hugging Face data set that can be read ({type(error).__name__})",
            location,
            "Check its name, its subset (hf:DATASET:SUBSET) and the network.",
        ) from error


def _take(documents: Iterable[str], characters: int) -> list[str]:
    taken: list[str] = []
    total = 0
    for text in documents:
        if text.strip():
            taken.append(text)
            total += len(text)
        if total >= characters:
            break
    return taken
