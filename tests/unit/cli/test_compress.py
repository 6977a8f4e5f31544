"""`somite compress`: a table, a section of the report, JSON, and options that are wrong."""

import json

import pytest

pytestmark = pytest.mark.xdist_group("smoke")


def test_relations_are_shown_and_put_into_the_report(somite, smoke_copy):
    ended = somite("compress", smoke_copy, "--workers", 1)
    assert ended.code == 0, ended.err
    for words in ("Relations of critical levels", "held", "passes", "The report is at"):
        assert words in ended.out
    page = (smoke_copy / "report.html").read_text()
    assert "Bits that the weights need" in page
    assert "was not measured in this run" in page  # modules
    ended = somite("compress", smoke_copy, "--workers", 1, "--json")
    found = json.loads(ended.out)
    assert {"subject", "rank", "rank_low", "r_squared", "remark"} <= set(found[0])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--tolerance", 0), "tolerance must be positive"),
        (("--steps", "some"), "--steps must be a number or all"),
        (("--workers", 0), "workers must be a whole number of at least 1"),
    ],
)
def test_wrong_options_are_named(somite, smoke_copy, options, message):
    ended = somite("compress", smoke_copy, *options)
    assert ended.code == 2
    assert message in ended.err


def test_an_unfinished_run_is_refused(somite, tmp_path):
    ended = somite("compress", tmp_path)
    assert ended.code == 2
    assert "must be a folder of somite run" in ended.err
