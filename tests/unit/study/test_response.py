"""Responses of a run: recorded once, with a control of its own noise, found again, and resumed."""

import json
from dataclasses import replace

import numpy as np
import pytest
import zarr

from somite.core.errors import InputError
from somite.sampling.recorded import recorded, recorded_draws
from somite.study import influence, response
from somite.study.cost import seconds_per_step
from somite.study.folder import RESPONSE, listed_response
from somite.study.influence import study_influence
from somite.study.jobs import sampling_rows
from somite.study.recorded_cells import TEXT, read_losses
from somite.study.response import study_response
from somite.study.response_jobs import response_jobs, response_settings, text_domains, text_rows
from somite.study.results import load_results
from unit.study.finished import Listener, context_of, times

pytestmark = pytest.mark.xdist_group("smoke")


def test_a_run_is_recorded_once_and_found_again(smoke_copy):
    context, watch = context_of(smoke_copy), Listener()
    path = study_response(context, [60], 1, watch)
    assert watch.phases == ["losses of tokens", "responses at step 60"]
    assert watch.said[0].startswith("losses of tokens at 1 checkpoint: 448 chain steps, about")
    assert json.loads(path.read_text())["losses"]["60"].keys() == {"posterior", "control"}
    found = load_results(smoke_copy).response[60]
    assert found.component.values.tolist() == ["0:0", "0:1", "1:0", "1:1"]
    assert found.group.values.tolist() == ["code", "repeats"]
    assert (found.sizes["example"], found.sizes["token"]) == (8, 31)
    assert np.isfinite(found.token_control_q).all()
    before = times(smoke_copy, "cells/losses")
    again = Listener()
    study_response(context, [60], 1, again)
    assert (again.phases, times(smoke_copy, "cells/losses")) == ([], before)
    study_influence(context, 60, 3, 4, 1, again)  # from the same losses
    assert again.phases == ["influences at step 60"]
    results = load_results(smoke_copy)
    assert results.influence[60].sizes["query"] == 3
    assert results.influence[60].domain.values[0] == "code"
    assert list(results.response) == [60]


def test_the_control_has_other_noise_and_the_same_rows(smoke_run):
    context = context_of(smoke_run)
    own, control = (job.cell.identity for job in response_jobs(context, 60).values())
    assert (own["settings"]["n_beta"], control["settings"]["n_beta"]) == (30.0, 0.0)
    assert own["settings"]["seed"] != control["settings"]["seed"]
    differing = {key for key in own if own[key] != control[key]}
    assert differing == {"settings"}
    settings = response_settings(context)
    assert (settings["draws"], settings["probe_rows"]) == (24, 8)
    assert len(sampling_rows(context, settings, "train")) == 64


def test_what_is_recorded_is_the_text(smoke_copy):
    context = context_of(smoke_copy)
    study_response(context, [60], 1)
    job = response_jobs(context, 60)["posterior"]
    path = job.cell.path(smoke_copy)
    losses = recorded(path, TEXT).loss
    assert losses.dtype == np.float16
    assert losses.sizes["example"] == len(text_rows(context)) == len(text_domains(context))
    assert recorded_draws(path).attrs["seed"] == 0
    assert json.loads(zarr.open_group(path).attrs["identity"])["components"] == ["0:0", "0:1", *(
        "1:0", "1:1"
    )]  # fmt: skip


def test_stopped_between_both_records_it_goes_on(smoke_copy, monkeypatch):
    context = context_of(smoke_copy)
    jobs = response_jobs(context, 60)
    (smoke_copy / "cells" / "losses" / ".partial-left").mkdir(parents=True)
    jobs["posterior"].do(jobs["posterior"], context, lambda done, total: None)
    before = times(smoke_copy, f"cells/losses/{jobs['posterior'].cell.path(smoke_copy).name}")
    watch = Listener()
    study_response(context, [60], 1, watch)
    assert "224 chain steps" in watch.said[0]
    assert (
        times(smoke_copy, f"cells/losses/{jobs['posterior'].cell.path(smoke_copy).name}") == before
    )
    assert not list(smoke_copy.glob("cells/*/.partial-*"))


def test_a_trial_leaves_nothing_in_the_store(smoke_copy):
    context = context_of(smoke_copy)
    before = sorted(smoke_copy.rglob("*"))
    assert 0 <= seconds_per_step(context, [response_jobs(context, 60)["control"]]) < 1
    assert sorted(smoke_copy.rglob("*")) == before


def test_several_kinds_of_components(smoke_run):
    context = context_of(smoke_run, sampling__components='"heads, full"')
    names = response_jobs(context, 60)["posterior"].cell.identity["components"]
    assert names == ["0:0", "0:1", "1:0", "1:1", "full"]


def test_damage_is_explained(smoke_copy):
    context = context_of(smoke_copy)
    study_response(context, [60], 1)
    path = response_jobs(context, 60)["control"].cell.path(smoke_copy)
    for file in path.rglob("zarr.json"):
        if file.parent.name == TEXT:
            file.write_text("{")
    with pytest.raises(InputError, match="recorded losses must be readable"):
        read_losses(path)
    (smoke_copy / RESPONSE).write_text("{")
    with pytest.raises(InputError, match="Remove that file and give `somite respond` again"):
        listed_response(smoke_copy, "cells")


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda c: response.study_response(c, [7]), "step must be a known name, got '7'"),
        (lambda c: influence.study_influence(c, 7), "step must be a known name, got '7'"),
        (lambda c: influence.study_influence(c, 60, queries=0), "queries must be a whole number"),
        (lambda c: influence.study_influence(c, 60, count=0), "count must be a whole number"),
    ],
)
def test_what_is_wrong_is_said_before_any_work(smoke_run, call, words):
    with pytest.raises(InputError, match=words):
        call(context_of(smoke_run))
    assert not (smoke_run / RESPONSE).exists()


@pytest.mark.parametrize("name", ["rows", "reference_rows", "draws", "replicates"])
def test_settings_are_checked(smoke_run, name):
    config = context_of(smoke_run).recipe.response
    with pytest.raises(InputError, match=f"{name} must be a whole number of at least"):
        replace(config, **{name: 0})
