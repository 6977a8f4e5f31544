"""The commands do what their help says."""

import json
from pathlib import Path

import pytest

from somite.cli.modules import chosen_steps, log_spaced


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
    for words in (
        "Redundant modules at step 60",
        "Strongest interactions",
        "composition",
        "0:1 × 1:0",
    ):
        assert words in ended.out
    assert "Cooperating modules at step 60" in ended.out
    page = (smoke_copy / "report.html").read_text()
    assert "Interaction of every pair" in page


@pytest.mark.xdist_group("smoke")
def test_modules_of_other_components_as_json(somite, smoke_copy):
    options = ("--components", "0:0, 0:1, 1:1", "--json", "--workers", 1)
    ended = somite("modules", smoke_copy, *options)
    assert ended.code == 0, ended.err
    found = json.loads(ended.out)
    assert found["step"] == 60
    assert set(found["relations"]) == {"redundant", "cooperating"}
    for relation in found["relations"].values():
        named = [name for module in relation["modules"] for name in module["components"]]
        assert sorted(named) == ["0:0", "0:1", "1:1"]
        assert relation["p_value"] <= relation["p_adjusted"] <= 1
    assert "chain steps, about" in ended.err
    assert "Modules by interaction: components" in (smoke_copy / "report.html").read_text()


@pytest.mark.xdist_group("smoke")
def test_modules_through_time(somite, smoke_copy, monkeypatch):
    monkeypatch.setattr("somite.study.modules.BASELINES", {"composition": "pairs"})
    ended = somite("modules", smoke_copy, "--steps", 3, "--draws", 8, "--workers", 1)
    assert ended.code == 0, ended.err
    words = (
        "interactions at 3 checkpoints",
        "Cooperating modules through training",
        "Events",
        "of 3 check",
    )
    for word in words:
        assert word in ended.out
    page = (smoke_copy / "report.html").read_text()
    for title in ("Are there redundant modules", "module of each component", "What comes first"):
        assert title in page


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--steps", "few"), "--steps must be a number or all, got 'few'"),
        (("--steps", 0), "--steps must be a whole number of at least 1, got 0"),
        (("--steps", "all", "--step", 60), "--steps must come without --step, got 'all'"),
        (("--components", "0:mlp"), "modules.components must select at least one weight"),
        (("--draws", 7), "draws must be a whole number of at least 8, got 7"),
    ],
)
@pytest.mark.xdist_group("smoke")
def test_modules_with_options_that_are_wrong(somite, smoke_run, options, words):
    ended = somite("modules", smoke_run, *options)
    assert ended.code == 2
    assert words in ended.err
    assert not (smoke_run / "modules.json").exists()


@pytest.mark.parametrize("count", [1, 2, 5, 9])
def test_steps_are_spread_over_the_log_of_training(count):
    known = [0, 1, 2, 5, 10, 50, 100, 500, 1000]
    chosen = log_spaced(known, count)
    assert len(chosen) == count
    assert chosen == sorted(set(chosen))
    assert chosen[-1] == 1000
    assert set(chosen) <= set(known)
    assert chosen_steps(known, None, "all") == known
    assert chosen_steps(known, [5, 2, 5], None) == [2, 5]


@pytest.mark.xdist_group("smoke")
def test_modules_at_a_step_that_is_none(somite, smoke_run):
    ended = somite("modules", smoke_run, "--step", 7)
    assert ended.code == 2
    assert "step must be a known name, got '7'" in ended.err
    assert not (smoke_run / "modules.json").exists()
