"""Jobs as tasks of a Ray cluster: data go out once, lost tasks begin anew, results come home."""

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import xarray as xr

from somite.core.errors import InputError
from somite.core.fingerprint import fingerprint
from somite.study.cluster_node import Files, Order, Parcel, call, versions, work
from somite.study.context import Context
from somite.study.jobs import Job
from somite.study.pool import REPORT_EVERY, Advance

RETRIES = 3
"""How often a job begins anew after its worker or its node was lost."""

AHEAD = 2
"""Jobs handed out per processor, so that none waits for the next."""

ALONE = 60.0
"""Seconds without any node for jobs after which the study stops."""


@dataclass
class ClusterRunner:
    """Does jobs on the cluster that this process has joined.

    Args:
        board: Actor that collects progress.
        session: Name of the study's stay on the nodes.
        gpus: Share of a GPU that each job gets.
        cap: Most jobs at once; None for as many as there is room for.
        parcels: Folders that are in the object store already, by path.
    """

    board: Any
    session: str
    gpus: float = 0.0
    cap: int | None = None
    parcels: dict[Path, Parcel] = field(default_factory=dict)

    @cached_property
    def task(self) -> Any:
        """A job as Ray calls it."""
        import ray

        return ray.remote(num_cpus=1, num_gpus=self.gpus, max_retries=RETRIES)(_work)

    @property
    def workers(self) -> int:
        """Jobs that are done at once."""
        return self.cap or self.room()

    def room(self) -> int:
        """Jobs for which the cluster has room now."""
        import ray

        held = ray.cluster_resources()
        processors = int(held.get("CPU", 0))
        if not self.gpus:
            return processors
        # The quotient of a number and a share of it may lie just below a whole number.
        return min(processors, int(held.get("GPU", 0) / self.gpus + 1e-6))

    def run(self, jobs: Sequence[Job], context: Context, advance: Advance) -> None:
        """Do all jobs; each result is stored by this process as soon as it is there.

        Args:
            jobs: What to do.
            context: Where everything is, on this machine.
            advance: Called with the work done so far, in the jobs' unit of cost.

        Raises:
            InputError: If a job raises it, or if workers are lost again and again.
        """
        waiting = sorted(jobs, key=lambda job: job.cost)  # the longest last, whence they are taken
        flying: dict[Any, Job] = {}
        done: dict[str, float] = {}
        watch = Solitude()
        try:
            while waiting or flying:
                room = self.room()
                watch.check(room)
                while waiting and len(flying) < (self.cap or AHEAD * room):
                    job = waiting.pop()
                    flying[self._submit(job, context)] = job
                self._collect(flying, context, done)
                advance(sum(done.values()))
        finally:
            _cancel(flying)

    def calls(
        self, function: Callable[..., Any], places: Mapping[Path, tuple[Any, ...]]
    ) -> Iterator[tuple[Path, Any]]:
        """Call function(folder, *arguments) on the nodes, each in a folder of its own there.

        Args:
            function: Known to somite by its name.
            places: Arguments by folder, of which only the name goes out.

        Yields:
            A folder and what its call returned, as they come.

        Raises:
            InputError: If a call raises it, or if workers are lost again and again.
        """
        import ray

        task = ray.remote(num_cpus=1, num_gpus=self.gpus, max_retries=RETRIES)(call)
        waiting, flying, watch = list(places), dict[Any, Path](), Solitude()
        try:
            while waiting or flying:
                room = self.room()
                watch.check(room)
                while waiting and len(flying) < (self.cap or AHEAD * room):
                    folder = waiting.pop(0)
                    order = (function, folder.name, places[folder])
                    flying[task.remote(*order, self.session, versions())] = folder
                if not flying:
                    time.sleep(REPORT_EVERY)
                    continue
                for done in ray.wait(list(flying), timeout=REPORT_EVERY)[0]:
                    yield flying.pop(done), unpacked(done)
        finally:
            _cancel(flying)

    def _submit(self, job: Job, context: Context) -> Any:
        """Hand out a job."""
        weights = context.series.path(job.step)
        if not weights.is_dir():
            context.series.weights(job.step)  # says which there are
        order = Order(
            job=job,
            recipe=context.recipe,
            device=context.device,
            corpus=self._parcel(context.corpus_folder, "*", "."),
            weights=self._parcel(weights, "model.safetensors", weights.name),
        )
        return self.task.remote(order, self.session, versions(), self.board)

    def _parcel(self, folder: Path, pattern: str, inside: str) -> Parcel:
        """Files of a folder, in the object store once."""
        import ray

        if folder not in self.parcels:
            files = {
                str(Path(inside) / path.name): path.read_bytes()
                for path in sorted(folder.glob(pattern))
            }
            digests = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
            self.parcels[folder] = Parcel(fingerprint(digests), ray.put(files))
        return self.parcels[folder]

    def _collect(self, flying: dict[Any, Job], context: Context, done: dict[str, float]) -> None:
        """Wait a moment; store what has come and note how far the rest is."""
        import ray

        if not flying:  # there is no node at the moment
            time.sleep(REPORT_EVERY)
            return
        finished, _ = ray.wait(list(flying), timeout=REPORT_EVERY)
        for task in finished:
            job = flying[task]
            job.cell.write(context.run, unpacked(task))
            del flying[task]
            done[job.cell.key] = float(job.cost)
        running = {job.cell.key for job in flying.values()}
        for key, amount in unpacked(self.board.read.remote()).items():
            if key in running:
                done[key] = max(done.get(key, 0.0), amount)


