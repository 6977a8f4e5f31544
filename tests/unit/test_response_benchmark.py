"""The benchmark of linear response runs in its tiny mode, and its truth is right."""

import json
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

import response  # noqa: E402
import response_scale  # noqa: E402
from linear_response import peer  # noqa: E402
from linear_response.gaussians import EXAMPLES, Exact, Posterior  # noqa: E402
from linear_response.peer import race  # noqa: E402

from somite.study.recorded_cells import Losses  # noqa: E402
from unit.report.synthetic_response import losses as made_up_losses  # noqa: E402


def test_it_runs_in_tiny_mode(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["response.py", "--tiny", "--out", str(tmp_path)])
    response.main()
    found = json.loads((tmp_path / "response.json").read_text())
    assert found["posteriors"] == 2
    assert set(found["summary"]) == {
        "susceptibility, restricted", "susceptibility, full", "influence", "correlation"
    }  # fmt: skip
    assert "median_error" in capsys.readouterr().out


@pytest.mark.parametrize("kind", ["restricted", "full"])
def test_the_truth_is_that_of_exact_draws(kind):
    posterior = Posterior.drawn(1, 4)
    exact, whole = (Exact.of(posterior, name) for name in ("A", "full"))
    random = np.random.default_rng(0)

    def losses(of: Exact) -> np.ndarray:
        root = np.linalg.cholesky(of.sigma)
        weights = of.mean + random.normal(size=(400_000, len(root))) @ root.T
        return (
            weights @ of.slopes.T + np.einsum("ni,kij,nj->nk", weights, of.curvatures, weights) / 2
        )

    mine, all_move = losses(exact), losses(whole)
    phi = mine.mean(1)
    for i in range(EXAMPLES):
        change = mine[:, i] - phi
        level = change if kind == "restricted" else all_move[:, i] - all_move.mean(1)
        series = -(phi * change - phi.mean() * change - level.mean() * (phi - phi.mean()))
        value = -((phi * change).mean() - phi.mean() * level.mean())
        truth, scale = exact.susceptibility(i, kind)
        error = series.std() / np.sqrt(len(series))
        error += abs(phi.mean()) * all_move.std(0)[i] / np.sqrt(len(series))
        assert abs(value - truth) < 4 * error < 0.1 * scale


def test_the_summary_counts_what_is_within_two_errors():
    row = {"quantity": "influence", "truth": 1.0, "error": 0.1, "relative_error": 0.05}
    rows = [
        {**row, "case": 0, "estimate": 1.2, "within": True},
        {**row, "case": 1, "estimate": 1.4, "within": False},
    ]
    found = response.summary(rows)["influence"]
    assert found["cases"] == 2
    assert found["within"] == 0.5
    assert found["bias"] == pytest.approx(3.0)  # 0.1 and 0.2 over the scale


def test_the_scale_runs_in_tiny_mode(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["response_scale.py", "--tiny", "--out", str(tmp_path)])
    monkeypatch.setattr(response_scale, "TINY", 252)
    response_scale.main()
    found = json.loads((tmp_path / "response_scale.json").read_text())
    assert [row["stage"] for row in found["stages"]] == [
        "record posterior", "record control", "tables", "influences"
    ]  # fmt: skip
    assert (found["tokens"], found["components"], found["draws"]) == (252, 16, 16)
    assert found["peak_mib"] < found["limit_mib"]
    assert "devinterp" in found
    assert "influences" in capsys.readouterr().out


def test_the_race_needs_devinterp(monkeypatch):
    losses = made_up_losses(0, 30.0, tokens=4)
    losses = Losses(losses.draws, losses.loss.isel(component=slice(3)))
    if find_spec("devinterp"):
        found = race(losses, 5)
        assert (found["tokens"], found["devinterp_seconds"] > 0) == (20, True)
    monkeypatch.setattr(peer, "find_spec", lambda name: None)
    assert race(losses, 5) is None
