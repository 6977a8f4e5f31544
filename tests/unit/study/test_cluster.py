"""Studies on a real cluster of Ray: two nodes on this machine, lost nodes, other code, stops."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from dataclasses import replace
from functools import partial
from pathlib import Path

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file, save_file

import somite
from somite.core.errors import InputError
from somite.study import cluster_jobs, load_recipe, run_study
from somite.study.cells import Cell
from somite.study.cluster import Ray
from somite.study.cluster_jobs import unpacked
from somite.study.jobs import Job, behavior_job, sampling_job
from somite.sweeps import SweepDesign, sweep
from unit.study.finished import Listener, context_of

ray = pytest.importorskip("ray", reason="the extra `ray` is not installed")
cluster_utils = pytest.importorskip("ray.cluster_utils", reason="the extra `ray` is not installed")

VICTIM = uuid.uuid4().hex
"""Mark of the node that tests may kill."""

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("smoke")]

by_mark = pytest.mark.skipif(
    not Path("/proc/self/environ").exists(), reason="no list of processes there"
)


@pytest.fixture(scope="module")
def head():
    """A cluster whose one node has no room for jobs; tests add others and take them away."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        started = cluster_utils.Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
        yield started
        started.shutdown()


@pytest.fixture
def nodes(head):
    """That cluster with one more node, of one processor, whose processes are marked."""
    head.add_node(num_cpus=1, env_vars={"SOMITE_TEST": VICTIM})
    yield head
    for node in list(head.worker_nodes):
        head.remove_node(node)


@pytest.fixture
def elsewhere(smoke_run, tmp_path):
    """The finished study's context, with an empty store."""
    return replace(context_of(smoke_run), run=tmp_path / "empty")


def files(run):
    """Contents of all cells by path."""
    found = run.glob("cells/**/*")
    return {path.relative_to(run): path.read_bytes() for path in found if path.is_file()}


def marked(mark):
    """Processes that were started with an environment that holds the mark."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if mark.encode() in path.read_bytes():
                found.append(int(path.parent.name))
        except OSError:  # it has just ended
            continue
    return found


class Killer(Listener):
    """Kills a node as soon as sampling is under way."""

    def __init__(self, kill):
        super().__init__()
        self.kill = kill

    def advance(self, done, note=""):
        super().advance(done, note)
        if self.phases[-1] == "sampling" and done > 0 and self.kill:
            self.kill, kill = None, self.kill
            kill()


def killer(nodes):
    """A killer of the only node for jobs, as if its power failed; then it adds another."""

    def kill():
        for process in marked(VICTIM):
            os.kill(process, signal.SIGKILL)
        nodes.add_node(num_cpus=1)

    return Killer(kill)


@by_mark
def test_a_node_that_dies_in_the_middle_changes_nothing(nodes, smoke_run, tmp_path):
    watch, out = killer(nodes), tmp_path / "run"
    run_study(load_recipe("smoke"), out, None, watch=watch, engine=Ray(nodes.address))
    assert watch.kill is None
    assert files(out) == files(smoke_run)
    assert not list(out.glob("cells/*/.partial-*"))
    own = context_of(out)
    assert watch.done["sampling"] == sum(sampling_job(own, s).cost for s in own.recipe.steps)
    assert not ray.is_initialized()
    assert not list(Path(tempfile.gettempdir()).glob("somite-*"))


@by_mark
def test_without_retries_that_death_is_noticed(nodes, tmp_path, monkeypatch):
    monkeypatch.setattr(cluster_jobs, "RETRIES", 0)
    watch, out = killer(nodes), tmp_path / "run"
    with pytest.raises(InputError, match=r"workers must stay alive; a job was lost 1 times"):
        run_study(load_recipe("smoke"), out, None, watch=watch, engine=Ray(nodes.address))
    assert watch.kill is None
    assert not list(out.glob("cells/*/.partial-*"))


def test_an_error_of_a_job_is_the_error_here_and_what_was_done_is_kept(nodes, smoke_copy, tmp_path):
    own = replace(context_of(smoke_copy), run=tmp_path / "empty")
    path = own.series.path(60) / "model.safetensors"
    save_file({name: part * torch.nan for name, part in load_file(path).items()}, path)
    good = replace(behavior_job(own, 48), cost=10**6)  # the costliest goes first
    with Ray(nodes.address).start(2, "cpu") as runner:
        assert runner.workers == 2
        with pytest.raises(InputError, match=r"model must hold finite numbers only"):
            runner.run([sampling_job(own, 60), good], own, lambda done: None)
        with pytest.raises(InputError, match=r"step must be a step of the series, got 7. There"):
            runner.run([hopeless(7)], own, lambda done: None)
    assert good.cell.exists(own.run)
    assert len(list(own.run.glob("cells/*/*"))) == 1


def hopeless(step):
    """A job whose checkpoint is not there."""
    return Job(Cell("behavior", f"step-{step:08d}", {"step": step}), step)


class Deadly:
    """Ends the process that unpickles it."""

    def __reduce__(self):
        return os._exit, (3,)


def test_a_worker_that_dies_again_and_again_is_explained(nodes, elsewhere):
    job = replace(behavior_job(elsewhere, 60), domain=Deadly())
    with Ray(nodes.address).start(None, "cpu") as runner:
        with pytest.raises(InputError, match=r"a job was lost 4 times, got 'WorkerCrashedError'"):
            runner.run([job], elsewhere, lambda done: None)
        with pytest.raises(InputError, match="workers must stay alive"):
            unpacked(ray.remote(max_retries=0)(lambda: os._exit(3)).remote())


def other_source(folder, whole):
    """Another version of somite; without most of it if not whole."""
    if whole:
        source = Path(somite.__file__).parent
        shutil.copytree(source, folder / "somite", ignore=shutil.ignore_patterns("__pycache__"))
    else:
        (folder / "somite").mkdir(parents=True)
    with (folder / "somite" / "__init__.py").open("a") as file:
        file.write("# another\n")
    if whole:
        with (folder / "somite" / "core" / "errors.py").open("a") as file:
            file.write("# another\n")
    return {"PYTHONPATH": str(folder)}


@pytest.mark.parametrize(
    ("whole", "words"),
    [
        (True, r"somite must be \w+ on every node: a worker has another code version, got"),
        (False, r"somite must be on every node, got 'a node without'. Install the same"),
    ],
)
def test_a_node_with_other_code_is_refused_before_any_work(nodes, tmp_path, whole, words):
    node = nodes.add_node(num_cpus=1, env_vars=other_source(tmp_path / "other", whole))
    with pytest.raises(InputError, match=words):
        run_study(load_recipe("smoke"), tmp_path / "run", engine=Ray(nodes.address))
    nodes.remove_node(node)
    assert not (tmp_path / "run").exists()


def test_a_cluster_without_a_gpu(nodes):
    with pytest.raises(InputError, match=r"device must be in the cluster, got 'cuda'. Add a node"):
        with Ray(nodes.address).start(None, "cuda"):
            pass


def test_a_cluster_this_process_is_in_already_is_used_and_kept(nodes):
    ray.init(nodes.address, log_to_driver=False)
    with Ray().start(None, "cpu") as runner:
        assert runner.workers == 1
    assert ray.is_initialized()
    ray.shutdown()


HEARING = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from somite.cli.main import run
run()
"""
"""A shell starts its background jobs deaf to SIGINT, and deafness is inherited."""