def _work(order: Order, session: str, wanted: dict[str, str], board: Any) -> xr.Dataset:
    """Do a job on a node, with Ray's ways to fetch data and to report."""
    import ray

    key = order.job.cell.key

    def fetch(contents: Any) -> Files:
        files: Files = ray.get(contents)
        return files

    def report(amount: float) -> None:
        board.report.remote(key, amount)

    return work(order, session, wanted, fetch, report)


def board() -> Any:
    """Start the actor that collects progress, on the machine of this process."""
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    class Board:
        """Amounts of work by job; made in a function, so that its process need not load somite."""

        def __init__(self) -> None:
            self.amounts: dict[str, float] = {}

        def report(self, key: str, amount: float) -> None:
            self.amounts[key] = amount

        def read(self) -> dict[str, float]:
            return self.amounts

    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    kind = ray.remote(num_cpus=0, max_restarts=-1, max_task_retries=-1)(Board)
    return kind.options(scheduling_strategy=here).remote()


def unpacked(task: Any, lost_is_fine: bool = False) -> Any:
    """Result of a task; its error if it raised one.

    Raises:
        InputError: If the task raised it, if its worker was lost too often, or if its node has no
            somite.
        RayTaskError: If it raised something else, a mistake in the program.
    """
    import ray
    from ray.exceptions import RayError, RayTaskError

    try:
        return ray.get(task)
    except RayTaskError as error:
        if isinstance(error.cause, InputError):
            raise error.cause from None
        if "No module named 'somite" in str(error):
            remedy = "Install the same somite and PyTorch on all nodes and restart Ray there."
            raise InputError("somite", "must be on every node", "a node without", remedy) from error
        if not isinstance(error.cause, RayError):
            raise
        lost = error.cause
    except RayError as error:
        lost = error
    if lost_is_fine:
        return None
    rule = f"must stay alive; a job was lost {RETRIES + 1} times"
    remedy = "Most likely the memory was full: give fewer jobs to each node, and run it again."
    raise InputError("workers", rule, type(lost).__name__, remedy) from lost


def _cancel(flying: Iterable[Any]) -> None:
    """Stop what is still running."""
    import ray

    for task in flying:
        ray.cancel(task, force=True)


@dataclass
class Solitude:
    """Watches for a cluster that has lost all its nodes for jobs.

    Args:
        since: When the last one was lost.
    """

    since: float | None = None

    def check(self, room: int) -> None:
        """Take note of the room there is.

        Raises:
            InputError: If there has been none for too long.
        """
        now = time.monotonic()
        self.since = None if room else self.since or now
        if self.since is not None and now - self.since > ALONE:
            rule = f"must have a node for jobs; there has been none for {ALONE:.0f} seconds"
            remedy = "Add nodes with `ray start --address=…` and give the same command again."
            raise InputError("cluster", rule, "none", remedy)
