"""Bad input on the command line: one line that says what to do, exit code 2, nothing written."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from somite.study import folder, run

BAD_SETTINGS = {
    "sampling.nbeta=1": r"sampling.nbeta must be a setting .* Did you mean 'n_beta'",
    "samplin.n_beta=1": r"samplin must be a key of a recipe.* Did you mean 'sampling'",
    "sampling.n_beta=-1": r"sampling.n_beta must be positive, got -1.0",
    "sampling.n_beta=many": r"sampling.n_beta must be of type float, got 'many'",
    "sampling.step_size=0": r"sampling.step_size must be positive, got 0.0",
    "sampling.chains=1.5": r"sampling.chains must be of type int, got 1.5",
    "sampling.components=hedas": r"sampling.components must .*Did you mean 'heads'",
    "sampling.components=layers": r"sampling.components must select at least 3 components, got '2",
    "modules.components=heads,layers": r"modules.components .*must not share weights",
    "model.n_heads=0": r"model.n_heads must be a whole number of at least 1, got 0",
    "model.positions=rotari": r"model.positions must be a known name.*Did you mean 'rotary'",
    "data.domains=['cod']": r"data.domains must be a known name.*Did you mean 'code'",
    "data.texts={train='x'}": r"data.texts must have names .* other than 'repeats' and 'train'",
    "data.texts={mine='nowhere'}": r"mine.*nowhere",
    "data.vocab_size=100000": r"vocab_size.*100000",
    "sampling.rows=10000000": r"sampling.rows must ask for no more than",
    "sampling.step_size=1": r"step_size must be below .*, where localization .*, got 1\.0\.",
    "seed": r"--set must be KEY=VALUE, got 'seed'",
}


def check(ended, words: str) -> None:
    """One line on stderr, exit code 2."""
    assert ended.code == 2
    assert ended.err.count("\n") == 1
    assert ended.err.startswith("somite: ")
    assert re.search(words, ended.err), ended.err


@pytest.mark.parametrize("setting", BAD_SETTINGS)
def test_a_bad_setting(somite, setting):
    check(somite("run", "smoke", "--workers", 1, "--set", setting), BAD_SETTINGS[setting])
    assert not list(Path().rglob("study.json"))
    assert not list(Path().rglob("cells"))


def test_an_unknown_recipe(somite):
    check(somite("run", "smok"), r"recipe must be a shipped recipe, got 'smok'. .*'smoke'")
    check(somite("run", "mine.toml"), r"recipe must be a readable file, got 'mine.toml'")
    assert not list(Path().iterdir())


def test_a_device_that_is_not_there(somite):
    check(somite("run", "smoke", "--device", "tpu"), r"device must be cpu or cuda, got 'tpu'")
    if not torch.cuda.is_available():
        check(somite("run", "smoke", "--device", "cuda"), r"device must be there, got 'cuda'")


def test_an_empty_folder_of_text(somite):
    Path("empty").mkdir()
    check(somite("run", "smoke", "--set", "data.texts={mine='empty'}"), r"mine.*empty")


def test_a_folder_that_holds_something_else(somite):
    Path("taken").mkdir()
    Path("taken/precious.txt").write_text("keep me")
    check(somite("run", "smoke", "--out", "taken"), r"out must be new, empty or a run of somite")
    assert [path.name for path in Path("taken").iterdir()] == ["precious.txt"]


@pytest.mark.xdist_group("smoke")
def test_a_folder_of_another_study(somite, smoke_copy):
    before = sorted(smoke_copy.rglob("*"))
    words = r"out must hold the study 'language-small', got 'smoke'"
    check(somite("run", "language-small", "--out", smoke_copy), words)
    assert sorted(smoke_copy.rglob("*")) == before


@pytest.mark.parametrize("command", ["report", "show"])
def test_a_run_that_is_none_or_not_finished(somite, command):
    check(somite(command, "nowhere"), r"run must be a folder of somite run, got 'nowhere'")
    Path("begun").mkdir()
    Path("begun/run.json").write_text('{"recipe": "smoke"}')
    check(somite(command, "begun"), r"run must hold a finished study, got 'begun'")


def test_no_room_on_the_disk(somite, monkeypatch):
    usage = type("Usage", (), {"free": 10 * 2**20})
    monkeypatch.setattr(folder.shutil, "disk_usage", lambda path: usage)
    check(somite("run", "smoke", "--out", "new"), r"disk must have 300 MB free, got '10 MB'")


def test_a_disk_that_fills_up(somite, monkeypatch):
    def full(study):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(run, "_run", full)
    check(
        somite("run", "smoke", "--out", "new"), r"disk must have room for the store.*run the same"
    )


@pytest.mark.xdist_group("smoke")
def test_a_damaged_cell(somite, smoke_copy):
    path = next(smoke_copy.glob("cells/stages/*.zarr/zarr.json"))
    path.write_text("{")
    check(somite("show", smoke_copy), r"stored cell must be .*Remove that folder and run")


def test_a_real_process_says_it_in_one_line(tmp_path):
    command = [sys.executable, "-m", "somite.cli.main", "run", "smok"]
    ended = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert ended.stderr.count("\n") == 1
    assert "Traceback" not in ended.stderr
