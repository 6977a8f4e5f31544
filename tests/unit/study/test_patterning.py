"""Responses for patterning come from recorded losses or a table; the recipe survives TOML."""

import tomllib
from dataclasses import replace

import numpy as np
import pytest

import somite as so
from somite.core.errors import InputError
from somite.data import training_shares
from somite.study import load_recipe, patterning
from somite.study.influence import study_influence
from somite.study.recipe import build, recipe_names
from somite.study.recorded_cells import read_losses
from somite.study.response import study_response
from somite.study.response_jobs import response_jobs, text_domains
from unit.study.finished import context_of

TABLE = "component,chain,code,repeats\nA,0,1,2\nB,0,3,4\nA,1,5,6\nB,1,7,8\n"


@pytest.mark.xdist_group("smoke")
def test_responses_of_a_run_are_those_of_its_recorded_losses(smoke_copy):
    with pytest.raises(InputError, match="run must hold recorded losses of tokens"):
        patterning.run_responses(smoke_copy)
    context = context_of(smoke_copy)
    study_response(context, [60], 1)
    found = patterning.run_responses(smoke_copy)
    assert found.dims == ("chain", "component", "domain")
    assert found.attrs["step"] == 60
    own = read_losses(response_jobs(context, 60)["posterior"].cell.path(smoke_copy))
    means = so.group_losses(own.loss, text_domains(context))
    np.testing.assert_array_equal(found, so.responses(own.draws, means))
    assert set(found.domain.values) == set(training_shares(context.corpus))
    with pytest.raises(InputError, match="step must be a known name, got '48'"):
        patterning.run_responses(smoke_copy, 48)
    fewer = replace(context.recipe, response=replace(context.recipe.response, rows=2))
    study_influence(replace(context, recipe=fewer), 60, 1, 1, 1)
    with pytest.raises(InputError, match="recorded losses must be of the 8 rows"):
        patterning.run_responses(smoke_copy)


def test_a_table_has_chains_or_none(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text(TABLE)
    found = patterning.table_responses(path)
    assert found.sel(component="B", domain="repeats").values.tolist() == [4, 8]
    path.write_text("component,code\nA,1.5\n")
    assert patterning.table_responses(path).values.tolist() == [[1.5]]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "responses must have the column component and one for each domain"),
        ("code,wiki\n1,2\n", "responses must have the column component"),
        ("component\nA\n", "responses must have the column component and one"),
        ("component,code\nA,much\n", "responses must be numbers"),
        ("component,code,wiki\nA,1\n", "responses must be numbers"),
    ],
)
def test_a_table_that_is_wrong(tmp_path, text, words):
    path = tmp_path / "table.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=words):
        patterning.table_responses(path)


def test_a_table_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match=r"responses must be a run or a readable .csv file"):
        patterning.table_responses(tmp_path / "none.csv")


@pytest.mark.parametrize("name", recipe_names())
def test_a_recipe_survives_toml(name):
    recipe = load_recipe(name, {"description": '"„quoted“ \\\\ words"'})
    assert build(tomllib.loads(patterning.as_toml(recipe.plain()))) == recipe


def test_shares_enter_the_data():
    recipe = patterning.patterned(
        load_recipe("smoke", {"data.domains": '["code", "wiki"]'}),
        {"code": 0.1, "wiki": 0.5, "repeats": 0.4},
    )
    assert recipe.data.repeats_share == 0.4
    assert recipe.data.shares == pytest.approx({"code": 1 / 6, "wiki": 5 / 6})
    with pytest.raises(InputError, match="shares must leave some natural text"):
        patterning.data_settings({"code": 0.0, "repeats": 1.0})
