"""What all tests share: one thread, one finished study, the command line in this process."""

import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from somite.cli import main
from somite.study import load_recipe, run_study

torch.set_num_threads(1)


@pytest.fixture(scope="session")
def smoke_run(tmp_path_factory) -> Path:
    """The recipe `smoke`, run once to the end; not to be changed."""
    folder = tmp_path_factory.mktemp("smoke") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOMITE_CACHE", str(tmp_path_factory.mktemp("cache")))
        return run_study(load_recipe("smoke"), folder)


@pytest.fixture
def smoke_copy(smoke_run, tmp_path) -> Path:
    """A copy of the finished study that a test may change."""
    return Path(shutil.copytree(smoke_run, tmp_path / "run"))


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


@pytest.fixture
def somite(monkeypatch, capsys, tmp_path) -> Callable[..., Ended]:
    """Call `somite …` in this process, from an empty folder."""
    empty = tmp_path / "here"
    empty.mkdir()
    monkeypatch.chdir(empty)
    monkeypatch.setenv("SOMITE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setitem(os.environ, "COLUMNS", "200")

    def call(*arguments: object) -> Ended:
        monkeypatch.setattr(sys, "argv", ["somite", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main.run()
        out, err = capsys.readouterr()
        return Ended(int(end.value.code or 0), out, err)

    return call
