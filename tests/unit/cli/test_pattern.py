"""`somite pattern`: shares with predicted effects and errors, a recipe, and what is refused."""

import json
from pathlib import Path

import pytest

from somite.study import load_recipe

TABLE = "component,code,wiki\nA,1,-1\nB,2,-2\nC,1,1\n"
WANT = ("--want", "A=0.2")
EXACT = ("--method", "pseudo_inverse")
SHARES = ("--share", "code=0.5", "--share", "wiki=0.5")


@pytest.fixture
def table(somite):
    """A table without chains, in the folder of the command."""
    path = Path("table.csv")
    path.write_text(TABLE)
    return path


@pytest.mark.xdist_group("smoke")
def test_shares_of_a_run_and_a_recipe_that_runs(somite, smoke_copy):
    assert somite("respond", smoke_copy, "--workers", 1).code == 0
    want = ("--want", "1:0=-1", "--budget", 0.2)
    ended = somite("pattern", smoke_copy, *want, "--out", "more.toml")
    assert ended.code == 0, ended.err
    for words in ("share before", "repeats", "Predicted change of the loss", "The recipe is at"):
        assert words in ended.out
    ended = somite("pattern", smoke_copy, *want, "--json")
    found = json.loads(ended.out)
    before, after = (
        {name: one[key] for name, one in found["shares"].items()} for key in ("before", "after")
    )
    assert sum(before.values()) == pytest.approx(1)
    assert sum(after.values()) == pytest.approx(1)
    assert sum(abs(h) for h in found["weights"].values()) <= 0.2 + 1e-9
    effect = found["effects"]["1:0"]
    assert effect["wanted"] == -1
    assert effect["predicted_error"] > 0
    assert found["effects"]["0:0"]["wanted"] is None
    recipe = load_recipe("more.toml")
    assert recipe.name == "more"
    assert recipe.data.repeats_share == pytest.approx(after["repeats"], abs=1e-6)
    assert recipe.data.shares == {"code": 1.0}
    assert recipe.sampling == load_recipe("smoke").sampling


def test_a_table_of_responses(somite, table):
    ended = somite("pattern", table, *WANT, *EXACT, *SHARES, "--json", "--out", "part.toml")
    assert ended.code == 0, ended.err
    found = json.loads(ended.out)
    assert found["weights"] == pytest.approx({"code": 0.1, "wiki": -0.1})
    assert found["shares"]["code"]["after"] == pytest.approx(0.6)
    assert found["effects"]["B"]["predicted"] == pytest.approx(0.4)
    assert Path("part.toml").read_text().startswith("[data]\nrepeats_share = 0.0\nshares = {")


def test_a_singular_matrix_is_told_with_rank_and_remedy(somite, table):
    both = ("--want", "A=0.2", "--want", "B=-0.2")
    ended = somite("pattern", table, *both, *EXACT)
    assert ended.code == 2
    assert "responses must have rank 2 beyond their errors" in ended.err
    assert "rank 1" in ended.err
    ended = somite("pattern", table, *both, "--method", "ridge")
    assert ended.code == 0, ended.err
    assert "wanted components have rank 1 beyond their errors" in ended.out
    assert "Ask for fewer, or sample longer" in ended.out


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--want", "A"), "--want must be NAME=NUMBER, got 'A'"),
        (("--want", "A=much"), "--want must be NAME=NUMBER, got 'A=much'"),
        (("--want", "Z=1", *EXACT), "wanted must name components, got 'Z'"),
        ((*WANT, "--method", "best"), "method must be a known name, got 'best'"),
        ((*WANT, *EXACT, "--budget", 0), "budget must be positive, got 0"),
        ((*WANT, *EXACT, "--step", 3), "--step must come with a run, got 3"),
        ((*WANT, *EXACT, "--out", "x.toml"), "--out must come with --share for a table"),
        ((*WANT, *EXACT, "--share", "code=half"), "--share must be NAME=NUMBER"),
        ((*WANT, *EXACT, "--share", "code=1"), "shares must name the items"),
        (("--want", "A=3", *EXACT, *SHARES), "share of wiki must be zero or more"),
    ],
)
def test_options_that_are_wrong(somite, table, options, words):
    ended = somite("pattern", table, *options)
    assert ended.code == 2
    assert words in ended.err
    assert not Path("x.toml").exists()


@pytest.mark.xdist_group("smoke")
def test_a_run_without_responses_and_shares_that_it_knows(somite, smoke_run):
    ended = somite("pattern", smoke_run, "--want", "1:0=-1")
    assert (ended.code, "run must hold recorded losses of tokens" in ended.err) == (2, True)
    ended = somite("pattern", smoke_run, "--want", "1:0=-1", "--share", "code=1")
    assert (ended.code, "--share must come with a table" in ended.err) == (2, True)
    ended = somite("pattern", "nowhere", "--want", "1:0=-1")
    assert (ended.code, "run must be a folder of somite run" in ended.err) == (2, True)
