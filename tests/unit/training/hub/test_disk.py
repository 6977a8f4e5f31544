from collections import namedtuple

import pytest

from somite.core.errors import InputError
from somite.training.hub import disk
from somite.training.hub.disk import claimed
from somite.training.hub.listing import Remote

REPO = "someone/series"
REMOTES = [Remote(step, f"step{step}", "c" * 40, {"model.safetensors": 10}) for step in range(4)]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SOMITE_CACHE", str(tmp_path))
    return tmp_path / "hub" / "someone--series"


def fill(shelf, remote, keep=False):
    partial = shelf.partial(remote)
    (partial / "model.safetensors").touch()
    return shelf.finish(partial, remote, keep)


def test_a_checkpoint_is_found_when_whole_and_gone_when_used():
    with claimed(REPO) as shelf:
        partial = shelf.partial(REMOTES[0])
        assert shelf.find(REMOTES[0]) is None
        final = shelf.finish(partial, REMOTES[0], keep=False)
        assert (shelf.find(REMOTES[0]), partial.exists()) == (final, False)
        shelf.release(REMOTES[0])
        assert shelf.find(REMOTES[0]) is None


def test_kept_ones_stay_for_every_loop(cache):
    with claimed(REPO) as shelf:
        final = fill(shelf, REMOTES[0], keep=True)
        assert fill(shelf, REMOTES[0], keep=True) == final
        shelf.release(REMOTES[0])
        assert not list(shelf.folder.iterdir())
    with claimed(REPO) as shelf:
        shelf.sweep([])
        assert shelf.find(REMOTES[0]) == final
    assert [path.parent.name for path in cache.glob("*/step-*")] == ["kept"]


def test_a_loop_leaves_nothing_behind(cache):
    def left():
        with claimed(REPO) as shelf:
            fill(shelf, REMOTES[0])
            shelf.partial(REMOTES[1])
            raise KeyError

    with pytest.raises(KeyError):
        left()
    assert list(cache.glob("*/*")) == []


def test_sweeps_what_a_killed_process_left(cache):
    folder = cache / "loop-0"
    with claimed(REPO) as shelf:
        names = [fill(shelf, remote).name for remote in REMOTES[:3]]
    for name in (*names, f".partial-{names[0]}"):
        (folder / name).mkdir(parents=True)
    with claimed(REPO) as shelf:
        assert shelf.folder == folder
        shelf.sweep(REMOTES[1:3])
        assert sorted(entry.name for entry in folder.iterdir()) == names[1:]


def test_loops_at_the_same_time_have_folders_of_their_own(cache):
    with claimed(REPO) as first, claimed(REPO) as second:
        assert first.folder != second.folder
        fill(first, REMOTES[0])
        second.sweep([])
        assert first.find(REMOTES[0])
    with claimed(REPO) as third:
        assert third.folder == first.folder


@pytest.mark.parametrize(
    ("free", "keep", "enough"), [(20, 0, 1), (19, 0, 0), (39, 1, 0), (40, 1, 1)]
)
def test_asks_for_room(monkeypatch, free, keep, enough):
    usage = namedtuple("Usage", "free")
    monkeypatch.setattr(disk.shutil, "disk_usage", lambda folder: usage(free))
    with claimed(REPO) as shelf:
        if enough:
            shelf.check_room(REMOTES, bool(keep))
        else:
            with pytest.raises(
                InputError, match=rf"room for {4 if keep else 2} checkpoints \(0 MiB"
            ):
                shelf.check_room(REMOTES, bool(keep))
        fill(shelf, REMOTES[0])
        shelf.check_room(REMOTES[:2], keep=False)


def test_a_cache_that_cannot_be_written(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("SOMITE_CACHE", str(tmp_path / "file"))
    with pytest.raises(InputError, match="SOMITE_CACHE must be writable"), claimed(REPO):
        pass
