"""What the command line does besides calling the library."""

import sys
from pathlib import Path

import pytest
import torch
from rich.console import Console

from somite.cli import main
from somite.cli.options import chosen_engine
from somite.cli.progress import TerminalWatch
from somite.study.cluster import Ray
from somite.study.engine import Local


def test_zero_workers_are_refused(somite):
    ended = somite("run", "smoke", "--workers", 0)
    assert ended.code == 2
    assert "workers must be a whole number of at least 1, got 0" in ended.err
    assert not list(Path().iterdir())


@pytest.mark.parametrize("out", ["file", "file/below"])
def test_an_out_that_cannot_be_a_folder(somite, out):
    Path("file").write_text("precious")
    ended = somite("run", "smoke", "--out", out)
    assert ended.code == 2
    assert ended.err.count("\n") == 1
    assert "out must be a folder" in ended.err
    assert Path("file").read_text() == "precious"


def test_nothing_is_written_when_a_setting_is_wrong(somite):
    somite("run", "smoke", "--set", "sampling.components=hedas")
    assert not list(Path().iterdir())


def test_a_stop_is_exit_code_130_and_one_line(somite, monkeypatch):
    def stopped(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("somite.study.run_study", stopped)
    ended = somite("run", "smoke")
    assert ended.code == 130
    assert ended.err == "somite: stopped; the same command goes on from here.\n"


def test_no_command_prints_the_help(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["somite", "--help"])
    with pytest.raises(SystemExit):
        main.run()
    out = capsys.readouterr().out
    for name in ("run", "report", "show", "recipes", "data"):
        assert name in out


def test_a_domain_that_cannot_be_fetched_is_exit_code_1(somite, monkeypatch):
    found = {"code": Path("[lib]"), "wiki": "no network"}
    monkeypatch.setattr("somite.data.fetch_domains", lambda names: found)
    ended = somite("data", "fetch", "code", "wiki")
    assert ended.code == 1
    assert ended.out == "code: [lib]\nwiki: no network\n"  # brackets are no markup


def test_brackets_in_a_path_are_printed(capsys):
    main._say_where(Path("runs[bold]/report.html"))
    assert capsys.readouterr().out == "The report is at runs[bold]/report.html\n"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--engine", "rya"], "engine must be a known name, got 'rya'. Did you mean 'ray'"),
        (["--address", "auto"], "--address must come with --engine ray, got 'auto'"),
        (["--gpus-per-job", 0.5], "--gpus-per-job must come with --engine ray, got 0.5"),
        (
            ["--engine", "ray", "--gpus-per-job", 0.5],
            "--gpus-per-job must come with --device cuda, got 0.5",
        ),
        (["--engine", "ray", "--workers", 0], "workers must be a whole number of at least 1"),
        (["--engine", "ray", "--address", "x"], "address must be HOST:PORT or auto, got 'x'"),
    ],
)
def test_an_engine_that_cannot_be(somite, options, words):
    ended = somite("run", "smoke", *options)
    assert ended.code == 2
    assert ended.err.count("\n") == 1
    assert words in ended.err
    assert not list(Path().iterdir())


def test_the_engine_gets_its_options():
    assert chosen_engine("local", None, None, "cpu") == Local()
    assert chosen_engine("ray", None, None, "cpu") == Ray(None, 1.0)
    assert chosen_engine("ray", "auto", 0.25, "cuda") == Ray("auto", 0.25)


def test_a_missing_device_writes_nothing(somite, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert somite("run", "smoke", "--device", "cuda").code == 2
    assert not list(Path().iterdir())


def test_the_watch_prints_phases_and_lines(capsys):
    with TerminalWatch(Console(width=120)) as watch:
        watch.say("[no markup] is left out")
        watch.phase("sampling", 10)
        watch.advance(5, "loss 1.00")
        watch.advance(10)
        watch.phase("nothing", 0)
    out = capsys.readouterr().out
    for words in ("[no markup] is left out", "sampling …", "100%", "left"):
        assert words in out
