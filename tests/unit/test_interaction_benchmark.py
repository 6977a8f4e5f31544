"""The benchmark of interactions runs in its tiny mode, and its arithmetic is right."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

import interaction  # noqa: E402
from couplings import compare, duplicates, gaussians, planes  # noqa: E402


def test_there_are_enough_cases_and_no_two_alike():
    names = [case.name for case in (*planes.problems(), *gaussians.problems())]
    assert len(set(names)) == len(names) >= 200


def test_it_runs_in_tiny_mode(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(interaction, "FEW", 101)
    monkeypatch.setattr(sys, "argv", ["interaction.py", "--tiny", "--out", str(tmp_path)])
    interaction.main()
    found = json.loads((tmp_path / "interaction.json").read_text())
    assert found["cases"] == 2
    assert {"llc", "share", "total_coupling", "interaction"} <= set(found["summary"])
    assert found["duplicates"][0]["d"] == 1
    assert "no coupling" in capsys.readouterr().out


def test_blocks_without_coupling_are_apart():
    matrix = gaussians.curvature((2, 3), 0.0, seed=1)
    assert torch.all(matrix[:2, 2:] == 0)
    assert torch.any(gaussians.curvature((2, 3), 0.1, seed=1)[:2, 2:] != 0)


@pytest.mark.parametrize("rank", [1, 2])
def test_duplicates_interact_by_a_quarter_for_each_direction(rank):
    coarse = {1: 101, 2: 21}[rank]
    found = float(duplicates.truth(rank, coarse).total_coupling)
    assert found == pytest.approx(rank / 4, rel=0.05)
    assert duplicates.quadratic(rank) == pytest.approx(rank / 2, rel=0.01)


def test_the_quadrature_has_no_slope_in_its_grid(monkeypatch):
    fine = float(duplicates.truth(1).total_coupling)
    monkeypatch.setattr(duplicates, "REACH", 20.0)
    assert float(duplicates.truth(1, 801).total_coupling) == pytest.approx(fine, rel=1e-5)


def test_growth_counts_rises_along_the_coupling():
    rows = [
        {"case": f"u²+v²+2c·uv, c {c}, n_beta 1, γ 1", "quantity": "interaction",
         "estimate": value, "error": 0.01}
        for c, value in ((0, 0.0), (0.5, 0.2), (1, 0.1))
    ]  # fmt: skip
    assert interaction.growing(rows) == {"steps": 2, "rise": 1, "fall_by_two_errors": 1}
    assert interaction.zero(rows) == 0.0


def test_the_summary_counts_what_is_within_two_errors():
    row = {"quantity": "llc", "relative_error": 0.1, "same_sign": None}
    found = compare.summary([{**row, "within": True}, {**row, "within": False}])
    assert found["llc"]["within"] == 0.5
    assert np.isnan(found["llc"]["signs"])
