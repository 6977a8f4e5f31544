"""The commands do what their help says."""

from pathlib import Path

import pytest


def test_recipes_are_listed(somite):
    out = somite("recipes").out
    for name in ("language-small", "language", "smoke"):
        assert name in out


def test_texts_are_listed(somite):
    out = somite("data", "list").out
    for name in ("code", "drama", "wiki", "dialogue", "legal", "licence"):
        assert name in out


def test_an_unknown_text_is_refused(somite):
    ended = somite("data", "fetch", "wikki")
    assert ended.code == 2
    assert "Did you mean 'wiki'" in ended.err


@pytest.mark.xdist_group("smoke")
def test_show_prints_every_head_stages_and_agreement(somite, smoke_run):
    out = somite("show", smoke_run).out
    for words in ("0:0", "1:1", "MCSE", "Stages", "curves_ward"):
        assert words in out


@pytest.mark.xdist_group("smoke")
def test_a_report_is_rebuilt_from_the_store_alone(somite, smoke_copy):
    assert somite("report", smoke_copy, "--out", "page.html").code == 0
    assert "<html" in Path("page.html").read_text()[:500].lower()


@pytest.mark.xdist_group("smoke")
def test_a_finished_run_is_not_computed_again(somite, smoke_copy):
    cells = {path: path.stat().st_mtime_ns for path in smoke_copy.glob("cells/*/*")}
    manifest = (smoke_copy / "study.json").read_bytes()
    ended = somite("run", "smoke", "--out", smoke_copy, "--workers", 1)
    assert ended.code == 0
    assert "The report is at" in ended.out
    assert {path: path.stat().st_mtime_ns for path in smoke_copy.glob("cells/*/*")} == cells
    assert (smoke_copy / "study.json").read_bytes() == manifest


@pytest.mark.xdist_group("smoke")
def test_modules_are_found_and_added_to_the_report(somite, smoke_copy):
    ended = somite("modules", smoke_copy, "--workers", 1)
    assert ended.code == 0, ended.err
    for words in ("Modules at step 60", "Strongest interactions", "composition", "0:1 × 1:0"):
        assert words in ended.out
    page = (smoke_copy / "report.html").read_text()
    assert "Interaction of every pair" in page


@pytest.mark.xdist_group("smoke")
def test_modules_at_a_step_that_is_none(somite, smoke_run):
    ended = somite("modules", smoke_run, "--step", 7)
    assert ended.code == 2
    assert "step must be a known name, got '7'" in ended.err
    assert not (smoke_run / "modules.json").exists()
