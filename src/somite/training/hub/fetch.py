"""Fetching checkpoints: one after another, each while the one before is in use."""

import shutil
import threading
from collections.abc import Callable, Generator, Sequence
from itertools import zip_longest
from multiprocessing.pool import ThreadPool
from pathlib import Path
from typing import Any

from somite.core.threads import Halt
from somite.training.hub.disk import Shelf
from somite.training.hub.listing import Remote
from somite.training.hub.patience import patiently


def fetched(
    remotes: Sequence[Remote], shelf: Shelf, fetch: Callable[[Remote], Path], halt: threading.Event
) -> Generator[Path, None, None]:
    """Paths of checkpoints, in order; the next one is fetched meanwhile, the last one removed.

    Args:
        remotes: In the order of use.
        shelf: Where they lie.
        fetch: From a checkpoint to its path; called in a thread of its own.
        halt: Set when this ends early, to end the fetching too.
    """
    with ThreadPool(1) as pool:  # of daemon threads: they hold up no exit of the process
        pending = [pool.apply_async(fetch, (remote,)) for remote in remotes[:1]]
        try:
            for remote, following in zip_longest(remotes, remotes[1:]):
                path = pending[-1].get()
                if following:
                    pending = [pool.apply_async(fetch, (following,))]
                yield path
                shelf.release(remote)
        finally:
            halt.set()
            for fetching in pending:
                fetching.wait()


def fetch_into(
    shelf: Shelf, repo: str, remote: Remote, keep: bool, endpoint: str | None, halt: threading.Event
) -> Path:
    """A checkpoint on disk: where it lies already, or fetched now.

    Raises:
        InputError: If it cannot be had.
        Halt: If fetching was ended.
    """
    if place := shelf.find(remote):
        return place
    from huggingface_hub import hf_hub_download

    folder = shelf.partial(remote)
    for path in remote.files:

        def ask(path: str = path) -> str:
            return hf_hub_download(
                repo,
                path,
                revision=remote.commit,
                endpoint=endpoint,
                local_dir=folder,
                tqdm_class=_watched(halt),
            )

        patiently(ask, f"{path} of {repo} at {remote.name}", halt)
    shutil.rmtree(folder / ".cache", ignore_errors=True)  # notes of huggingface_hub
    return shelf.finish(folder, remote, keep)


def _watched(halt: threading.Event) -> Any:
    """A progress bar that shows nothing, and ends the download when it is to end."""

    class Bar:
        def __init__(self, *_: Any, **__: Any) -> None:
            pass

        def __enter__(self) -> "Bar":
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def update(self, _: float | None = 1) -> None:
            if halt.is_set():
                raise Halt

        def close(self) -> None:
            pass

    return Bar
