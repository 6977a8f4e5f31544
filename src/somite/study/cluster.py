"""Ray as an engine: joins or starts a cluster, checks its nodes, and leaves nothing behind."""

import logging
import os
import signal
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from somite.core.errors import InputError
from somite.core.threads import available_cores
from somite.study.cluster_address import ABSENT, START, check_address
from somite.study.cluster_jobs import ClusterRunner, board, unpacked
from somite.study.cluster_node import check_versions, versions
from somite.study.pool import allocator

LOOK = 60.0
"""Seconds that all nodes get to say which code they have; a job of a later one checks it itself."""

FAREWELL = 5.0
"""Seconds that all nodes get to remove what was laid down on them."""


@dataclass(frozen=True)
class Ray:
    """A Ray cluster.

    Args:
        address: "HOST:PORT" of its head, or "auto" for the cluster that this machine belongs to.
            By default one is started on this machine, and stopped in the end; in a process that
            has joined a cluster already, that one is used.
        gpus_per_job: Share of a GPU that a job gets if the device is "cuda"; 0.25 lets four jobs
            share one.

    Example:
        >>> Ray("192.0.2.1:6379", gpus_per_job=0.5).gpus_per_job
        0.5
    """

    address: str | None = None
    gpus_per_job: float = 1.0

    def __post_init__(self) -> None:
        """Require a share of one GPU.

        Raises:
            InputError: If it is none.
        """
        if not 0 < self.gpus_per_job <= 1:
            remedy = "Give a share of one GPU, such as 0.25; a job uses no second one."
            rule = "must be above 0 and at most 1"
            raise InputError("gpus_per_job", rule, self.gpus_per_job, remedy)

    @contextmanager
    def start(self, workers: int | None, device: str) -> Iterator[ClusterRunner]:
        """Join the cluster for the time of the block.

        Args:
            workers: Jobs at once; None for as many as the cluster has room for.
            device: Where models run, "cpu" or "cuda".

        Yields:
            What does jobs there.

        Raises:
            InputError: If Ray is not installed, if there is no such cluster, if it has no such
                device, or if a node has another code version.
        """
        ray, session = _ray(), uuid.uuid4().hex[:12]
        with _joined(ray, self.address, workers):
            share = self.gpus_per_job if device == "cuda" else 0.0
            cap = workers if self.address else None
            runner = ClusterRunner(board(), session, share, cap)
            _check_device(runner, share)
            try:
                _everywhere(ray, check_versions, versions(), LOOK)
                yield runner
            finally:
                _everywhere(ray, _clearing(), session, FAREWELL)


def _ray() -> ModuleType:
    try:
        import ray
    except ImportError as error:
        rule, remedy = "needs the package `ray`", "Install it: pip install 'somite[ray]'."
        raise InputError("engine", rule, "ray", remedy) from error
    return ray


@contextmanager
def _joined(ray: Any, address: str | None, workers: int | None) -> Iterator[None]:
    """In a cluster for the time of the block.

    Raises:
        InputError: If it cannot be had.
    """
    if ray.is_initialized() and address is None:
        yield
        return
    if address is not None:
        check_address(address)
    where = {"address": address} if address else _own(workers)
    with _terminable():
        try:
            with allocator(), _unwatched():
                ray.init(**where, log_to_driver=False, logging_level=logging.ERROR)
        except (ConnectionError, RuntimeError, ValueError, SystemExit) as error:
            why = str(error).strip().partition("\n")[0].rstrip(".")
            remedy = f"Ray says: {why}; {START}"
            raise InputError("address", ABSENT, address or "local", remedy) from error
        try:
            yield
        finally:
            ray.shutdown()


def _own(workers: int | None) -> dict[str, Any]:
    """Settings of a cluster of this machine alone."""
    number = workers or available_cores()
    return {"address": "local", "num_cpus": number, "include_dashboard": False}


@contextmanager
def _unwatched() -> Iterator[None]:
    """Without Ray's report of its use to its makers, unless the user asks for it."""
    name = "RAY_USAGE_STATS_ENABLED"
    given = os.environ.get(name)
    os.environ.setdefault(name, "0")
    try:
        yield
    finally:
        if given is None:
            del os.environ[name]


@contextmanager
def _terminable() -> Iterator[None]:
    """Give back the handler of SIGTERM that Ray replaces."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handler = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, handler or signal.SIG_DFL)


def _check_device(runner: ClusterRunner, share: float) -> None:
    """Require that the cluster has what a job needs.

    Raises:
        InputError: If it has not.
    """
    import ray

    if share and ray.cluster_resources().get("GPU", 0) < share:
        rule, remedy = "must be in the cluster", "Add a node with a GPU, or give --device cpu."
        raise InputError("device", rule, "cuda", remedy)
    if not runner.room():
        rule = "must be that of a cluster with processors for jobs"
        remedy = "Add a node with `ray start --address=…`."
        raise InputError("address", rule, "0 processors", remedy)


def _clearing() -> Callable[[str], None]:
    """Function that removes what a study laid down; made here, so that no node loads somite."""

    def clear(session: str) -> None:
        import shutil
        import tempfile

        shutil.rmtree(f"{tempfile.gettempdir()}/somite-{session}", ignore_errors=True)

    return clear


def _everywhere(ray: Any, function: Any, argument: Any, patience: float) -> None:
    """Call a function once on every node; nodes that are lost or too slow are passed over."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    task = ray.remote(num_cpus=0, max_retries=0)(function)
    places = [
        NodeAffinitySchedulingStrategy(node_id=node["NodeID"], soft=False)
        for node in ray.nodes()
        if node["Alive"]
    ]
    calls = [task.options(scheduling_strategy=place).remote(argument) for place in places]
    ready, _ = ray.wait(calls, num_returns=len(calls), timeout=patience)
    for call in ready:
        unpacked(call, lost_is_fine=True)
