"""The test of known heads finds what is there, and names heads by their scores."""

import json
import shutil
import sys
from pathlib import Path

import pytest
import xarray as xr

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import known_heads

from somite.study.jobs import behavior_job

pytestmark = pytest.mark.xdist_group("smoke")


def test_it_runs_in_tiny_mode_on_a_run_that_is_there(smoke_run, tmp_path, monkeypatch, capsys):
    shutil.copytree(smoke_run, tmp_path / "work" / "smoke")
    scores = {"previous_token": [0.9, 0.1, 0.2, 0.0], "induction": [0.0, 0.1, 0.9, 0.1]}
    names = ["0:0", "0:1", "1:0", "1:1"]
    behavior = xr.Dataset({n: ("component", v) for n, v in scores.items()},
                          {"component": names})  # fmt: skip
    monkeypatch.setattr(known_heads, "scores", lambda context, step: behavior)
    options = ["--tiny", "--seeds", "0", "--work", str(tmp_path / "work"), "--out", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", ["known_heads.py", *options])
    known_heads.main()
    (found,) = json.loads((tmp_path / "known_heads.json").read_text())["seeds"]
    assert found["heads"] == {"0:0": "previous_token", "1:0": "induction"}
    assert len(found["p_value"]) == 3
    assert 0.25 <= found["p_any"] <= 1  # four orders within layers
    assert found["control_p_any"] >= 0.25
    assert 0 <= found["token_null_share"] <= 1
    assert "losses of tokens at 1 checkpoint" in capsys.readouterr().out


def test_scores_are_stored(smoke_run, tmp_path):
    shutil.copytree(smoke_run, tmp_path / "smoke")
    context = known_heads.opened(0, tmp_path, tiny=True)
    assert "induction" in known_heads.scores(context, 60)
    assert behavior_job(context, 60).cell.exists(tmp_path / "smoke")
