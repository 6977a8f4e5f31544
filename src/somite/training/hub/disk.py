"""Where fetched checkpoints lie: a folder of each loop's own, swept when the next one begins.

A loop holds the lock of its folder, which the system takes back however the process ends. What is
not whole has a name that begins with `.partial`, and is renamed when it is. Loops that run at the
same time, in one process or several, have folders of their own.
"""

import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from somite.core.errors import InputError
from somite.data.fetch import cache_folder
from somite.training.hub.listing import Remote

PARTIAL = ".partial-"


@dataclass(frozen=True)
class Shelf:
    """The folder of one loop.

    Args:
        folder: It holds at most the checkpoint in use and the one fetched ahead.
        kept: Where checkpoints stay that are to be kept, for every later loop.
    """

    folder: Path
    kept: Path

    def find(self, remote: Remote) -> Path | None:
        """The whole checkpoint, if it is there."""
        places = (self.kept / _name(remote), self.folder / _name(remote))
        return next((place for place in places if place.is_dir()), None)

    def partial(self, remote: Remote) -> Path:
        """An empty folder to fetch it into."""
        folder = self.folder / (PARTIAL + _name(remote))
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder

    def finish(self, partial: Path, remote: Remote, keep: bool) -> Path:
        """Give a checkpoint that is whole its name."""
        final = (self.kept if keep else self.folder) / _name(remote)
        final.parent.mkdir(parents=True, exist_ok=True)
        if not final.is_dir():  # another loop may have kept it meanwhile
            os.replace(partial, final)
        shutil.rmtree(partial, ignore_errors=True)
        return final

    def release(self, remote: Remote) -> None:
        """Remove a checkpoint that was used, unless it is kept."""
        shutil.rmtree(self.folder / _name(remote), ignore_errors=True)

    def sweep(self, wanted: Iterable[Remote]) -> None:
        """Remove what an earlier loop left, but for whole checkpoints that are wanted now."""
        names = {_name(remote) for remote in wanted}
        for entry in self.folder.iterdir() if self.folder.is_dir() else ():
            if entry.name not in names:
                shutil.rmtree(entry, ignore_errors=True)

    def check_room(self, remotes: Sequence[Remote], keep: bool) -> None:
        """Require room for two checkpoints, or for all if they are kept.

        Raises:
            InputError: If there is less.
        """
        missing = sorted(remote.size for remote in remotes if not self.find(remote))
        held = missing if keep else missing[-2:]
        needed, free = sum(held), shutil.disk_usage(self.folder).free
        if needed > free:
            rule = f"must have room for {len(held)} checkpoints ({needed / 2**20:.0f} MiB)"
            remedy = "Free some, or set SOMITE_CACHE to a folder on another disk."
            raise InputError("disk", rule, f"{free / 2**20:.0f} MiB in {self.folder}", remedy)


@contextmanager
def claimed(repo: str) -> Iterator[Shelf]:
    """The first folder that no other loop holds; it is removed at the end.

    Raises:
        InputError: If no folder can be made.
    """
    from filelock import FileLock, Timeout

    root = cache_folder() / "hub" / repo.replace("/", "--")
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        remedy = "Set SOMITE_CACHE to a folder that can be written."
        raise InputError("SOMITE_CACHE", "must be writable", str(root), remedy) from error
    for number in count():
        folder = root / f"loop-{number}"
        # Not bound to this thread: a loop may be closed by another one.
        lock = FileLock(f"{folder}.lock", thread_local=False)
        try:
            lock.acquire(blocking=False)
        except Timeout:
            continue
        try:
            folder.mkdir(exist_ok=True)
            yield Shelf(folder, root / "kept")
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            lock.release()
        return


def _name(remote: Remote) -> str:
    return f"step-{remote.step:08d}-{remote.commit}"
