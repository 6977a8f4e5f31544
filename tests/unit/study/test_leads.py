"""What forms first: curves of modules against what a run has learned."""

import numpy as np
import pytest
import xarray as xr

from somite.modularity import track_modules
from somite.study.leads import (
    FLAT,
    forming_curves,
    leads,
    module_contrast,
    references,
    telling_pair,
)
from somite.study.through_time import with_core

NAMES = ["0:0", "0:1", "1:0", "1:1"]
STEPS = np.array([0, 1, 3, 7, 15, 31, 63, 127, 255, 511])
COUNT = 50


def rise(center, size=1.0):
    return size / (1 + np.exp(-(np.log1p(STEPS) - center) / 0.3))


def behavior(induction=4.5):
    scores = np.zeros((2, len(STEPS), len(NAMES)))
    scores[0, :, 0], scores[1, :, 3] = rise(2.0), rise(induction)
    columns = {
        n: (("step", "component"), s)
        for n, s in zip(("previous_token", "induction"), scores, strict=True)
    }
    columns["in_context_score"] = ("step", -rise(induction))
    return xr.Dataset(columns, {"step": STEPS, "component": NAMES})


def training(center=3.0):
    loss = np.stack([5 - rise(center), 4 - rise(center)], 1)
    return xr.Dataset({"loss": (("step", "domain"), loss)}, {"step": STEPS, "domain": ["a", "b"]})


def modules(center=3.0, noise=0.02):
    """0:0 and 1:1 begin to interact when log(step + 1) is at the center."""
    random, found = np.random.default_rng(0), {}
    for step, size in zip(STEPS.tolist(), rise(center), strict=True):
        matrix = np.zeros((len(NAMES), len(NAMES)))
        matrix[0, 3] = matrix[3, 0] = size
        again = matrix + noise * random.normal(size=(COUNT, *matrix.shape))
        pair = ("component", "other")
        found[step] = xr.Dataset(
            {
                "interaction": (pair, matrix),
                "replicate_interaction": (("replicate", *pair), again),
                "modularity": 0.2 + 0.3 * size,
                "null_mean": 0.2,
                "replicate_modularity": (
                    "replicate", 0.2 + 0.3 * size + noise * random.normal(size=COUNT)
                ),
            },
            {"component": NAMES, "other": NAMES},
        )  # fmt: skip
    return found


def tracked(rows=None):
    labels = np.tile([0, 1, 2, 0], (len(STEPS), 1)) if rows is None else rows
    coords = {"step": STEPS, "component": NAMES}
    return with_core(track_modules(xr.DataArray(labels, coords, ("step", "component"))))


def row(table, forms, against):
    chosen = (table.forms == forms) & (table.against == against)
    return table.sel(row=chosen.values).squeeze("row")


def test_what_forms_first_has_a_positive_lag():
    table = leads(modules(3.0), tracked(), training(3.0), behavior(4.5))
    assert set(table.forms.values) == {"modularity above chance", "module 1", "I of 0:0 × 1:1"}
    for forms in set(table.forms.values):
        later = row(table, forms, "induction score of 1:1")
        assert later.lag.item() == pytest.approx(1.5, abs=0.2)
        assert later.low > 1
        assert later.p_value.item() == pytest.approx(2 / (COUNT + 1))
        assert row(table, forms, "previous-token score of 0:0").lag.item() == pytest.approx(
            -1, abs=0.2
        )
        assert abs(row(table, forms, "loss").lag.item()) < 0.2
    assert (table.q_value >= table.p_value).all()


def test_noise_of_the_interactions_widens_the_interval():
    sure, unsure = (leads(modules(noise=n), tracked(), training(), behavior()) for n in (0.02, 0.3))
    name = ("I of 0:0 × 1:1", "loss")
    assert row(unsure, *name).sd > 3 * row(sure, *name).sd


def test_a_curve_that_does_not_change_is_said():
    flat = behavior()
    flat["in_context_score"] = 0 * flat.in_context_score
    table = leads(modules(), tracked(), training(), flat)
    said = row(table, "module 1", "in-context score")
    assert said.remark.item() == FLAT
    assert np.isnan(said.lag)
    assert np.isnan(said.q_value)


def test_curves_are_cut_to_the_checkpoints_of_the_modules():
    found = references(training(), behavior(), ("0:0", "1:1"), [3, 15, 127])
    assert all(curve.step.values.tolist() == [3, 7, 15, 31, 63, 127] for curve in found.values())


def test_heads_that_are_not_measured_have_no_pair():
    curves = forming_curves(modules(), tracked(), ("0:0", "7:7"))
    assert list(curves) == ["modularity above chance", "module 1"]
    assert list(forming_curves(modules(), tracked(), ("0:0", "0:0"))) == list(curves)


def test_the_highest_heads_at_the_end_are_the_telling_ones():
    assert telling_pair(behavior()) == ("0:0", "1:1")


def test_a_module_of_everything_has_no_outside():
    matrix = np.ones((1, 1, 3, 3))
    assert module_contrast(matrix, np.ones(3, dtype=bool)).item() == 1.0


def test_at_most_three_modules_are_timed():
    rows = np.repeat([[0, 0, 1, 1], [1, 0, 1, 0]], 5, axis=0)
    assert tracked(rows).sizes["identity"] >= 2
    names = forming_curves(modules(), tracked(rows), ())
    assert len([name for name in names if name.startswith("module ")]) <= 3
