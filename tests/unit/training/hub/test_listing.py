import json

import pytest

from somite.core.errors import InputError
from somite.training.hub import listing, patience
from somite.training.hub.listing import list_remotes
from unit.training.fake_hub import REPO, STEPS, FakeHub, linear_series, serving


@pytest.fixture(autouse=True)
def no_pause(monkeypatch):
    monkeypatch.setattr(patience, "FIRST_PAUSE", 0.0)


def listed(revisions, pattern=None, steps=None):
    with serving(FakeHub(revisions)) as hub:
        remotes = list_remotes(REPO, pattern, steps, hub.endpoint)
        assert hub.weights_asked == []
        return remotes, hub


def config(**content) -> bytes:
    return json.dumps(content).encode()


def test_lists_revisions_with_steps():
    remotes, hub = listed(linear_series())
    assert list(remotes) == list(STEPS)
    assert remotes[8].commit == hub.commit("step8")
    assert list(remotes[8].files) == ["model.safetensors"]
    assert remotes[8].size == len(hub.revisions["step8"]["model.safetensors"])


def test_some_steps_ask_for_no_others():
    remotes, hub = listed(linear_series(), steps=[8, 0])
    assert list(remotes) == [0, 8]
    assert len([path for _, path in hub.asked if "/tree/" in path]) == 2


def test_takes_of_a_revision_what_loading_needs():
    files = {
        "config.json": config(a=1),
        "model.safetensors": b"1234",
        "pytorch_model.bin": b"12345",
        "tokenizer.json": b"{}",
        "README.md": b"",
        "onnx/model.safetensors": b"12",
    }
    remotes, _ = listed({"main": files, "step1": files, "step2": files})
    assert set(remotes[1].files) == {"config.json", "model.safetensors"}
    assert remotes[1].config == remotes[2].config


def test_files_and_folders_of_the_main_branch():
    main = {
        "checkpoints/model_000010.pth": b"1",
        "checkpoints/model_000020.pth": b"2",
        "steps/checkpoint-5/config.json": config(a=1),
        "steps/checkpoint-5/model.safetensors": b"3",
        "steps/checkpoint-5/optimizer.pt": b"4",
    }
    files, _ = listed({"main": main}, pattern="checkpoints/model_{step}.pth")
    assert {step: remote.inside for step, remote in files.items()} == {
        10: "checkpoints/model_000010.pth",
        20: "checkpoints/model_000020.pth",
    }
    folders, _ = listed({"main": main}, pattern="steps/checkpoint-{step}")
    assert list(folders) == [5]
    assert set(folders[5].files) == {f"{folders[5].inside}/{n}" for n in BOTH}


BOTH = ("config.json", "model.safetensors")


@pytest.mark.parametrize(
    ("revisions", "settings", "words"),
    [
        ({"main": {}}, {}, "names must carry step numbers, got 'main'"),
        ({"main": {}}, {"pattern": "step{step}"}, r"names must fit the pattern 'step\{step\}'"),
        ({"step1": {}, "step01": {}}, {"pattern": "step{step}"}, "must not carry a step twice"),
        ({"main": {}}, {"pattern": "step"}, r"pattern must hold \{step\} once"),
        (linear_series(), {"steps": [3]}, "step must be a step of the series, got 3"),
        (
            {"step1": {"README.md": b""}, "step2": {}},
            {},
            "checkpoint must hold weights, got 'step1'",
        ),
    ],
)
def test_says_what_is_no_series(revisions, settings, words):
    with pytest.raises(InputError, match=words):
        listed(revisions, **settings)


def test_an_unknown_repository():
    with serving(FakeHub({})) as hub:
        with pytest.raises(
            InputError, match="must be a folder here or a model of the Hub, got 'a/b of the Hub"
        ):
            list_remotes("a/b", None, None, hub.endpoint)


def test_a_network_that_is_not_there():
    words = rf"{listing.ATTEMPTS} attempts failed.*Check the connection \(offline\?\)"
    with pytest.raises(InputError, match=words):
        list_remotes("a/b", None, None, "http://127.0.0.1:9")


def test_offline_by_choice(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(
        InputError, match="source cannot be asked for while offline, got 'a/b of the Hub"
    ):
        list_remotes("a/b", None, None, None)
