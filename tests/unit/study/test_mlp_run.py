"""A study of a transformer with MLPs, whose components are heads and groups of neurons."""

import numpy as np
import pytest
from rich.console import Console

from somite.cli.tables import show_results
from somite.report.build import render
from somite.study import load_recipe, load_results, run_study
from somite.study.modules import study_modules
from unit.study.finished import context_in

# A whole study, training included, and all its interactions.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("smoke")]

GROUPS = ["0:neurons0", "0:neurons1", "1:neurons0", "1:neurons1"]
HEADS = ["0:0", "0:1", "1:0", "1:1"]


def test_heads_and_groups_of_neurons_go_through_a_study(tmp_path, monkeypatch):
    monkeypatch.setenv("SOMITE_CACHE", str(tmp_path / "cache"))
    which = "heads,neuron_groups:2"
    settings = {"model.d_mlp": "8", "sampling.components": which, "training.steps": "20"}
    recipe = load_recipe("smoke", settings)
    run = run_study(recipe, tmp_path / "run")
    results = load_results(run)
    assert results.llc.component.values.tolist() == HEADS + GROUPS
    assert results.behavior.component.values.tolist() == HEADS
    assert "behavior" not in results.groups.view
    study_modules(context_in(run, recipe), [20], 1)
    results = load_results(run)
    found = results.modules[which].by_step[20]
    assert found.component.values.tolist() == HEADS + GROUPS
    assert found["head"].values.tolist() == HEADS
    assert np.isfinite(found.ari).all()
    page = render(results)
    assert "When 8 attention heads and neuron groups took shape" in page
    assert "Groups of heads and neuron groups" in page
    assert "On the 4 heads alone." in page
    assert "head 0:neurons0" not in page
    with (tmp_path / "tables.txt").open("w") as file:
        show_results(results, Console(file=file, width=200))
    shown = (tmp_path / "tables.txt").read_text()
    assert "1:neurons1" in shown
