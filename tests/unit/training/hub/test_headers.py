import json

import pytest
import torch
from safetensors.torch import save
from torch import nn

from somite.core.errors import InputError
from somite.training.hub import patience
from somite.training.hub.headers import check_remotes
from somite.training.hub.listing import list_remotes
from unit.training.fake_hub import REPO, FakeHub, linear_series, pickled, serving, weights
from unit.training.hf_tiny import tiny_pythia

MODEL = nn.Linear(2, 1)


@pytest.fixture(autouse=True)
def no_pause(monkeypatch):
    monkeypatch.setattr(patience, "FIRST_PAUSE", 0.0)


def checked(revisions, model=None) -> list[str]:
    """Check; returns the paths of files of which something was asked."""
    with serving(FakeHub(revisions)) as hub:
        remotes = list_remotes(REPO, None, None, hub.endpoint)
        check_remotes(REPO, remotes, model, hub.endpoint)
        assert hub.weights_asked == []
        return [path for kind, path in hub.asked if "/resolve/" in path and kind == "GET"]


def models(**hidden):
    def config(name, size):
        return json.dumps({"hidden_size": size, "dtype": name}).encode()

    return {
        name: {"config.json": config(name, size), "model.safetensors": b"1"}
        for name, size in hidden.items()
    }


@pytest.mark.parametrize("model", [None, tiny_pythia()])
def test_configurations_that_agree(model):
    asked = checked(models(step1=4, step2=4, step3=4), model)
    assert len(asked) == 3
    same = models(step1=4)["step1"]
    assert checked({"step1": same, "step2": same}, model) == []


@pytest.mark.parametrize("model", [None, tiny_pythia()])
def test_configurations_that_differ(model):
    words = "config.json of step 1, got 'step 3: hidden_size 6 in place of 4'"
    with pytest.raises(InputError, match=words):
        checked(models(step1=4, step2=4, step3=6), model)


def test_weights_without_configuration_need_a_model():
    words = "model must be given where there is no config.json, got 'someone/series at step0'"
    with pytest.raises(InputError, match=words):
        checked(linear_series())


def test_weights_of_one_size_cost_one_request():
    assert len(checked(linear_series(), MODEL)) == 1


def test_files_of_torch_save_have_no_header():
    series = {f"step{step}": {"net.pt": pickled(weights(step))} for step in (1, 2)}
    assert checked(series, nn.Linear(7, 7)) == []


def test_another_model_is_told():
    words = r"of the model \(someone/series at step0\), got 'shape of weight \(1, 2\) in place of"
    with pytest.raises(InputError, match=words):
        checked(linear_series(), nn.Linear(3, 1))


def test_mixed_shapes_are_told():
    series = linear_series((1, 2, 4))
    series["step4"] = {"model.safetensors": save({"weight": torch.zeros(1, 2)})}
    words = "must be of the model of step 1, got 'step 4: missing bias'"
    with pytest.raises(InputError, match=words):
        checked(series, MODEL)


def test_a_file_of_another_kind_is_told():
    with pytest.raises(
        InputError, match=r"checkpoint must be readable, got 'model\.safetensors of"
    ):
        checked({"step1": {"model.safetensors": b"nonsense" * 9}}, MODEL)
