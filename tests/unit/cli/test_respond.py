"""`somite respond` and `somite influence`: tables, a page, JSON, and options that are wrong."""

import json

import pytest

pytestmark = pytest.mark.xdist_group("smoke")


def test_answers_are_shown_and_put_on_a_page(somite, smoke_copy):
    ended = somite("respond", smoke_copy, "--workers", 1)
    assert ended.code == 0, ended.err
    for words in ("Susceptibility at step 60", "repeats", "differ from the control", "The page is"):
        assert words in ended.out
    assert "Text in the colours of a component" in (smoke_copy / "response.html").read_text()
    assert "response.html, beside this file" in (smoke_copy / "report.html").read_text()
    ended = somite("influence", smoke_copy, "--queries", 2, "--top", 3)
    assert ended.code == 0, ended.err
    assert "Strongest influences between examples" in ended.out
    assert "What influences an example" in (smoke_copy / "response.html").read_text()
    (smoke_copy / "response.html").unlink()
    assert somite("report", smoke_copy).code == 0
    assert (smoke_copy / "response.html").is_file()


def test_numbers_as_json(somite, smoke_copy):
    options = ("--rows", 2, "--draws", 16, "--components", "0:1,1:0", "--workers", 1, "--json")
    ended = somite("respond", smoke_copy, *options, "--step", 48)
    assert ended.code == 0, ended.err
    found = json.loads(ended.out)
    assert found["step"] == 48
    assert found["coords"]["component"] == ["0:1", "1:0"]
    assert len(found["domain_mcse"]["values"]) == 2
    assert len(found["sentences"]) == 4
    assert found["clusters"] == {}  # of two components there are none
    ended = somite("influence", smoke_copy, *options[:6], "--step", 48, "--queries", 1, "--json")
    assert ended.code == 0, ended.err
    assert json.loads(ended.out)["dims"]["component"] == 2


@pytest.mark.parametrize(
    ("command", "options", "words"),
    [
        ("respond", ("--rows", 0), "rows must be a whole number of at least 1, got 0"),
        ("respond", ("--draws", 7), "draws must be a whole number of at least 8, got 7"),
        ("respond", ("--workers", 0), "workers must be a whole number of at least 1, got 0"),
        ("respond", ("--steps", "few"), "--steps must be a number or all, got 'few'"),
        ("respond", ("--components", "hedas"), "hedas"),
        ("influence", ("--step", 7), "step must be a known name, got '7'"),
        ("influence", ("--top", 0), "count must be a whole number of at least 1, got 0"),
    ],
)
def test_options_that_are_wrong(somite, smoke_run, command, options, words):
    ended = somite(command, smoke_run, *options)
    assert ended.code == 2
    assert words in ended.err
    assert not (smoke_run / "response.json").exists()
