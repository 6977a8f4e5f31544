"""A changed setting recomputes what depends on it, and that alone."""

import dataclasses
from types import SimpleNamespace

import pytest

from somite.study import load_recipe, run_study
from somite.study.analysis import attention_cell, groups_cell, stages_cell
from somite.study.jobs import ablation_job, behavior_job, sampling_job
from unit.study.finished import Listener, context_of

pytestmark = pytest.mark.xdist_group("smoke")


class Enough(Exception):
    """The phases of interest are over."""


class UntilSampling(Listener):
    """Ends the study where sampling would begin."""

    def phase(self, name, total):
        super().phase(name, total)
        if name == "sampling":
            raise Enough


def phases(run, **changed):
    """Phases up to sampling, with settings changed, in a store that is finished."""
    watch = UntilSampling()
    recipe = load_recipe("smoke", {key.replace("__", "."): v for key, v in changed.items()})
    with pytest.raises(Enough):
        run_study(recipe, run, watch=watch)
    return watch.phases


def keys(context):
    """Key of one cell of each kind."""
    sampling = sampling_job(context, 60)
    refined = sampling_job(context, 60, "code")
    behavior, ablation = behavior_job(context, 60), ablation_job(context, 60)
    return {
        "sampling": sampling.cell.key,
        "refined": refined.cell.key,
        "behavior": behavior.cell.key,
        "ablation": ablation.cell.key,
        "stages": stages_cell(context, [sampling]).cell.key,
        "groups": groups_cell(context, [sampling], [refined], [behavior]).cell.key,
        "attention": attention_cell(context, behavior).cell.key,
    }


@pytest.mark.parametrize(
    ("setting", "dependent"),
    [
        ({"sampling__n_beta": "31"}, {"sampling", "refined", "stages", "groups"}),
        ({"sampling__draws": "25"}, {"sampling", "stages", "groups"}),
        ({"refined__draws": "13"}, {"refined", "groups"}),
        ({"refined__rows": "63"}, {"refined", "groups"}),
        ({"refined__most_steps": "3"}, set()),
        ({"behavior__rows": "9"}, {"behavior", "groups", "attention"}),
        ({"behavior__ablation_rows": "9"}, {"ablation"}),
        ({"behavior__examples": "2"}, {"attention"}),
        ({"stages__bootstraps": "21"}, {"stages"}),
        ({"groups__bootstraps": "11"}, {"groups"}),
        ({"description": '"another"'}, set()),
    ],
    ids=lambda value: next(iter(value), "") if isinstance(value, dict) else "",
)
def test_a_setting_enters_the_cells_that_depend_on_it(smoke_run, setting, dependent):
    own, other = keys(context_of(smoke_run)), keys(context_of(smoke_run, **setting))
    assert {kind for kind in own if own[kind] != other[kind]} == dependent


@pytest.mark.parametrize("made", ["code_fingerprint", "torch"])
def test_other_code_or_library_is_another_cell(smoke_run, monkeypatch, made):
    own = context_of(smoke_run)
    before = sampling_job(own, 60).cell, behavior_job(own, 60).cell
    if made == "torch":
        monkeypatch.setattr("somite.study.jobs.torch", SimpleNamespace(__version__="9.9"))
    else:
        monkeypatch.setattr("somite.study.jobs.code_fingerprint", lambda *rows: "changed")
    after = sampling_job(own, 60).cell, behavior_job(own, 60).cell
    assert all(a.key != b.key for a, b in zip(before, after, strict=True))


@pytest.mark.parametrize("setting", [{"training__learning_rate": "1e-3"}, {"model__n_heads": "3"}])
def test_another_training_or_model_trains_again(smoke_copy, setting):
    assert phases(smoke_copy, **setting) == ["training", "sampling"]


def test_the_share_of_repeats_trains_again(smoke_copy):
    """The rows of the corpus are the same then; only their mixture differs."""
    assert "training" in phases(smoke_copy, data__repeats_share="0.5")


def test_rows_of_the_validation_losses_train_again(smoke_copy):
    """The losses are recorded while training; the weights, and so the cells, stay the same."""
    watch = Listener()
    run_study(load_recipe("smoke", {"behavior.validation_rows": "17"}), smoke_copy, watch=watch)
    assert watch.phases == ["training"]


def test_other_text_is_another_corpus(smoke_copy, tmp_path):
    texts = tmp_path / "texts"
    texts.mkdir()
    for name in "abcdefgh":
        (texts / f"{name}.txt").write_text(f"{name} says something of its own. " * 90)
    mine = {"data__texts": f"{{mine = '{texts}'}}"}
    assert phases(smoke_copy, **mine) == ["corpus", "training", "sampling"]
    assert phases(smoke_copy, **mine) == ["sampling"]
    (texts / "a.txt").write_text("a says another thing now. " * 90)
    assert phases(smoke_copy, **mine) == ["corpus", "training", "sampling"]


def test_a_gpu_stacks_chains_and_the_cell_says_so(smoke_run):
    on_cpu = context_of(smoke_run)
    on_gpu = dataclasses.replace(on_cpu, device="cuda")
    found = [sampling_job(context, 60).cell.identity["stacked"] for context in (on_cpu, on_gpu)]
    assert found == [False, True]
