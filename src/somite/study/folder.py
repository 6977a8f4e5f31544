"""The folder of a run: whose it is, who works in it, and what is in it when all is done."""

import errno
import json
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from somite.core.errors import InputError

MARKER, MANIFEST, LOCK = "run.json", "study.json", ".lock"
MODULES = "modules.json"
"""Says which cells hold the modules of a run, where they were measured."""
RESPONSE = "response.json"
"""Says which cells hold the responses of a run, their recorded losses, and the influences."""
COMPRESSION = "compressibility.json"
"""Says which cell holds how far the weights of a run can be compressed."""
LESIONS = "lesions.json"
"""Says which cells hold the lesions of the modules of a run."""
TRANSFER = "transfer.json"
"""Says which cells hold what fine-tuning of parts of a run on new text gave."""
ROOM = 300 * 2**20
"""Free bytes that a study asks for beside its checkpoints."""

CONTENTS = ("settings", "corpus", "training", "cells", "provenance")
FULL = (errno.ENOSPC, errno.EDQUOT)
CLOSED = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST, errno.ENAMETOOLONG)
OTHER = "Choose another with --out."


@contextmanager
def claimed(out: Path, name: str) -> Iterator[None]:
    """Make a folder the run of one study, and keep other processes out of it meanwhile.

    Args:
        out: The folder: new, empty, or of a study of the same name.
        name: Name of the study.

    Raises:
        InputError: If it holds something else, is in use, has no room or cannot be written.
    """
    _check_owner(out, name)
    with writable(out):
        out.mkdir(parents=True, exist_ok=True)
        _check_room(out)
        with _locked(out):
            if not (out / MARKER).exists():
                write_whole(out / MARKER, {"recipe": name})
            yield


@contextmanager
def writable(out: Path) -> Iterator[None]:
    """Explain a full disk or a place that cannot be written, met anywhere inside.

    Raises:
        InputError: If that happens.
        OSError: If something else goes wrong with a file.
    """
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            remedy = "Free some space and run the same command again; nothing finished is lost."
            raise InputError("disk", "must have room for the store", str(out), remedy) from error
        if error.errno in CLOSED:
            rule = f"must be a folder that can be written ({error.strerror})"
            raise InputError("out", rule, str(error.filename or out), OTHER) from error
        raise


def write_whole(path: Path, content: dict[str, Any]) -> None:
    """Write JSON under a temporary name, renamed when whole."""
    partial = path.with_name(f".partial-{path.name}")
    partial.write_text(json.dumps(content, indent=1))
    os.replace(partial, path)


def read_manifest(run: Path) -> dict[str, Any]:
    """What a finished study consists of.

    Raises:
        InputError: If there is no finished study, or its manifest is damaged.
    """
    if not (run / MARKER).is_file():
        remedy = "Check the path, or start one with `somite run`."
        raise InputError("run", "must be a folder of somite run", str(run), remedy)
    if not (run / MANIFEST).is_file():
        remedy = "Give the command that started it again; it goes on where it stopped."
        raise InputError("run", "must hold a finished study", str(run), remedy)
    remedy = "Remove that file and run the study again; finished cells are kept."
    manifest = _read(run / MANIFEST, remedy)
    if missing := [name for name in CONTENTS if name not in manifest]:
        raise InputError("run", f"must record {', '.join(missing)}", str(run / MANIFEST), remedy)
    return manifest


def listed_modules(run: Path) -> dict[str, dict[str, dict[str, str]]]:
    """Cells with the modules of a run, by set of components; none where they were not measured.

    Of each set "cells", those of each step, and "through", those through time of each kind of
    modules, where they were followed.
    """
    return dict(_listed(run / MODULES, "modules").get("sets", {}))


def listed_response(run: Path, part: str) -> dict[str, Any]:
    """Cells of one part of the responses of a run, by step; none where it was not measured.

    Args:
        run: Its folder.
        part: "cells" for susceptibilities, "influence", "clusters", "motion" by its last step, or
            "losses" for the recorded losses, whose cells are by name, "posterior" and "control".
    """
    return dict(_listed(run / RESPONSE, "respond").get(part, {}))


def listed_compression(run: Path) -> str | None:
    """The cell that holds the compressibility of a run; None where it was not measured."""
    cell: str | None = _listed(run / COMPRESSION, "compress").get("cell")
    return cell


def listed_lesions(run: Path) -> dict[str, dict[str, str]]:
    """By step, the cell of each module whose lesion was measured."""
    return dict(_listed(run / LESIONS, "lesions").get("steps", {}))


def _listed(path: Path, command: str) -> dict[str, Any]:
    """What a command has listed; nothing where it was not given."""
    remedy = f"Remove that file and give `somite {command}` again; what is measured is kept."
    return _read(path, remedy) if path.is_file() else {}


def listed_transfer(run: Path) -> dict[str, str]:
    """By domain, the cell with what fine-tuning on it gave."""
    return dict(_listed(run / TRANSFER, "transfer").get("domains", {}))


def _check_owner(out: Path, name: str) -> None:
    if out.exists() and not out.is_dir():
        raise InputError("out", "must be a folder", str(out), OTHER)
    if (out / MARKER).is_file():
        held = _read(out / MARKER, OTHER).get("recipe")
        if held != name:
            remedy = f"{OTHER[:-1]}; nothing was changed."
            raise InputError("out", f"must hold the study {name!r}", held, remedy)
    elif out.exists() and any(path.name not in _OURS for path in out.iterdir()):
        raise InputError("out", "must be new, empty or a run of somite", str(out), OTHER)


_OURS = (LOCK, f".partial-{MARKER}")
"""What a process leaves that is killed before the folder is marked."""


def _check_room(out: Path) -> None:
    free = shutil.disk_usage(out).free
    if free < ROOM:
        remedy = f"Free {(ROOM - free) / 2**20:.0f} MB or choose another folder with --out."
        raise InputError("disk", f"must have {ROOM >> 20} MB free", f"{free >> 20} MB", remedy)


@contextmanager
def _locked(out: Path) -> Iterator[None]:
    """Hold a lock that the system takes back when this process ends, however it ends.

    Raises:
        InputError: If another process holds it.
    """
    if sys.platform == "win32":  # it has no such lock
        yield
        return
    import fcntl

    with (out / LOCK).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            remedy = "Wait for it, or stop it, or choose another folder with --out."
            rule = "must not be in use by another somite run"
            raise InputError("out", rule, str(out), remedy) from error
        yield


def _read(path: Path, remedy: str) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text()))
    except (OSError, ValueError, TypeError) as error:
        raise InputError("run", "must have readable records", str(path), remedy) from error
