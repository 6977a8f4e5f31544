"""Losses of single examples and tokens, streamed to a store: right, and whole or not at all."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr

import somite as so
from somite.core.errors import InputError
from somite.models import Transformer
from somite.sampling import recording as module
from somite.sampling.recording import block_length
from unit.models.tiny import VOCAB, tiny_rows, tiny_transformer
from unit.sampling.bowl import level, sample_bowl
from unit.sampling.runs import sample_tiny, sample_wells

PROBES = {"reference": tiny_rows(5, seed=5), "code": tiny_rows(3, seed=4)[:, :5]}
BOTH = {"reference": "example", "code": "token"}


def record_tiny(path: Path, probes: dict[str, str] = BOTH, **changes: object) -> xr.Dataset:
    keys = ("keep", "precision")
    how = {name: changes.pop(name) for name in keys if name in changes}
    settings = {"draws": 9, "probe_every": 1, "probes": PROBES, "pointwise": True, **changes}
    return sample_tiny(record=so.Record(path, probes, **how), **settings)


def test_what_is_stored_are_the_losses_of_every_draw(tmp_path):
    draws = record_tiny(tmp_path / "store")
    examples, tokens = (so.recorded(tmp_path / "store", name).loss for name in BOTH)
    assert examples.dims == ("component", "chain", "probe_draw", "example")
    assert tokens.dims == (*examples.dims, "token")
    assert tokens.shape == (6, 2, 9, 3, 4)
    np.testing.assert_allclose(examples, draws.example_loss, rtol=1e-5, atol=1e-8)
    means = draws.probe_loss.sel(probe="code")
    np.testing.assert_allclose(tokens.mean(("example", "token")), means, rtol=1e-4, atol=1e-7)
    assert examples.component.values.tolist() == draws.component.values.tolist()


def test_recording_leaves_the_chains_alone(tmp_path):
    draws = record_tiny(tmp_path / "store")
    plain = sample_tiny(draws=9, probe_every=1, probes=PROBES, pointwise=True)
    xr.testing.assert_identical(draws, plain)
    xr.testing.assert_equal(so.recorded_draws(tmp_path / "store"), draws)


def test_half_precision_keeps_eleven_bits_of_a_difference(tmp_path):
    for precision in ("float16", "float32"):
        record_tiny(tmp_path / precision, precision=precision)
    half, full = (so.recorded(tmp_path / p, "code").loss for p in ("float16", "float32"))
    assert half.dtype == np.float16
    np.testing.assert_allclose(half.astype(float), full, rtol=2**-11, atol=2**-25)


@pytest.mark.parametrize("gathered", [1, 4, 100])
def test_how_many_draws_are_gathered_changes_nothing(tmp_path, monkeypatch, gathered):
    record_tiny(tmp_path / "before")
    monkeypatch.setattr(module, "DRAWS", gathered)
    monkeypatch.setattr(module, "ITEMS", 5)
    record_tiny(tmp_path / "after")
    for name in BOTH:
        before, after = (so.recorded(tmp_path / p, name).load() for p in ("before", "after"))
        xr.testing.assert_identical(before, after)


def test_a_probe_in_pieces_has_the_same_losses(tmp_path, monkeypatch):
    whole = record_tiny(tmp_path / "whole")
    monkeypatch.setattr("somite.sampling.probing.PIECE", 2)
    pieces = record_tiny(tmp_path / "pieces")
    np.testing.assert_allclose(pieces.example_loss, whole.example_loss, rtol=1e-9, atol=1e-12)


def test_no_more_draws_are_in_memory_than_are_gathered(tmp_path, monkeypatch):
    seen = []

    def watched(self, place, *rest, before=module.Recorder.add):
        before(self, place, *rest)
        seen.append(max((len(kept) for _, kept in self._waiting.values()), default=0))
        assert {chain for (_, chain), _ in self._waiting} <= {place[1]}

    monkeypatch.setattr(module.Recorder, "add", watched)
    monkeypatch.setattr(module, "DRAWS", 4)
    record_tiny(tmp_path / "store")
    assert max(seen) == 3


def test_an_automatic_number_of_draws_is_cut_to_those_made(tmp_path):
    store, plan = tmp_path / "store", {"draws": "auto", "most_draws": 70, "error": 1e-9}
    draws = record_tiny(store, probes={"code": "token"}, components="0:0", probe_every=2, **plan)
    found = so.recorded(store, "code").loss
    assert found.sizes["probe_draw"] == draws.sizes["probe_draw"] == 35
    assert found.notnull().all()


def test_block_means_are_those_of_the_draws(tmp_path):
    draws = record_tiny(tmp_path / "draws")
    record_tiny(tmp_path / "means", keep="covariances")
    losses = so.recorded(tmp_path / "draws", "code").loss.astype(float).values
    means = so.recorded(tmp_path / "means", "code")
    length = block_length(9)
    assert means.attrs["length"] == length == 3
    reference = draws.probe_loss.sel(probe="reference").values[..., None, None]
    expected = {"mean": losses, "square": losses**2, "product": losses * reference}
    for name, values in expected.items():
        blocks = values.reshape(6, 2, 3, 3, 3, 4).mean(3)
        np.testing.assert_allclose(means[name], blocks, rtol=1e-4, atol=1e-9)


def test_the_last_block_may_be_shorter(tmp_path):
    draws = record_tiny(tmp_path / "means", keep="covariances", draws=11)
    mean = so.recorded(tmp_path / "means", "reference")["mean"]
    assert mean.sizes["block"] == 3
    whole = (mean.values * np.array([4, 4, 3])[:, None]).sum(2) / 11
    np.testing.assert_allclose(whole, draws.example_loss.mean("probe_draw"), rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("keep", ["draws", "covariances"])
def test_what_a_failed_chain_did_not_reach_is_missing(tmp_path, keep):
    data = {"reference": torch.zeros(2)}
    record = so.Record(tmp_path / "store", {"reference": "example"}, keep)
    draws = sample_wells(probes=data, probe_every=1, record=record)
    failed = (draws.failed_at >= 0).sel(component="steep").values
    assert 0 < failed.sum() < 8
    first = next(iter(so.recorded(tmp_path / "store", "reference").values()))
    there = first.isel(example=0).notnull().all(first.dims[2]).sel(component="steep")
    assert (there.values[~failed]).all()
    assert not (there.values[failed]).all()


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, OSError])
def test_an_interrupted_run_leaves_nothing(tmp_path, interruption):
    def stop(done, total):
        if done > 30:
            raise interruption

    with pytest.raises(interruption):
        record_tiny(tmp_path / "store", progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_what_was_not_recorded_cannot_be_read(tmp_path):
    record_tiny(tmp_path / "store")
    with pytest.raises(InputError, match=r"probe must have been recorded, got 'cod'.*'code'"):
        so.recorded(tmp_path / "store", "cod")
    for read in (lambda: so.recorded(tmp_path, "code"), lambda: so.recorded_draws(tmp_path)):
        with pytest.raises(InputError, match=r"path must be a store of recorded losses, got .*"):
            read()


def test_bad_records_are_refused(tmp_path):
    (tmp_path / "there").mkdir()
    with pytest.raises(InputError, match=r"path of the record must not be there yet, got .*there"):
        so.Record(tmp_path / "there", BOTH)
    new = tmp_path / "new"
    with pytest.raises(InputError, match="record of probe code must be a known name, got 'tokens'"):
        so.Record(new, {"code": "tokens"})
    with pytest.raises(InputError, match="keep must be a known name"):
        so.Record(new, BOTH, keep="all")
    with pytest.raises(InputError, match="precision must be a known name"):
        so.Record(new, BOTH, precision="float8")
    with pytest.raises(InputError, match="record must be the name of a probe, got 'cod'"):
        record_tiny(new, probes={"cod": "token"})
    with pytest.raises(InputError, match="keep needs the probe named reference, got \\['code'\\]"):
        sample_tiny(probes={"code": PROBES["code"]},
                    record=so.Record(new, {"code": "token"}, "covariances"))  # fmt: skip
    with pytest.raises(InputError, match="stacked must be False with record, got True"):
        record_tiny(new, stacked=True)
    assert not new.exists()


def test_a_loss_without_tokens_has_none_to_record(tmp_path):
    record = so.Record(tmp_path / "store", {"reference": "token"})
    words = "loss of probe reference must give a loss for every token, got 'shape \\(6,\\)'"
    with pytest.raises(InputError, match=words):
        sample_bowl(probes={"reference": level()}, record=record)
    assert list(tmp_path.iterdir()) == []


def test_a_probe_of_another_vocabulary_is_refused():
    words = "probe code must hold tokens from 0 to"
    with pytest.raises(InputError, match=words):
        sample_tiny(probes={"code": tiny_rows() + VOCAB})


def test_a_probe_that_is_too_long_is_refused():
    model = tiny_transformer()
    assert isinstance(model, Transformer)
    long = torch.zeros(2, math.ceil(1.5 * tiny_rows().shape[1]), dtype=torch.int64)
    with pytest.raises(InputError):
        sample_tiny(probes={"code": long})
