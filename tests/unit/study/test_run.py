"""What a changed setting recomputes, and that no cell is taken for another's."""

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from somite.core.errors import InputError
from somite.study import load_recipe, load_results, run_study
from somite.study.folder import read_manifest
from somite.study.jobs import ablation_job, behavior_job, sampling_job
from somite.study.pool import run_jobs
from unit.study.finished import Listener, context_of, times

pytestmark = pytest.mark.xdist_group("smoke")


def test_a_changed_sampler_setting_samples_again_and_trains_not(smoke_copy):
    before = times(smoke_copy, "training-*") | times(smoke_copy, "cells/*/*.zarr")
    first, watch = read_manifest(smoke_copy), Listener()
    run_study(load_recipe("smoke", {"sampling.n_beta": "60"}), smoke_copy, watch=watch)
    second = read_manifest(smoke_copy)
    assert "training" not in watch.phases
    assert "sampling" in watch.phases
    assert any("settings.n_beta: 30.0 -> 60.0" in text for text in watch.said)
    after = times(smoke_copy, "training-*") | times(smoke_copy, "cells/*/*.zarr")
    assert {path: after[path] for path in before} == before
    assert first["cells"]["behavior"] == second["cells"]["behavior"]
    assert not set(first["cells"]["sampling"].values()) & set(second["cells"]["sampling"].values())
    assert load_results(smoke_copy).llc.attrs["n_beta"] == 60.0
    again = Listener()
    run_study(load_recipe("smoke"), smoke_copy, watch=again)
    assert again.phases == []
    assert read_manifest(smoke_copy)["cells"] == first["cells"]


@pytest.mark.parametrize(
    "changed",
    [
        {"sampling__n_beta": "60"},
        {"sampling__localization": "100"},
        {"sampling__step_size": "1e-3"},
        {"sampling__seed": "1"},
        {"sampling__draws": "25"},
        {"sampling__rows": "63"},
        {"sampling__components": "blocks.0.*"},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_another_setting_data_set_or_mask_is_another_cell(smoke_run, changed):
    own, other = context_of(smoke_run), context_of(smoke_run, **changed)
    assert sampling_job(own, 60).cell.exists(smoke_run)
    assert sampling_job(own, 60).cell.key == sampling_job(own, 60).cell.key
    assert sampling_job(other, 60).cell.key != sampling_job(own, 60).cell.key
    assert not sampling_job(other, 60).cell.exists(smoke_run)


def test_another_checkpoint_or_domain_is_another_cell(smoke_run):
    own = context_of(smoke_run)
    keys = [sampling_job(own, s, d).cell.key for s in (48, 60) for d in ("train", "code")]
    assert len(set(keys)) == 4


def test_other_weights_at_the_same_step_are_another_cell(smoke_copy):
    own = context_of(smoke_copy)
    jobs = (sampling_job, behavior_job, ablation_job)
    before = [job(own, 60).cell.key for job in jobs]
    path = own.series.path(60) / "model.safetensors"
    weights = load_file(path)
    weights["unembed"] = weights["unembed"] + 1e-6
    save_file(weights, path)
    assert all(job(own, 60).cell.key != key for job, key in zip(jobs, before, strict=True))


def test_nan_weights_are_refused(smoke_copy):
    own = context_of(smoke_copy)
    path = own.series.path(60) / "model.safetensors"
    weights = load_file(path)
    weights["embed"][0, 0] = torch.nan
    save_file(weights, path)
    with pytest.raises(InputError, match=r"model must hold finite numbers only.*in embed"):
        run_jobs([sampling_job(own, 60)], own, 1, lambda done: None)


def test_two_workers_give_the_numbers_of_one_and_report_all_work(smoke_run, tmp_path):
    own, progress = context_of(smoke_run), []
    jobs = [sampling_job(own, step) for step in (48, 60)]
    elsewhere = context_of(smoke_run).__class__(
        tmp_path, own.recipe, own.corpus_folder, own.series_folder
    )
    run_jobs(jobs, elsewhere, 2, progress.append)
    assert progress[-1] == sum(job.cost for job in jobs)
    for job in jobs:
        ours, theirs = job.cell.read(tmp_path), job.cell.read(smoke_run)
        np.testing.assert_array_equal(ours.loss, theirs.loss)
        np.testing.assert_array_equal(ours.probe_loss, theirs.probe_loss)


def test_results_hold_every_checkpoint_and_head(smoke_run):
    results = load_results(smoke_run)
    assert results.llc.sizes == {"step": 8, "component": 4}
    assert list(results.training.step.values) == list(results.llc.step.values)
    assert set(results.refined.domain.values) == {"code", "repeats"}
    assert results.draws(60).sizes["draw"] == 24
    assert results.draws(60, "code").sizes["draw"] == 12
    assert "chance" in results.behavior.induction.attrs
    with pytest.raises(InputError, match=r"draws must have been sampled.*\(7, 'train'\)"):
        results.draws(7)
