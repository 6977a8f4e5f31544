"""Small stand-ins for the wheels of trained models."""

import dataclasses
import hashlib
import zipfile
from collections.abc import Mapping
from pathlib import Path

from somite.data.pretrained import Pretrained
from somite.data.sources import Wheel


def stand_in(folder: Path, model: Pretrained, contents: Mapping[str, Mapping[str, bytes]]):
    """The model pinned to wheels written here; `contents` by package, then by file."""
    return dataclasses.replace(
        model,
        wheels=tuple(_written(folder, wheel, contents[wheel.package]) for wheel in model.wheels),
    )


def _written(folder: Path, wheel: Wheel, files: Mapping[str, bytes]) -> Wheel:
    path = folder / wheel.wheel
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return dataclasses.replace(wheel, sha256=digest, size=path.stat().st_size)
