"""Lesions of the modules of a run: cards, what is used again, and runs without modules."""

import json

import pytest

from somite.core.errors import InputError
from somite.study.folder import MODULES, listed_lesions
from somite.study.lesions import found_modules, study_lesions
from somite.study.modules import study_modules
from somite.study.results import load_results
from unit.study.finished import Listener, context_of

pytestmark = pytest.mark.xdist_group("smoke")


def test_modules_are_withheld_and_have_cards(somite, smoke_copy):
    context = context_of(smoke_copy)
    last = context.series.steps()[-1]
    study_modules(context, [last], 1)
    at, modules = found_modules(smoke_copy)
    assert at == last
    assert all(len(one.members) > 1 for one in modules)
    ended = somite("lesions", smoke_copy, "--sets", 20)
    assert ended.code == 0, ended.err
    assert f"Without the {modules[0].kind} module {modules[0].number}" in ended.out
    page = (smoke_copy / "report.html").read_text()
    assert "matters most" in page
    assert "Alone it does better than as many random heads" in page
    found = load_results(smoke_copy).lesions[last]
    assert len(found) == len(modules)
    one = found[f"{modules[0].kind} module {modules[0].number}"]
    assert list(one.attrs["members"]) == modules[0].members
    assert one.sizes["example"] == 6
    assert ((one.p_value > 0) & (one.p_value <= 1)).all()
    watch = Listener()
    study_lesions(context, None, 20, watch)
    assert watch.phases == []


def test_a_run_without_modules_is_told_what_to_do(somite, smoke_copy):
    ended = somite("lesions", smoke_copy)
    assert ended.code == 2
    assert "step must have modules of heads" in ended.err
    assert "somite modules" in ended.err


def test_a_damaged_list_is_named(tmp_path):
    (tmp_path / "lesions.json").write_text("[")
    with pytest.raises(InputError, match="somite lesions"):
        listed_lesions(tmp_path)
    assert json.loads("{}") == listed_lesions(tmp_path / MODULES)
