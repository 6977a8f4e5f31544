"""The benchmark of patterning runs in its tiny mode, goes on where it stopped, and counts right."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

import patterning  # noqa: E402
from patterns import forming  # noqa: E402
from patterns.text import CONTEXT, SHARES, VOCABULARY, text  # noqa: E402


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(forming, "POOL", 16)
    monkeypatch.setattr(forming, "EVERY", 2)
    monkeypatch.setattr(patterning, "EVERY", 2)


def test_it_runs_in_tiny_mode_and_goes_on(small, tmp_path, monkeypatch, capsys):
    places = ["--work", str(tmp_path / "work"), "--out", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", ["patterning.py", "--tiny", "--seeds", "100", *places])
    patterning.main()
    first = json.loads((tmp_path / "patterning.json").read_text())
    assert [row["arm"] for row in first["rows"]] == ["control", "accelerate", "delay", "random 0"]
    assert first["rows"][0]["measured"] == 0
    assert "held_out" in capsys.readouterr().out
    monkeypatch.setattr("somite.training.loop._update", None)  # nothing is trained again
    monkeypatch.setattr(patterning.so, "sample", None)
    patterning.main()
    again = json.loads((tmp_path / "patterning.json").read_text())
    assert again["rows"] == first["rows"]


def responses() -> xr.DataArray:
    rows = np.random.default_rng(0).normal([-3, 0, 2, 1, 0], 0.1, size=(4, 1, 5))
    coords = {"component": ["score"], "domain": list(SHARES)}
    return xr.DataArray(rows, coords, ("chain", "component", "domain"))


def test_arms_are_mixtures_of_one_size():
    arms = patterning.weights(responses(), 0, 2)
    for arm, change in arms.items():
        values = np.array(list(change.values()))
        assert values.sum() == pytest.approx(0, abs=1e-12)
        assert abs(values).sum() == pytest.approx(0 if arm == "control" else patterning.BUDGET)
        assert all(SHARES[name] + h >= -1e-12 for name, h in change.items())
    effects = {arm: patterning.predicted(responses(), h)["predicted"] for arm, h in arms.items()}
    assert effects["accelerate"] > 0 > effects["delay"]
    assert effects["accelerate"] > max(abs(effects[f"random {i}"]) for i in range(2))


def test_the_summary_counts_signs():
    rows = [
        {"arm": "control", "predicted": 0.0, "measured": 0.0},
        {"arm": "accelerate", "predicted": 1.0, "measured": 0.2},
        {"arm": "delay", "predicted": -1.0, "measured": 0.1},
        {"arm": "random 0", "predicted": 0.5, "measured": 0.15},
    ]
    found = patterning.summary(rows)
    assert found["accelerate, right sign"] == "1 of 1"
    assert found["delay, right sign"] == "0 of 1"
    assert found["rank correlation, all arms"] == pytest.approx(1)
    assert found["same sign, all arms"] == pytest.approx(2 / 3)


def test_text_is_that_of_its_domain_and_of_its_purpose():
    rows = text(0, dict.fromkeys(SHARES, 8), "training")
    assert all(own.shape == (8, CONTEXT) and own.max() < VOCABULARY for own in rows.values())
    periodic = rows["short repeats"]
    assert all(any((row[p:] == row[:-p]).all() for p in range(4, 8)) for row in periodic)
    assert not torch.equal(text(0, {"noise": 8}, "probes")["noise"], rows["noise"])


def test_untrained_heads_score_about_what_even_attention_does():
    with torch.random.fork_rng():
        torch.random.manual_seed(0)
        model = forming.Transformer(forming.SHAPE)
    scores = forming.induction_scores(model, forming.scored_rows(0))
    assert scores.shape == (forming.SHAPE.n_layers * forming.SHAPE.n_heads,)
    assert ((scores > 0.05) & (scores < 0.25)).all()