def within(seconds, condition):
    """Whether something becomes true in time."""
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.1)
    return condition()


def sampled(run):
    """Number of cells of sampling."""
    return len(list(run.glob("cells/sampling/*.zarr")))


def another(run, before):
    """Whether there are more than before."""
    return sampled(run) > before


@by_mark
def test_a_driver_that_is_stopped_or_killed_leaves_no_process_and_what_was_done(tmp_path):
    command = "run smoke --set sampling.draws=400 --engine ray --workers 1 --out".split()
    mark, out = f"SOMITE_TEST={uuid.uuid4().hex}", tmp_path / "run"
    surroundings = {
        **os.environ,
        "TMPDIR": str(tmp_path),
        "RAY_TMPDIR": tempfile.gettempdir(),
        **dict([mark.split("=")]),
    }
    for number, code in ((signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL)):
        before = sampled(out)
        driver = subprocess.Popen(
            [sys.executable, "-c", HEARING, *command, str(out)],
            env=surroundings,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert within(240, partial(another, out, before))
        driver.send_signal(number)
        _, said = driver.communicate(timeout=120)
        assert driver.returncode == code
        assert said == (
            "" if code < 0 else "somite: stopped; the same command goes on from here.\n"
        )
        within(120, lambda: not marked(mark))
        assert [Path(f"/proc/{process}/cmdline").read_text() for process in marked(mark)] == []
        assert bool(list(tmp_path.glob("somite-*"))) == (code < 0)


def test_a_sweep_has_the_same_table(nodes, tmp_path):
    base = {"tasks": 2, "size": 2, "hidden": 8, "steps": 20, "batch_size": 32, "checkpoints": 3}
    design = SweepDesign("parity", factors={"locality": (0.0, 0.1)}, seeds=(0,), base=base)
    tables = [
        sweep(design, tmp_path / name, 1, engine=engine).drop(columns="seconds")
        for name, engine in (("here", None), ("there", Ray(nodes.address)))
    ]
    pd.testing.assert_frame_equal(*tables)
    assert not list(Path(tempfile.gettempdir()).glob("somite-*/*-seed0-*"))
