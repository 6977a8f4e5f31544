"""What a node does, without Ray: lay data down once, check versions, do the job."""

import tempfile
from pathlib import Path

import pytest

from somite.core.errors import InputError
from somite.study.cluster_node import Order, Parcel, check_versions, home_of, laid_down, versions
from somite.study.cluster_node import work as work_on_node
from somite.study.jobs import behavior_job, compute, sampling_job
from unit.study.finished import context_of

pytestmark = pytest.mark.xdist_group("smoke")


@pytest.fixture(autouse=True)
def place(monkeypatch, tmp_path):
    """The node's temporary folder."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


class Store:
    """An object store that counts what is fetched."""

    def __init__(self, contents):
        self.contents, self.fetched = contents, []

    def fetch(self, name):
        self.fetched.append(name)
        return self.contents[name]


def files(folder, inside="."):
    return {f"{inside}/{path.name}": path.read_bytes() for path in folder.iterdir()}


def test_jobs_give_the_cells_of_a_local_run_and_data_are_fetched_once(smoke_run, place):
    own, reports = context_of(smoke_run), []
    weights = own.series.path(60)
    store = Store({"corpus": files(own.corpus_folder), "weights": files(weights, weights.name)})
    parcels = Parcel("c", "corpus"), Parcel("w", "weights")
    for job in (behavior_job(own, 60), sampling_job(own, 60)):
        order = Order(job, own.recipe, "cpu", *parcels)
        made = work_on_node(order, "here", versions(), store.fetch, reports.append)
        assert made.identical(compute(job, own, lambda done, total: None))
    assert store.fetched == ["corpus", "weights"]
    assert sorted(path.name for path in (place / "somite-here").iterdir()) == ["c", "w"]


@pytest.mark.parametrize("name", ["somite", "torch"])
def test_other_code_is_refused_before_anything_is_fetched(smoke_run, name, place):
    own = context_of(smoke_run)
    order = Order(behavior_job(own, 60), own.recipe, "cpu", Parcel("c", 0), Parcel("w", 0))
    wanted, store = versions() | {name: "0"}, Store({})
    words = f"{name} must be 0 on every node: a worker has another code version, got"
    with pytest.raises(InputError, match=words):
        work_on_node(order, "here", wanted, store.fetch, print)
    assert store.fetched == []
    assert not list(place.iterdir())


def test_own_code_is_accepted():
    check_versions(versions())


def test_two_jobs_that_write_at_once_leave_one_whole_folder(place):
    home, parcel = home_of("here"), Parcel("key", "first")

    def slower(name):
        laid_down(Parcel("key", "other"), home, Store({"other": {"a/b": b"1"}}).fetch)
        return {"a/b": b"1"}

    folder = laid_down(parcel, home, slower)
    assert (folder / "a" / "b").read_bytes() == b"1"
    assert [path.name for path in home.iterdir()] == ["key"]


def test_a_node_without_room_is_explained_and_left_clean(place, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(InputError, match=r"temporary folder must be a place.*\(No space left on"):
        laid_down(Parcel("key", "x"), home_of("here"), Store({"x": {"a": b"1"}}).fetch)
    assert not list(home_of("here").iterdir())
