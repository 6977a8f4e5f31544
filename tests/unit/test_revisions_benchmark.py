"""The series of the fake Hub: all weights come through faults and a kill, two at most on disk."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
pytest.importorskip("transformers", reason="the extra `hf` is not installed")

import revisions


@pytest.mark.slow  # two processes that import everything
def test_it_runs_in_tiny_mode(tmp_path):
    found = revisions.measure(revisions.TINY, 6, tmp_path)
    assert found["same weights"]
    assert found["done again"] == 1  # what was in use when the process was killed
    assert found["failed"] == 1
    assert found["most on disk"] == 2
    assert found["left on disk"] == 0
