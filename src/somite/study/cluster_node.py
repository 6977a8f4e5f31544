"""What happens on a node of a cluster: the data are laid down there once, and jobs work on them.

A node needs somite, and no access to the folder of the run. Corpus and checkpoints come as parcels
and become folders named by what is in them, each written under a temporary name and renamed.
"""

import os
import shutil
import tempfile
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

import torch
import xarray as xr

from somite.core.errors import InputError
from somite.core.fingerprint import code_fingerprint
from somite.core.threads import torch_threads
from somite.study.context import Context
from somite.study.jobs import THREADS, Job, compute
from somite.study.pool import Advance, scaled
from somite.study.recipe import Recipe

Files = dict[str, bytes]
"""Contents of files by their path inside a folder."""


@dataclass(frozen=True)
class Parcel:
    """A folder on its way to the nodes.

    Args:
        key: Fingerprint of its files.
        contents: Reference to the `Files` in the object store.
    """

    key: str
    contents: Any


@dataclass(frozen=True)
class Order:
    """A job and what a node needs for it.

    Args:
        job: What to do.
        recipe: What the study does.
        device: Where the model runs.
        corpus: The corpus.
        weights: The checkpoint of the job, as a series of one.
    """

    job: Job
    recipe: Recipe
    device: str
    corpus: Parcel
    weights: Parcel


def work(
    order: Order,
    session: str,
    wanted: dict[str, str],
    fetch: Callable[[Any], Files],
    report: Advance,
) -> xr.Dataset:
    """Do a job on this node.

    Args:
        order: The job and its data.
        session: Name of the study's stay on the nodes.
        wanted: `versions()` of the process that asks.
        fetch: Gets the files behind a reference.
        report: Is told of the work done so far, in the job's unit of cost.

    Returns:
        What belongs into the job's cell.

    Raises:
        InputError: If the code or PyTorch differ here, if there is no room for the data, or if
            the job raises it.
    """
    check_versions(wanted)
    home = home_of(session)
    context = Context(
        run=home,
        recipe=order.recipe,
        corpus_folder=laid_down(order.corpus, home, fetch),
        series_folder=laid_down(order.weights, home, fetch),
        device=order.device,
    )
    with torch_threads(THREADS):
        return compute(order.job, context, scaled(order.job.cost, report))


def call(
    function: Callable[..., Any],
    name: str,
    arguments: tuple[Any, ...],
    session: str,
    wanted: dict[str, str],
) -> Any:
    """Call a function on this node, with a folder of that name among what the study laid down.

    Bad input:
        `InputError` if the code or PyTorch differ here.
    """
    check_versions(wanted)
    home = home_of(session)
    home.mkdir(mode=0o700, exist_ok=True)
    with torch_threads(THREADS):
        return function(home / name, *arguments)


@lru_cache(maxsize=1)
def versions() -> dict[str, str]:
    """Fingerprint of somite's whole source and version of PyTorch, as this process began."""
    rows = [entry.name for entry in resources.files("somite").iterdir() if entry.is_dir()]
    return {"somite": code_fingerprint(*sorted(rows)), "torch": torch.__version__}


def check_versions(wanted: dict[str, str]) -> None:
    """Require the code and PyTorch of the process that started the study.

    Raises:
        InputError: If this process has others.
    """
    for name, version in versions().items():
        if version != wanted[name]:
            rule = f"must be {wanted[name]} on every node: a worker has another code version"
            remedy = "Install the same somite and PyTorch on all nodes and restart Ray there."
            raise InputError(name, rule, version, remedy)


def home_of(session: str) -> Path:
    """Folder of a study on this machine."""
    return Path(tempfile.gettempdir()) / f"somite-{session}"


def laid_down(parcel: Parcel, home: Path, fetch: Callable[[Any], Files]) -> Path:
    """Folder of a parcel on this node; fetched and written only if it is not there.

    Raises:
        InputError: If it cannot be written.
    """
    folder = home / parcel.key
    if folder.is_dir():
        return folder
    files = fetch(parcel.contents)
    partial = home / f".partial-{uuid.uuid4().hex}"
    try:
        home.mkdir(mode=0o700, exist_ok=True)
        for name, content in files.items():
            (partial / name).parent.mkdir(parents=True, exist_ok=True)
            (partial / name).write_bytes(content)
        os.replace(partial, folder)
    except OSError as error:
        shutil.rmtree(partial, ignore_errors=True)
        if not folder.is_dir():  # else another job of this node was first
            rule = f"must be a place on every node that takes the data ({error.strerror})"
            remedy = "Make room there, or set TMPDIR before `ray start` on that node."
            raise InputError("temporary folder", rule, str(home), remedy) from error
    return folder
