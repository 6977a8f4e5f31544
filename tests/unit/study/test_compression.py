"""Compressibility of a run: what is stored is used again, and the tables say what was measured."""

import json

import numpy as np
import pytest
import torch

from somite.consequences import critical_levels, quantized
from somite.core.errors import InputError
from somite.models.losses import next_token_loss
from somite.study.cells import read_cell
from somite.study.compression import (
    compression_cell,
    damage_job,
    full_job,
    study_compression,
    text,
)
from somite.study.compression_tables import FIXED, ROBUST, SPOILED
from somite.study.folder import COMPRESSION, listed_compression
from somite.study.results import load_results
from unit.study.finished import Listener, context_of, times

pytestmark = pytest.mark.xdist_group("smoke")


@pytest.fixture(scope="module")
def compressed(smoke_run, tmp_path_factory):
    """A copy of the smoke run with the compressibility of all its checkpoints."""
    import shutil

    run = tmp_path_factory.mktemp("compressed") / "run"
    shutil.copytree(smoke_run, run)
    context = context_of(run)
    study_compression(context, context.series.steps(), 0.05, every=True, workers=1)
    return run


def test_tables_hold_what_was_measured(compressed):
    context, results = context_of(compressed), load_results(compressed)
    found, step = results.compression, context.series.steps()[-1]
    assert found.attrs["tolerance"] == 0.05
    assert found.component.values.tolist() == ["full", "0:0", "0:1", "1:0", "1:1"]
    cell = damage_job(context, step).cell.read(compressed)
    own = critical_levels(cell.sel(component=["0:1"]), 0.05 / 4, step)
    at = found.sel(step=step, component="0:1")
    assert at.quantization.item() == pytest.approx(own.quantization.item())
    assert at.llc.item() == pytest.approx(results.llc.llc.sel(step=step, component="0:1").item())
    # By hand: all matrices rounded to 4 bits, at the best of the ranges.
    model, rows = context.model(step), text(context)
    with torch.no_grad():
        before = next_token_loss(model, rows).mean().item()
        for weight in model.parameters():
            units = weight if weight.ndim == 3 else [weight] if weight.ndim == 2 else []
            for unit in units:
                unit.copy_(quantized(unit, 4, 0.7 * float(unit.abs().max())))
        by_hand = next_token_loss(model, rows).mean().item() - before
    rises = cell.quantization.sel(component="full", quantization_level=4).mean("example")
    assert rises.values[3] == pytest.approx(by_hand, abs=1e-5)
    assert found.damage_quantization.sel(step=step).item() == pytest.approx(float(rises.min()))


def test_every_relation_has_numbers_or_a_reason(compressed):
    found = load_results(compressed).compression
    known = np.isfinite(found["rank"].values)
    assert known.any()
    assert ((found.remark.values == "") == known).all()
    assert (np.abs(found["rank"].values[known]) <= 1).all()
    assert (found.rank_low <= found.rank_high).values[known].all()
    robust = found.row[(found.subject == ROBUST).values]
    assert robust.size == 2 * (len(FIXED) + len(SPOILED))  # modules were not followed here
    assert "coupling" not in found.against.values


def test_what_is_there_is_used_again_and_another_tolerance_measures_nothing(compressed):
    context, watch = context_of(compressed), Listener()
    steps, before = context.series.steps(), times(compressed, "cells/damage")
    study_compression(context, steps, 0.02, True, 1, watch)
    assert watch.phases == ["compressibility"]
    assert times(compressed, "cells/damage") == before
    assert load_results(compressed).compression.attrs["tolerance"] == 0.02
    study_compression(context, steps, 0.05, True, 1, watch)
    assert watch.phases == ["compressibility"]


def test_all_weights_are_sampled_as_the_components_were(compressed):
    context = context_of(compressed)
    draws = full_job(context, context.series.steps()[-1]).cell.read(compressed)
    assert draws.component.values.tolist() == ["full"]
    assert draws.attrs["n_beta"] == context.recipe.sampling.n_beta


def test_the_tolerance_is_part_of_a_cells_identity(compressed):
    context = context_of(compressed)
    keys = {compression_cell(context, [], [], t).cell.key for t in (0.05, 0.05, 0.02)}
    assert len(keys) == 2


@pytest.mark.parametrize(
    ("steps", "tolerance", "message"),
    [([7], 0.05, "step must be a known name"), ([60], 0.0, "tolerance must be positive")],
)
def test_bad_input_is_named_before_work(smoke_copy, steps, tolerance, message):
    with pytest.raises(InputError, match=message):
        study_compression(context_of(smoke_copy), steps, tolerance, workers=1)
    assert listed_compression(smoke_copy) is None


def test_a_damaged_list_is_named(compressed, tmp_path):
    (tmp_path / COMPRESSION).write_text("{")
    with pytest.raises(InputError, match="somite compress"):
        listed_compression(tmp_path)
    held = json.loads((compressed / COMPRESSION).read_text())
    assert "row" in read_cell(compressed / held["cell"]).sizes
