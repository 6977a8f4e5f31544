import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import save

from somite.core.errors import InputError
from somite.training.hub import patience
from somite.training.open_series import checkpoints
from unit.training.fake_hub import REPO, STEPS, FakeHub, linear_series, pickled, serving, weights
from unit.training.hf_tiny import saved

MODEL = torch.nn.Linear(2, 1)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setattr(patience, "FIRST_PAUSE", 0.01)
    monkeypatch.setenv("SOMITE_CACHE", str(tmp_path / "cache"))
    # A busy machine is no fault of the network.
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DOWNLOAD_TIMEOUT", 120)
    monkeypatch.setenv("HF_HUB_DOWNLOAD_TIMEOUT", "120")
    return tmp_path / "cache"


def opened(hub, **settings):
    return checkpoints(REPO, **{"model": MODEL, "endpoint": hub.endpoint, **settings})


def values(series) -> list[tuple[int, float]]:
    return [(step, model.weight[0, 0].item()) for step, model in series]


def on_disk(cache: Path, kind: str = "loop-*") -> list[str]:
    return sorted(path.name for path in cache.glob(f"hub/*/{kind}/*"))


def wait_for(condition) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


EXPECTED = [(step, float(step)) for step in STEPS]


def test_never_more_than_two_on_disk_and_one_in_ten_downloads_fails(cache):
    hub = FakeHub(linear_series(), cache, {3: "busy", 7: "cut"}.get)
    seen = []
    with serving(hub):
        for step, model in opened(hub):
            seen.append((step, model.weight[0, 0].item()))
            if step != STEPS[-1]:  # the next one is fetched while this one is used
                wait_for(lambda: len([n for n in on_disk(cache) if n.startswith("step")]) == 2)
            assert len(on_disk(cache)) <= 2
    assert seen == EXPECTED
    assert max(hub.held) == 2
    assert len(hub.weights_asked) == len(STEPS) + 2
    assert on_disk(cache) == []


def test_listing_fetches_no_weights(cache):
    with serving(FakeHub(linear_series())) as hub:
        assert opened(hub).steps() == list(STEPS)
    assert hub.weights_asked == []
    assert not cache.exists()


def test_kept_checkpoints_are_fetched_once(cache):
    with serving(FakeHub(linear_series((1, 2)))) as hub:
        for _ in range(2):
            assert values(opened(hub, keep=True)) == [(1, 1.0), (2, 2.0)]
        assert opened(hub).load(2).weight[0, 0] == 2.0
    assert hub.weights_asked == ["step1", "step2"]
    assert len(on_disk(cache, "kept")) == 2


def test_one_step_is_loaded_and_removed(cache):
    with serving(FakeHub(linear_series())) as hub:
        assert opened(hub).load(16).weight[0, 0] == 16.0
        with pytest.raises(InputError, match="step must be a step of the series, got 3"):
            opened(hub).load(3)
    assert hub.weights_asked == ["step16"]
    assert on_disk(cache) == []


def test_says_at_its_turn_what_cannot_be_fetched(cache):
    hub, seen = FakeHub(linear_series()), []
    hub.fault = lambda number: "busy" if hub.weights_asked[-1] == "step4" else None
    words = r"6 attempts failed, the last with HfHubHTTPError.*model.safetensors of .* at step4"
    with serving(hub), pytest.raises(InputError, match=words):
        seen.extend(step for step, _ in opened(hub))
    assert seen == [0, 1, 2]
    assert hub.times(4) == patience.ATTEMPTS
    assert on_disk(cache) == []


@pytest.mark.parametrize("fault", ["stall", None])
def test_a_loop_that_is_left_leaves_nothing(cache, fault):
    hub = FakeHub(linear_series(), cache, lambda number: fault if number == 1 else None)
    with serving(hub):
        for _ in opened(hub):
            if fault:
                assert hub.stalled.wait(30)
                hub.go.set()
            break
    assert on_disk(cache) == []


