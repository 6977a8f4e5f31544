"""Clusters of a run are those of the library, of rows drawn at random, with their controls."""

import numpy as np
import pytest
import xarray as xr

import somite as so
from somite.study import token_clusters
from somite.study.response import study_response
from somite.study.response_jobs import response_jobs
from somite.study.results import load_results
from unit.report.synthetic_response import clusters, losses
from unit.study.finished import Listener, context_of


def test_a_planted_cluster_survives_and_has_its_components():
    found = clusters()
    assert found["size"].values.tolist() == [24 * 9]
    assert bool(found.survives)
    assert (found.label.values[48:] == 0).all()
    order = found["mean"].isel(cluster=0).to_series().sort_values().index[:3]
    assert sorted(order) == ["0:3", "1:2", "1:5"]
    assert float(found.control.sel(statistic="clusters")) == 0
    assert found.similarity.sel(clustering="k_means").item() > 0.9


def test_means_are_those_of_the_vectors_and_errors_of_replicates():
    found, own = clusters(), losses(0, 30.0, 24)
    vectors = so.token_vectors(so.susceptibility(own.draws, own.loss, errors=False))
    member = found.label == 0
    np.testing.assert_allclose(found["mean"][0], vectors.where(member).mean(member.dims))
    assert (found.mean_error > 0).all()
    assert (found.mean_error < 0.2 * abs(found["mean"]).max()).all()


def test_of_many_tokens_whole_rows_are_drawn(monkeypatch):
    monkeypatch.setattr(token_clusters, "MOST", 30 * 9)
    drawn = token_clusters.chosen_rows(72, 9, 0)
    assert len(set(drawn.tolist())) == 30
    assert (np.diff(drawn) > 0).all()
    assert drawn.tolist() != token_clusters.chosen_rows(72, 9, 1).tolist()


@pytest.mark.xdist_group("smoke")
def test_a_run_has_them_at_its_last_checkpoint(smoke_copy, monkeypatch):
    monkeypatch.setattr(token_clusters, "FEWEST", 200)
    monkeypatch.setattr(token_clusters, "MOST", 5 * 31)
    context, watch = context_of(smoke_copy), Listener()
    study_response(context, [60], 1, watch)
    assert watch.phases[-1] == "clusters of tokens at step 60"
    found = load_results(smoke_copy).clusters
    assert list(found) == [60]
    assert found[60].label.shape == (5, 31)
    assert found[60].attrs["recorded"] == 8 * 31
    assert xr.DataArray(found[60].domain).isin(["code", "repeats"]).all()
    again = Listener()
    study_response(context, [60], 1, again)
    assert again.phases == []


@pytest.mark.xdist_group("smoke")
def test_few_components_or_tokens_have_none(smoke_run):
    few = context_of(smoke_run, sampling__components='"0:0, 1:1, full"')
    assert not token_clusters.can_cluster(few, response_jobs(few, 60))
    short = context_of(smoke_run)
    assert not token_clusters.can_cluster(short, response_jobs(short, 60))
    context = context_of(smoke_run, response__rows="8")
    assert token_clusters.can_cluster(context, response_jobs(context, 60))
