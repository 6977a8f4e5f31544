"""Modules of a run: the jobs share their noise, what is stored is used again, errors are joint."""

import json
from itertools import combinations
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr

from somite.core.errors import InputError
from somite.estimators.interaction import interaction
from somite.modularity import holm
from somite.study.cells import read_cell
from somite.study.folder import MODULES
from somite.study.jobs import interaction_jobs, sampling_job
from somite.study.modules import BASELINES, other_methods, study_modules
from somite.study.pair_modules import (
    modules_of,
    of_relation,
    pair_series,
    partitioned,
    two_sided,
)
from somite.study.preflight import check_components
from somite.study.recipe import load_recipe
from somite.study.results import load_results
from unit.estimators.recorded import normal, recorded
from unit.models.tiny import tiny_transformer
from unit.study.finished import Listener, context_of, times

pytestmark = pytest.mark.xdist_group("smoke")

NAMES = ["0:0", "0:1", "1:0", "1:1"]


def pair_draws(coupled, size=3.0):
    """Draws of four components and their pairs, in which chosen pairs have I = 3, or `size`."""
    losses = {name: 2 + 0.3 * normal(4, 60, seed=i) for i, name in enumerate(NAMES)}
    for number, (a, b) in enumerate(combinations(NAMES, 2)):
        noise = 0.01 * normal(4, 60, seed=10 + number)
        losses[f"{a}|{b}"] = losses[a] + losses[b] - 0.1 * size * ((a, b) in coupled) + noise
    stacked = np.stack(list(losses.values()))
    draws = recorded({"loss": stacked, "share": stacked}, components=len(losses), draws=60)
    sizes = [name.count("|") + 1 for name in losses]
    return draws.assign_coords(component=list(losses)).assign(size=("component", sizes))


def test_coupled_pairs_are_modules():
    found = modules_of(pair_draws({("0:0", "1:0"), ("0:1", "1:1")}), seed=0)
    assert found.label.sel(relation="redundant").values.tolist() == [0, 1, 0, 1]
    assert found.interaction.sel(component="0:0", other="1:0").item() == pytest.approx(3, abs=0.1)
    significant = (found.q_value < 1e-6).values
    assert significant.sum() == 4
    assert significant[0, 2]
    assert significant[1, 3]


def test_pairs_below_zero_are_modules_of_the_other_kind():
    pairs = {("0:0", "1:0"), ("0:1", "1:1")}
    found, turned = (modules_of(pair_draws(pairs, size), seed=0) for size in (3.0, -3.0))
    below = turned.sel(relation="cooperating")
    assert below.label.values.tolist() == [0, 1, 0, 1]
    assert below.modularity.item() == pytest.approx(
        found.modularity.sel(relation="redundant").item(), abs=0.05
    )
    np.testing.assert_array_equal(turned.p_adjusted, holm(turned.p_value))
    assert (turned.p_adjusted >= turned.p_value).all()
    one = of_relation(turned, "cooperating")
    assert one.interaction.sel(component="0:0", other="1:0").item() == pytest.approx(3, abs=0.1)
    np.testing.assert_array_equal(one.replicate_interaction, -turned.replicate_interaction)
    np.testing.assert_array_equal(of_relation(turned, "redundant").z, turned.z)


def test_the_series_of_a_pair_has_the_mean_of_its_interaction():
    draws = pair_draws({("0:0", "1:1")})
    draws["status"] = draws.status.where(draws.chain != 2, "diverged")
    table = interaction(draws, on_failure="leave out")
    series = pair_series(draws, table)
    assert np.isnan(series.isel(chain=2)).all()
    for pair in table.pair:
        mean = series.loc[pair["first"].item(), pair["second"].item()].mean().item()
        assert mean == pytest.approx(table.interaction.sel(pair=pair).item())


def test_p_values_are_two_sided():
    found = two_sided(xr.DataArray([0.0, 1.96, -1.96, np.nan]))
    assert found.values == pytest.approx([1, 0.05, 0.05, 1], abs=1e-3)


def test_where_nothing_holds_together_every_component_is_alone():
    names = {"component": NAMES, "other": NAMES}
    matrix = xr.DataArray(np.full((4, 4), -0.1), names, ("component", "other"))
    found = partitioned(matrix, matrix.expand_dims(replicate=5), seed=0)
    assert found.label.values.tolist() == [0, 1, 2, 3]
    assert found.replicate_label.values.tolist() == [[0, 1, 2, 3]] * 5
    assert (found.p_value.item(), found.n_modules.item()) == (1.0, 4)
    assert found.note.item() == "No pair has this sign: every component is alone."
    some = partitioned(-matrix, -matrix.expand_dims(replicate=5), seed=0)
    assert set(some.data_vars) == set(found.data_vars)


def test_the_null_and_the_replicates_of_the_modularity_are_kept():
    found = modules_of(pair_draws({("0:0", "1:0"), ("0:1", "1:1")}), seed=0)
    found = found.sel(relation="redundant")
    assert found.null_low <= found.null_mean <= found.null_high
    assert found.replicate_label.shape == (100, 4)
    assert (found.replicate_label == found.label).mean() > 0.9
    assert found.replicate_modularity.mean().item() == pytest.approx(
        found.modularity.item(), abs=0.05
    )
    spread = found.replicate_interaction.std("replicate").sel(component="0:0", other="1:0").item()
    assert spread == pytest.approx(found.mcse.sel(component="0:0", other="1:0").item(), rel=0.5)