def test_two_loops_at_once(cache):
    with serving(FakeHub(linear_series((1, 2)))) as hub:
        series = opened(hub)
        pairs = [(a, b) for (a, _), (b, _) in zip(series, series, strict=True)]
    assert pairs == [(1, 1), (2, 2)]
    assert hub.times(1) == 2


def test_checkpoints_that_are_files_of_the_main_branch(cache):
    main = {f"checkpoints/net_{step:04d}.pth": pickled(weights(step)) for step in (5, 10)}
    with serving(FakeHub({"main": main})) as hub:
        assert values(opened(hub, pattern="checkpoints/net_{step}.pth")) == [(5, 5.0), (10, 10.0)]


def test_a_checkpoint_that_does_not_fit_is_named(cache):
    other = {"bias": torch.zeros(1), "weight": torch.zeros(2, 1)}  # of the same size
    series = linear_series((1, 2)) | {"step2": {"model.safetensors": save(other)}}
    words = r"step-00000002.*got 'shape of weight \(2, 1\) in place of \(1, 2\)'"
    with serving(FakeHub(series)) as hub, pytest.raises(InputError, match=words):
        values(opened(hub))
    assert on_disk(cache) == []


def test_language_models(cache, tmp_path):
    revisions, models = {"main": {}}, {}
    for step in (0, 1000):
        folder = tmp_path / f"step{step}"
        models[step] = saved(folder, seed=step)
        revisions[folder.name] = {path.name: path.read_bytes() for path in folder.iterdir()}
    with serving(FakeHub(revisions)) as hub:
        for step, model in opened(hub, model=None):
            for name, tensor in model.state_dict().items():
                assert torch.equal(tensor, models[step].state_dict()[name])


def test_mixed_language_models_are_told_before_any_is_fetched(tmp_path):
    revisions = {}
    for step in (0, 1, 2):
        folder = tmp_path / f"step{step}"
        saved(folder, hidden=12 if step == 2 else 8)
        revisions[folder.name] = {path.name: path.read_bytes() for path in folder.iterdir()}
    with serving(FakeHub(revisions)) as hub:
        with pytest.raises(InputError, match="'step 2: hidden_size 12 in place of 8'"):
            opened(hub, model=None)
    assert hub.weights_asked == []


PROGRAM = """
import sys, time, torch
from somite.training.open_series import checkpoints
repo, endpoint, record = sys.argv[1:4]
for step, model in checkpoints(
    repo, model=torch.nn.Linear(2, 1), endpoint=endpoint, record=record
):
    print(step, model.weight[0, 0].item(), flush=True)
    if sys.argv[4] == str(step):
        time.sleep(120)
"""


@pytest.mark.slow  # two processes that import everything
def test_survives_being_killed(cache, tmp_path):
    """Killed with one checkpoint in use and half of the next one fetched."""
    hub = FakeHub(linear_series(), cache, lambda number: "stall" if number == 3 else None)

    def program(stop: str) -> subprocess.Popen:
        words = [sys.executable, "-c", PROGRAM, REPO, hub.endpoint, str(tmp_path / "record"), stop]
        return subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env={**os.environ})

    with serving(hub):
        with program("2") as first:
            assert hub.stalled.wait(60)
            lines = [first.stdout.readline() for _ in range(3)]
            first.send_signal(signal.SIGKILL)
        hub.go.set()
        names = [name.rsplit("-", 1)[0] for name in on_disk(cache)]
        assert names == [".partial-step-00000004", "step-00000002"]
        with program("none") as second:
            lines += second.stdout.readlines()
    assert lines == [f"{s} {float(s)}\n" for s in (0, 1, 2, 2, 4, 8, 16, 32, 64)]
    # Only what was half there is fetched again; what was in use is still there.
    assert [hub.times(step) for step in STEPS] == [1, 1, 1, 2, 1, 1, 1, 1]
    assert max(hub.held) == 2
    assert on_disk(cache) == []
