"""Modules of a run through time: curves, phases, events, and what the store keeps."""

from functools import partial

import numpy as np
import pytest
import xarray as xr

from somite.core.errors import InputError
from somite.modularity import is_modular
from somite.study.cells import Cell
from somite.study.folder import listed_modules
from somite.study.modules import alike_cells, study_modules
from somite.study.pair_modules import modules_of, of_relation
from somite.study.results import load_results
from somite.study.through_time import FEWEST, significant, through_time
from unit.report.synthetic import MODULE_STEPS, component_names, followed, steps, training
from unit.report.synthetic import behavior as scores
from unit.study.finished import Listener, context_of

pytestmark = pytest.mark.xdist_group("smoke")

LABELS = ("label", "replicate_label")


def test_a_module_that_is_split_off_is_an_event():
    by_step, found = followed(2)
    through = found["redundant"]
    assert through.event_kind.values.tolist() == ["shrink", "split"]
    formed = min(at for at in by_step if at > 500)
    assert through.event_step.values.tolist() == [formed, formed]
    assert through.event_support.values.tolist() == [1.0, 1.0]
    assert through.sizes["step"] == MODULE_STEPS


def test_checkpoints_are_adjusted_together():
    by_step, found = followed(2)
    through = found["redundant"]
    p_values = [m.p_value.sel(relation="redundant").item() for m in by_step.values()]
    assert through.p_value.values.tolist() == p_values
    assert (through.q_value >= through.p_value).all()
    assert through.q_value.values[-1] == pytest.approx(0.005 * 2 * MODULE_STEPS / 4)
    again = by_step[3000].replicate_modularity.values[0]
    assert through.modularity_sd.values[-1] == pytest.approx(again.std(ddof=1))
    last = of_relation(by_step[3000], "redundant")
    assert through.significant.values[-1] == significant(last)
    assert significant(of_relation(by_step[3000], "cooperating")) == 1


def test_phases_are_named_by_the_loss():
    through = followed(2)[1]["redundant"]
    assert [str(name).split()[0] for name in through.phase.values][:: MODULE_STEPS - 1] == [
        "early",
        "late",
    ]
    assert through.attrs["phases_note"] == ""


def test_a_loss_that_does_not_fall_leaves_the_phases_out():
    by_step, _ = followed(2)
    rising = training(steps())
    rising["loss"] = -rising.loss
    behaved = scores(steps(), component_names(), np.random.default_rng(0))
    found = through_time(by_step, "redundant", rising, behaved)
    assert "phase" not in found
    assert "must fall over training" in found.attrs["phases_note"]


def test_components_alone_are_no_modules():
    by_step, _ = followed(2)
    lonely = {}
    for step, found in by_step.items():
        alone = xr.DataArray(np.arange(found.sizes["component"]), dims="component")
        labels = {name: xr.zeros_like(found[name]) + alone for name in LABELS}
        lonely[step] = found.assign(labels)
    behaved = scores(steps(), component_names(), np.random.default_rng(0))
    found = through_time(lonely, "redundant", training(steps()), behaved)
    assert (found.n_modules == 0).all()
    assert (found.module == -1).all()
    assert found.sizes["identity"] == 0
    assert set(found.lead_forms.values) == {"modularity above chance", "I of 0:3 × 1:5"}


def test_empty_tables_survive_the_store(tmp_path):
    through = followed(2)[1]["redundant"]
    none = through.isel(event=[], identity=[])
    cell = Cell("modules_through", "all", {})
    cell.write(tmp_path, none)
    xr.testing.assert_equal(cell.read(tmp_path).drop_attrs(), none.drop_attrs())


@pytest.fixture
def short(monkeypatch):
    """Little work for each checkpoint."""
    monkeypatch.setattr("somite.study.modules.BASELINES", ("composition",))
    monkeypatch.setattr("somite.study.modules.NULL_MODELS", 3)
    monkeypatch.setattr("somite.study.modules.cost_in_words", lambda *_: "soon")
    for name in ("modules", "pair_modules"):
        monkeypatch.setattr(f"somite.study.{name}.is_modular", partial(is_modular, repeats=19))


def test_a_run_is_followed_from_three_checkpoints_on(smoke_copy, short, monkeypatch):
    context, watch = context_of(smoke_copy, modules__draws="8"), Listener()
    known = context.series.steps()
    study_modules(context, known[-2:], 1, watch)
    assert "soon" in watch.said
    assert load_results(smoke_copy).modules["heads"].through == {}
    others = context_of(smoke_copy, modules__draws="9")
    listed = listed_modules(smoke_copy)["heads"]["cells"]
    assert sorted(alike_cells(context, listed)) == known[-2:]
    assert alike_cells(others, listed) == {}
    study_modules(context, known[-FEWEST:-2], 1, watch)
    assert watch.phases[-2:] == [
        "redundant modules through time", "cooperating modules through time",
    ]  # fmt: skip
    through = load_results(smoke_copy).modules["heads"].through["cooperating"]
    assert through.step.values.tolist() == known[-FEWEST:]
    assert np.isfinite(through.modularity).all()
    assert through.baseline.values.tolist() == ["composition"]
    watch = Listener()
    study_modules(context, known[-FEWEST:], 1, watch)
    assert watch.phases == ["interactions"]
    assert watch.said == []
    monkeypatch.setattr("somite.study.modules.alike_cells", lambda *_: {})
    study_modules(context, known[-1:], 1)
    through = load_results(smoke_copy).modules["heads"].through["redundant"]
    assert through.step.values.tolist() == known[-FEWEST:]


def test_a_checkpoint_without_interactions_is_left_out_and_said(smoke_copy, short, monkeypatch):
    context, watch = context_of(smoke_copy, modules__draws="8"), Listener()

    def failing(draws, seed):
        if draws.attrs["checkpoint"] == 48:
            raise InputError("series", "must have a chain without NaN", "none", "Sample again.")
        return modules_of(draws, seed)

    monkeypatch.setattr("somite.study.modules.modules_of", failing)
    with pytest.raises(InputError, match="series must have a chain"):
        study_modules(context, [48], 1, watch)
    study_modules(context, [48, 60], 1, watch)
    assert any(line.startswith("step 48 is left out: series must have") for line in watch.said)
    assert sorted(load_results(smoke_copy).modules["heads"].by_step) == [60]
