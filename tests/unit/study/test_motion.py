"""Places and motion of tokens are those of the library, taken from rows spread over all domains."""

import numpy as np
import pytest
import torch
import xarray as xr

import somite as so
from somite.study import motion
from somite.study.response import study_response
from somite.study.response_jobs import response_jobs
from somite.study.results import load_results
from unit.report.synthetic_response import WORDS, losses, text
from unit.report.synthetic_response import motion as made_up
from unit.study.finished import Listener, context_of


def test_numbers_are_those_of_the_library():
    found = made_up()
    assert found.checkpoint.values.tolist() == [300, 3000]
    assert found.position.sizes == {"checkpoint": 2, "example": 12, "token": 9, "axis": 2}
    parts = [losses(2, 30.0, planted=0), losses(0, 30.0)]
    over = xr.Variable("checkpoint", [300, 3000])
    series = xr.concat([so.susceptibility(p.draws, p.loss).susceptibility for p in parts], over)
    noise = [
        so.bootstrap_susceptibility(p.draws, p.loss, replicates=motion.REPLICATES) for p in parts
    ]
    moved = so.token_motion(series, xr.concat(noise, over, combine_attrs="drop"))
    np.testing.assert_allclose(found.square[1], moved.square[0], rtol=1e-6)
    np.testing.assert_allclose(found.square_error[1], moved.square_error[0], rtol=1e-6)
    assert np.isnan(found.square[0]).all()
    repeats = slice(8, 12)  # where the known heads have learned to answer
    assert float(found.square[1, repeats].mean()) > 2 * float(found.square[1, :8].mean())


def test_of_many_tokens_rows_are_taken_evenly(monkeypatch):
    monkeypatch.setattr(motion, "MOST", 5 * 9)
    series = {1: losses(2, 30.0), 2: losses(0, 30.0)}
    ids = torch.tensor(text(4, 9).token_id.values)
    found = motion.motion_tables(series, ids, WORDS.__getitem__, 0)
    assert found.example.values.tolist() == [0, 3, 6, 8, 11]
    np.testing.assert_array_equal(found.token_id, ids.numpy()[found.example.values])


def test_pictures_are_those_of_their_seeds_turned_towards_the_first(monkeypatch):
    first = np.random.default_rng(0).normal(size=(2, 20, 3, 2))
    turn = np.array([[0.0, 1.0], [-1.0, 0.0]])
    made = {5: first, 6: first @ turn, 7: np.random.default_rng(1).normal(size=first.shape)}

    def embed_tokens(series, method, seed):
        dims = ("checkpoint", "example", "token", "axis")
        return xr.Dataset({"position": (dims, made[seed].copy())})

    monkeypatch.setattr(motion, "embed_tokens", embed_tokens)
    found = motion.pictures(xr.DataArray(), 5)
    assert found.umap_position.dims == ("picture", "checkpoint", "example", "token", "axis")
    np.testing.assert_allclose(found.umap_position[1], first, atol=1e-6)
    others = motion.shared_neighbors([made[i][-1].reshape(-1, 2) for i in (5, 7)])
    assert others < 0.5
    np.testing.assert_allclose(found.umap_shared, (1 + 2 * others) / 3)


@pytest.mark.slow  # compiles for a minute
def test_umap_is_added_where_it_is_asked_for():
    pytest.importorskip("umap", reason="the extra `umap` is not installed")
    series = {1: losses(2, 30.0), 2: losses(0, 30.0)}
    ids = torch.tensor(text(4, 9).token_id.values)
    found = motion.motion_tables(series, ids, WORDS.__getitem__, 0, umap=True)
    assert found.umap_position.shape == (3, 2, 12, 9, 2)
    assert (found.umap_position[0] != found.umap_position[1]).any()
    assert 0.3 < float(found.umap_shared) < 1


@pytest.mark.xdist_group("smoke")
def test_a_run_has_it_from_two_checkpoints_on(smoke_copy, monkeypatch):
    monkeypatch.setattr(motion, "umap_version", str)  # compiles for a minute
    context, watch = context_of(smoke_copy), Listener()
    study_response(context, [48, 60], 1, watch)
    assert watch.phases[-1] == "motion of tokens"
    found = load_results(smoke_copy).motion
    assert list(found) == [60]
    assert found[60].checkpoint.values.tolist() == [48, 60]
    assert set(found[60].domain.values) == {"code", "repeats"}
    assert len(found[60].text) == 256
    again = Listener()
    study_response(context, [60], 1, again)
    assert again.phases == []
    assert list(load_results(smoke_copy).motion) == [60]


@pytest.mark.xdist_group("smoke")
def test_two_components_have_no_plane(smoke_run):
    few = context_of(smoke_run, sampling__components='"0:0, 1:1, full"')
    assert not motion.can_move({step: response_jobs(few, step) for step in (48, 60)})
    heads = {step: response_jobs(context_of(smoke_run), step) for step in (48, 60)}
    assert motion.can_move(heads)
    assert not motion.can_move({60: heads[60]})
