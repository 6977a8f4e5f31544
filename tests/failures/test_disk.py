"""A disk that gets full at any moment: one line, and afterwards the same numbers."""

import errno
import runpy
from pathlib import Path

import pytest

from somite.core.errors import InputError
from somite.study import cells, load_recipe, run_study
from somite.study.cells import Cell
from somite.training import checkpoints

pytestmark = pytest.mark.xdist_group("smoke")
BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "kill_resume.py"
numbers = runpy.run_path(str(BENCHMARK), run_name="kill_resume")["numbers"]


def full(*_, **__):
    raise OSError(errno.ENOSPC, "No space left on device")


def fills_up(patch, owner, name, left):
    """Let a function succeed so many times, then find the disk full."""
    real, count = getattr(owner, name), iter(range(left))

    def function(*arguments, **settings):
        return full() if next(count, None) is None else real(*arguments, **settings)

    patch.setattr(owner, name, function)


def test_a_full_disk_costs_nothing_that_was_finished(smoke_run, tmp_path, monkeypatch):
    monkeypatch.setenv("SOMITE_CACHE", str(tmp_path / "cache"))
    run = tmp_path / "run"
    moments = (
        (checkpoints, "_write", 5),  # in the middle of the third checkpoint
        (Cell, "write", 3),
        (cells.os, "replace", 40),  # somewhere below, in Zarr
    )
    for moment in moments:
        with monkeypatch.context() as patch:
            fills_up(patch, *moment)
            with pytest.raises(InputError, match=r"disk must have room.*run the same command"):
                run_study(load_recipe("smoke"), run)
        assert not (run / "study.json").exists()
    run_study(load_recipe("smoke"), run)
    assert numbers(run) == numbers(smoke_run)
    assert not list(run.rglob(".partial-*"))


@pytest.mark.parametrize("command", ["report", "run"])
def test_no_room_for_the_report(somite, smoke_copy, monkeypatch, command):
    monkeypatch.setattr("somite.report.build.write_page", full)
    more = ("--out", smoke_copy, "--workers", 1) if command == "run" else ()
    ended = somite(command, "smoke" if command == "run" else smoke_copy, *more)
    assert ended.code == 2
    assert ended.err.count("\n") == 1
    assert "disk must have room for the store" in ended.err
