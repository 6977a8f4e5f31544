"""A series on the Hub, of which never more than two checkpoints lie on disk."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from somite.core.errors import InputError
from somite.training.fitting import Template
from somite.training.folder_series import load_place
from somite.training.hub.disk import claimed
from somite.training.hub.fetch import fetch_into, fetched
from somite.training.hub.headers import check_remotes
from somite.training.hub.listing import Remote, list_remotes
from somite.training.record import Record
from somite.training.series import Checkpoints, Load, known_step


@dataclass(frozen=True)
class HubCheckpoints(Checkpoints):
    """Checkpoints of a repository of the Hub.

    Args:
        repo: "owner/name".
        remotes: What the Hub has, by step.
        model: What weights are loaded into; None for models of transformers.
        keep: Whether checkpoints stay on disk after use, for later loops.
        endpoint: Address of the Hub; by default that of `huggingface_hub`.
        record: Of finished steps.
    """

    repo: str
    remotes: Mapping[int, Remote]
    model: Template | None = None
    keep: bool = False
    endpoint: str | None = None
    record: Record | None = None

    def steps(self) -> list[int]:
        """Steps of all checkpoints, increasing."""
        return sorted(self.remotes)

    def identity(self, step: int) -> str:
        """Repository, commit and place."""
        remote = self.remotes[known_step(step, self.steps())]
        return f"{self.repo}@{remote.commit}/{remote.inside}"

    def load(self, step: int) -> nn.Module:
        """The model at a step, a new one each time, fetched and removed from disk again.

        Raises:
            InputError: If there is no such step, it cannot be fetched, or does not fit.
        """
        known_step(step, self.steps())
        with self.walk([step]) as load:
            return load(step)

    @contextmanager
    def walk(self, steps: Sequence[int]) -> Iterator[Load]:
        """Fetched ahead by one, each removed when the next is loaded."""
        remotes, halt = [self.remotes[step] for step in steps], threading.Event()
        with claimed(self.repo) as shelf:
            shelf.sweep(remotes[:2])
            shelf.check_room(remotes, self.keep)

            def fetch(remote: Remote) -> Path:
                return fetch_into(shelf, self.repo, remote, self.keep, self.endpoint, halt)

            with closing(fetched(remotes, shelf, fetch, halt)) as paths:
                yield lambda step: load_place(next(paths) / self.remotes[step].inside, self.model)


def hub_checkpoints(
    repo: str,
    model: Template | None = None,
    pattern: str | None = None,
    steps: Sequence[int] | None = None,
    keep: bool = False,
    endpoint: str | None = None,
) -> HubCheckpoints:
    """The series of a repository, listed and checked; no weights are fetched yet.

    Raises:
        InputError: If the extra is missing, or the repository has no such series.
    """
    try:
        import huggingface_hub  # noqa: F401
    except ImportError as error:
        remedy = 'Install it: pip install "somite[hf]".'
        raise InputError("source", "needs the package `huggingface_hub`", repo, remedy) from error
    remotes = list_remotes(repo, pattern, steps, endpoint)
    check_remotes(repo, remotes, model, endpoint)
    return HubCheckpoints(repo, remotes, model, keep, endpoint)
