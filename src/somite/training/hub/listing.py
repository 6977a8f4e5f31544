"""What the Hub has of a series: revisions or files with steps and sizes."""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from somite.core.errors import InputError
from somite.training.hub.patience import patiently
from somite.training.series import chosen_steps
from somite.training.step_names import named_steps
from somite.training.weight_files import one_checkpoint

BESIDE = ("config.json", "generation_config.json")
REQUESTS_AT_ONCE = 8
ATTEMPTS = 3
"""For the listing: people wait for it, and an absent network should be told soon."""


@dataclass(frozen=True)
class Remote:
    """One checkpoint on the Hub.

    Args:
        step: Of training.
        name: Its revision, or its path in the main branch.
        commit: Which fixes its contents.
        files: Bytes by path in the repository, of what is fetched.
        inside: Path of the checkpoint in the repository; empty for all of it.
        config: Identity of its config.json; None without one.
    """

    step: int
    name: str
    commit: str
    files: Mapping[str, int]
    inside: str = ""
    config: str | None = None

    @property
    def size(self) -> int:
        """Bytes of all its files."""
        return sum(self.files.values())


def list_remotes(
    repo: str, pattern: str | None, steps: Sequence[int] | None, endpoint: str | None
) -> dict[int, Remote]:
    """Checkpoints of a repository by step: revisions by name, else paths of the main branch.

    Args:
        repo: "owner/name".
        pattern: Of the names, see `named_steps`.
        steps: Which to take; all if None.
        endpoint: Address of the Hub; by default that of `huggingface_hub`.

    Raises:
        InputError: If there is no such repository, no name has a step, a step is not there, or a
            checkpoint has no weights.
    """
    from huggingface_hub import HfApi

    api = HfApi(endpoint=endpoint)
    what = f"{repo} of the Hub (there is no such folder here)"
    refs = patiently(lambda: api.list_repo_refs(repo), what, attempts=ATTEMPTS)
    commits = {ref.name: ref.target_commit for ref in (*refs.branches, *refs.tags)}
    if pattern and not _any_fits(commits, pattern):
        return _in_main(api, repo, commits.get("main", "main"), pattern, steps)
    names = named_steps(commits, pattern)
    wanted = chosen_steps(list(names), steps)

    def remote(step: int) -> Remote:
        commit = commits[names[step]]
        entries = _tree(api, repo, names[step], commit, recursive=False)
        return _remote(step, names[step], commit, entries)

    with ThreadPoolExecutor(REQUESTS_AT_ONCE) as pool:
        return dict(zip(wanted, pool.map(remote, wanted), strict=True))


def _in_main(
    api: Any, repo: str, commit: str, pattern: str, steps: Sequence[int] | None
) -> dict[int, Remote]:
    """Checkpoints that are files or folders of the main branch."""
    entries = _tree(api, repo, "main", commit, recursive=True)
    folders = {str(parent) for path in entries for parent in PurePosixPath(path).parents}
    names = named_steps({*entries, *folders} - {"."}, pattern)
    wanted = chosen_steps(list(names), steps)
    return {step: _remote(step, names[step], commit, entries, names[step]) for step in wanted}


def _remote(
    step: int, name: str, commit: str, entries: Mapping[str, Any], inside: str = ""
) -> Remote:
    """A checkpoint, with those of the files that loading needs."""
    if inside in entries:  # it is one file
        return Remote(step, name, commit, {inside: entries[inside].size}, inside)
    start = f"{inside}/" if inside else ""
    own = {
        path.removeprefix(start): entry for path, entry in entries.items() if path.startswith(start)
    }
    weights = one_checkpoint((path for path in own if "/" not in path), name)
    chosen = [*weights, *(path for path in own if path in BESIDE or path.endswith(".index.json"))]
    config = own["config.json"].blob_id if "config.json" in own else None
    sizes = {start + path: own[path].size for path in chosen}
    return Remote(step, name, commit, sizes, inside, config)


def _tree(api: Any, repo: str, name: str, commit: str, recursive: bool) -> dict[str, Any]:
    """Files of a commit by path."""
    from huggingface_hub.hf_api import RepoFile

    def ask() -> list[Any]:
        return list(api.list_repo_tree(repo, revision=commit, recursive=recursive))

    entries = patiently(ask, f"{repo} at {name}")
    return {entry.path: entry for entry in entries if isinstance(entry, RepoFile)}


def _any_fits(names: Iterable[str], pattern: str) -> bool:
    try:
        return bool(named_steps(names, pattern))
    except InputError as error:
        if error.argument == "names" and error.rule.startswith("must fit"):
            return False
        raise
