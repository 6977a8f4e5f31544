"""A store that is not whole is refused, with what is missing."""

import json
import shutil

import numpy as np
import pytest

import somite as so
from somite.core.errors import InputError
from somite.estimators.verdict import GOOD, GRADES
from somite.study import load_results
from somite.study.folder import read_manifest, write_whole

pytestmark = pytest.mark.xdist_group("smoke")


def test_lost_checkpoints_are_refused(smoke_copy):
    shutil.rmtree(smoke_copy / read_manifest(smoke_copy)["training"])
    with pytest.raises(InputError, match=r"run must hold its checkpoints.*Run the study again"):
        load_results(smoke_copy)


@pytest.mark.parametrize(
    "kind", ["sampling", "refined", "estimates", "behavior", "stages", "groups", "attention"]
)
def test_a_lost_cell_is_refused(smoke_copy, kind):
    path = next(iter(read_manifest(smoke_copy)["cells"][kind].values()))
    shutil.rmtree(smoke_copy / path)
    with pytest.raises(InputError, match=r"stored cell must be readable"):
        load_results(smoke_copy)


def test_a_manifest_without_a_part_is_refused(smoke_copy):
    manifest = read_manifest(smoke_copy)
    del manifest["cells"]
    write_whole(smoke_copy / "study.json", manifest)
    with pytest.raises(InputError, match=r"run must record cells"):
        load_results(smoke_copy)


def test_the_store_says_what_made_it(smoke_run):
    results = load_results(smoke_run)
    assert results.settings["name"] == "smoke"
    assert {"somite", "torch", "workers", "device", "parameters"} <= results.provenance.keys()
    assert all(isinstance(v, str | int | float) for v in results.provenance.values())
    assert json.loads(json.dumps(results.settings)) == results.settings


def test_losses_fall_over_the_run(smoke_run):
    loss = load_results(smoke_run).training.loss.sel(domain="code")
    assert float(loss[-1]) < float(loss[0])


def test_estimates_carry_their_errors(smoke_run):
    results = load_results(smoke_run)
    for table in (results.llc, results.refined):
        assert {"llc", "mcse", "r_hat", "ess", "r_hat_probe"} <= set(table.data_vars)
        assert bool((table.mcse > 0).all())
        assert bool(table.llc.notnull().all())


def test_verdicts_are_stored_beside_the_estimates(smoke_run):
    results = load_results(smoke_run)
    for table in (results.llc, results.refined):
        assert set(np.unique(table.verdict)) <= set(GRADES)
        bad = table.verdict != GOOD
        assert bool((table.reason != "").where(bad, True).all())
    step, name = int(results.llc.step[-1]), str(results.llc.component[0].item())
    row = so.llc(results.draws(step), on_failure="leave out").sel(component=name)
    stored = results.llc.sel(step=step, component=name)
    for column in ("llc", "mcse", "verdict", "reason", "center_verdict", "center_reason"):
        assert stored[column].item() == row[column].item()


def test_a_run_without_estimates_is_refused(smoke_copy):
    manifest = read_manifest(smoke_copy)
    del manifest["cells"]["estimates"]
    write_whole(smoke_copy / "study.json", manifest)
    with pytest.raises(InputError, match=r"run must hold its estimates.*Run the study again"):
        load_results(smoke_copy)