def test_interactions_have_draws_of_their_own(smoke_run):
    own, other = context_of(smoke_run), context_of(smoke_run, modules__draws="9")
    first, second = (interaction_jobs(c, 60)[0] for c in (own, other))
    assert first.cell.key != second.cell.key
    assert second.cell.identity["settings"]["draws"] == 9
    assert second.cost < first.cost
    assert sampling_job(own, 60).cell.key == sampling_job(other, 60).cell.key


def test_all_pairs_of_a_run(smoke_copy):
    context, watch = context_of(smoke_copy), Listener()
    path = study_modules(context, [60], 1, watch)
    assert json.loads(path.read_text())["sets"]["heads"]["cells"].keys() == {"60"}
    assert watch.phases == ["interactions", "modules at step 60"]
    found = load_results(smoke_copy).modules["heads"].by_step[60]
    assert found.component.values.tolist() == ["0:0", "0:1", "1:0", "1:1"]
    assert found.baseline.values.tolist() == list(BASELINES)
    assert np.isfinite(found.ari).all()
    assert set(found.ari.dims) == {"relation", "baseline"}
    alone = load_results(smoke_copy).draws(60)
    jobs = interaction_jobs(context, 60)
    draws = jobs[0].cell.read(smoke_copy).sel(component=alone.component)
    np.testing.assert_allclose(draws.loss, alone.loss, rtol=1e-4, atol=1e-6)
    before = times(smoke_copy, "cells/interactions")
    study_modules(context, [60], 1)
    assert times(smoke_copy, "cells/interactions") == before
    study_modules(context, [48], 1)
    assert sorted(load_results(smoke_copy).modules["heads"].by_step) == [48, 60]


def test_a_damaged_list_of_modules_is_explained(smoke_copy):
    (smoke_copy / MODULES).write_text("{")
    with pytest.raises(InputError, match="Remove that file and give `somite modules` again"):
        load_results(smoke_copy)


def test_parts_of_the_pairs_make_the_same_numbers(smoke_copy, monkeypatch):
    context = context_of(smoke_copy)
    study_modules(context, [60], 1)
    (whole,) = (smoke_copy / "cells" / "modules").iterdir()
    first = read_cell(whole).interaction
    monkeypatch.setattr("somite.study.jobs.TOGETHER", 4)
    assert len(interaction_jobs(context, 60)) == 3
    study_modules(context, [60], 1)
    (cell,) = json.loads((smoke_copy / MODULES).read_text())["sets"]["heads"]["cells"].values()
    assert cell != str(whole.relative_to(smoke_copy))
    np.testing.assert_allclose(
        read_cell(smoke_copy / cell).interaction, first, rtol=1e-3, atol=1e-4
    )


def test_a_step_that_is_no_checkpoint(smoke_run):
    with pytest.raises(InputError, match=r"step must be a known name, got '7'\. Valid: 0, 1"):
        study_modules(context_of(smoke_run), [7])


def test_sets_of_components_stand_side_by_side(smoke_copy):
    names = "0:0, 0:1,1:0"
    heads, three = context_of(smoke_copy), context_of(smoke_copy, modules__components=names)
    study_modules(heads, [60], 1)
    before = times(smoke_copy, "cells/modules")
    before.pop("cells/modules")  # the folder gets another entry
    study_modules(three, [60], 1)
    found = load_results(smoke_copy).modules
    assert list(found) == ["heads", "0:0,0:1,1:0"]
    few = found["0:0,0:1,1:0"].by_step[60]
    assert few.component.values.tolist() == ["0:0", "0:1", "1:0"]
    whole = found["heads"].by_step[60].interaction.sel(component=few.component, other=few.other)
    np.testing.assert_allclose(few.interaction, whole, rtol=1e-3, atol=1e-4)
    assert before.items() <= times(smoke_copy, "cells/modules").items()


@pytest.mark.parametrize(
    ("which", "words"),
    [
        ("hedas", r"modules\.components must select at least one weight, got 'hedas'"),
        ("0:0,0:1", r"modules\.components must select at least 3 components, got '2 by 0:0,0:1'"),
        ("neuron_groups:2", r"modules\.components must be of a model whose MLPs are known"),
        (
            "heads,layers",
            r"modules\.components \(components 0:0 and 0\) must not share weights, got '",
        ),
        (" , ", r"modules\.components must name something, got ' , '"),
    ],
)
def test_components_that_can_make_no_modules(smoke_run, which, words):
    with pytest.raises(InputError, match=words):
        study_modules(context_of(smoke_run, modules__components=f'"{which}"'), [60])
    with pytest.raises(InputError, match=words):
        check_components(load_recipe("smoke", {"modules.components": f'"{which}"'}))
    assert not (smoke_run / MODULES).exists()


def test_too_few_heads_are_compared_with_nothing():
    found = modules_of(pair_draws({("0:0", "1:0")}), seed=0)
    named = found.assign_coords(component=["0:0", "0:1", "0:mlp", "1:mlp"])
    context = SimpleNamespace(
        model=lambda step: tiny_transformer(d_mlp=4), recipe=load_recipe("smoke")
    )
    assert not other_methods(context, 60, named)
