"""A killed run, started again, ends with the numbers of a run that nobody disturbed."""

import runpy
import subprocess
import time
from pathlib import Path

import pytest

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "kill_resume.py"
resume = runpy.run_path(str(BENCHMARK), run_name="kill_resume")
numbers, start, orphans = resume["numbers"], resume["start"], resume["orphans"]
LONGEST = 240.0


def await_files(process: subprocess.Popen, run: Path, pattern: str, count: int) -> None:
    end = time.monotonic() + LONGEST
    while len(list(run.glob(pattern))) < count:
        assert process.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.slow
@pytest.mark.xdist_group("smoke")
def test_killed_twice_and_resumed_is_bit_identical(smoke_run, tmp_path, monkeypatch):
    monkeypatch.setenv("SOMITE_CACHE", str(tmp_path / "cache"))
    run = tmp_path / "run"
    for pattern, count in (("training-*/step-*", 3), ("cells/sampling/step-*.zarr", 3)):
        process = start(run)
        await_files(process, run, pattern, count)
        process.kill()
        process.wait()
        assert orphans(process.pid) == []
        assert not (run / "study.json").exists()
    assert start(run).wait(LONGEST) == 0
    assert numbers(run) == numbers(smoke_run)
    assert not list(run.rglob(".partial-*"))


def test_the_comparison_sees_a_difference(smoke_copy, smoke_run):
    """The wrong twin: one bit of one checkpoint."""
    path = next(smoke_copy.glob("training-*/step-00000012/model.safetensors"))
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(bytes(data))
    ours, theirs = numbers(smoke_copy), numbers(smoke_run)
    assert [name for name in theirs if ours[name] != theirs[name]] == ["weights 12"]
