"""`somite calibrate`: settings from a run, that go into a run."""

import json
import shlex
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from somite.calibration import search, surroundings
from somite.calibration.trial import run_trials
from somite.cli.calibrate import set_options
from somite.cli.trained import spread_steps, trained_run
from somite.core.errors import InputError
from somite.study import load_recipe

pytestmark = pytest.mark.xdist_group("smoke")


@pytest.fixture
def quick(monkeypatch):
    """Trials that are too short for any finding."""

    def short(problem, settings, chains, draws, *more):
        return run_trials(problem, [replace(s, burn_in=2) for s in settings], 2, 10, *more)

    monkeypatch.setattr(search, "MOST_TRIALS", 1)
    for module in (search, surroundings):
        monkeypatch.setattr(module, "run_trials", short)


def test_it_prints_settings_that_a_run_takes(somite, smoke_run, quick):
    before = {path: path.stat().st_mtime_ns for path in smoke_run.rglob("*")}
    ended = somite("calibrate", smoke_run, "--out", "page.html", "--checkpoints", 2)
    assert ended.code == 0, ended.err
    (line,) = (line for line in ended.out.splitlines() if line.startswith("--set"))
    given = dict(word.split("=", 1) for word in shlex.split(line) if "=" in word)
    assert set(given) == {
        f"sampling.{name}"
        for name in (
            *("n_beta", "localization", "kernel", "step_size", "friction"),
            *("batch_size", "burn_in", "draws"),
        )
    }
    recipe = load_recipe("smoke", given).sampling
    assert recipe.kernel == "BAOAB"
    assert recipe.n_beta == float(given["sampling.n_beta"])
    for words in ("localization", "Verdicts", "minutes of one core", "reach of the loss"):
        assert words in ended.out
    assert "<html" in Path("page.html").read_text()[:500]
    assert {path: path.stat().st_mtime_ns for path in smoke_run.rglob("*")} == before


def test_an_unfinished_run_is_calibrated_too(somite, smoke_copy, quick):
    (smoke_copy / "study.json").unlink()
    shutil.rmtree(smoke_copy / "cells")
    arguments = ("--kernel", "SGLD", "--checkpoints", 1, "--batch-size", 2, "--n", 64)
    ended = somite("calibrate", smoke_copy, *arguments)
    assert ended.code == 0, ended.err
    assert "sampling.kernel=SGLD" in ended.out
    assert "sampling.friction" not in ended.out
    assert "sampling.batch_size=2" in ended.out
    assert (smoke_copy / "calibration.html").is_file()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--kernel", "HMC"), "kernel must be a known name, got 'HMC'"),
        (("--error", 0), "error must be"),
        (("--guess", -1), "guess must be"),
        (("--n", 1), "n must be a whole number of at least 2"),
        (("--batch-size", 0), "batch_size must be a whole number of at least 1"),
        (("--checkpoints", 0), "checkpoints must be a whole number of at least 1"),
    ],
)
def test_bad_input_is_one_line(somite, smoke_run, arguments, words):
    ended = somite("calibrate", smoke_run, "--out", "page.html", *arguments)
    assert ended.code == 2
    assert words in ended.err
    assert ended.err.count("\n") == 1
    assert not Path("page.html").exists()


def test_a_place_that_cannot_be_written(somite, smoke_run, quick, monkeypatch):
    monkeypatch.setattr(surroundings, "neighbours", lambda *_: [])
    Path("file").write_text("precious")
    ended = somite("calibrate", smoke_run, "--out", "file/page.html", "--checkpoints", 1)
    assert ended.code == 2
    assert "must be a folder that can be written" in ended.err
    assert Path("file").read_text() == "precious"


def test_a_folder_that_is_no_run(somite):
    ended = somite("calibrate", "nothing")
    assert ended.code == 2
    assert "run must be a folder of somite run" in ended.err


def unfinished(run: Path) -> Path:
    (run / "study.json").unlink()
    return run


def test_an_untrained_run_is_refused(smoke_copy):
    for folder in unfinished(smoke_copy).glob("training-*"):
        shutil.rmtree(folder)
    with pytest.raises(InputError, match="run must hold trained checkpoints"):
        trained_run(smoke_copy)


def test_a_finished_run_that_lost_its_checkpoints_is_refused(smoke_copy):
    for folder in smoke_copy.glob("training-*"):
        shutil.rmtree(folder)
    with pytest.raises(InputError, match="run must hold trained checkpoints"):
        trained_run(smoke_copy)


def test_a_damaged_marker_is_refused(smoke_copy):
    (unfinished(smoke_copy) / "run.json").write_text("{")
    with pytest.raises(InputError, match="run must have readable records"):
        trained_run(smoke_copy)


def test_settings_in_the_marker_are_taken(smoke_copy):
    settings = load_recipe("smoke", {"sampling.rows": "32"}).plain()
    marker = {"recipe": "smoke", "settings": json.loads(json.dumps(settings))}
    (unfinished(smoke_copy) / "run.json").write_text(json.dumps(marker))
    assert trained_run(smoke_copy).recipe.sampling.rows == 32


def test_checkpoints_of_another_model_are_refused(smoke_copy):
    (unfinished(smoke_copy) / "run.json").write_text('{"recipe": "language-small"}')
    with pytest.raises(InputError, match="recipe must be that of the run's checkpoints"):
        trained_run(smoke_copy)


def test_the_device_of_the_run_is_used_if_it_is_there(smoke_copy, monkeypatch):
    assert trained_run(smoke_copy).device == "cpu"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert trained_run(smoke_copy).device == "cpu"
    assert trained_run(unfinished(smoke_copy)).device == "cuda"


def test_steps_are_spread_and_the_last_is_always_there():
    assert spread_steps(list(range(12)), 3) == [3, 7, 11]
    assert spread_steps([0, 5], 3) == [0, 5]
    assert spread_steps([0, 5, 9], 1) == [9]


def test_options_have_all_digits():
    assert set_options("a", {"b": 144.76482730108395}) == "--set a.b=144.764827301084"
