import json

import pytest
import torch

from somite.core.errors import InputError
from somite.core.fingerprint import fingerprint
from somite.training import CheckpointSeries
from somite.training.checkpoints import write_weights
from unit.training import tiny


def optimizer_files(folder):
    return [path.parent.name for path in folder.glob("*/optimizer.safetensors")]


def test_an_empty_series_has_nothing(tmp_path):
    series = CheckpointSeries(tmp_path / "none")
    assert series.steps() == []
    assert series.history() == []


def test_optimizer_state_is_kept_at_the_latest_only(tmp_path):
    tiny.run(tmp_path)
    assert optimizer_files(tmp_path) == ["step-00000010"]


def test_nothing_half_written_is_left_or_seen(tmp_path):
    partial = tmp_path / ".partial-3"
    partial.mkdir()
    (partial / "model.safetensors").write_bytes(b"half")
    series, _ = tiny.run(tmp_path)
    assert series.steps() == tiny.KEEP
    assert not list(tmp_path.glob(".partial-*"))


def test_restores_model_and_optimizer_to_the_bit(tmp_path):
    model = tiny.new_model()
    optimizer = torch.optim.AdamW(model.parameters())
    model(tiny.ROWS).logsumexp(-1).mean().backward()
    optimizer.step()
    series = CheckpointSeries(tmp_path)
    series.save(1, model, optimizer, [])
    other = tiny.new_model()
    again = torch.optim.AdamW(other.parameters())
    assert series.restore(other, again) == 1
    assert fingerprint(other.state_dict()) == fingerprint(model.state_dict())
    assert fingerprint(again.state_dict()["state"]) == fingerprint(optimizer.state_dict()["state"])


def test_history_keeps_floats_exactly(tmp_path):
    model = tiny.new_model()
    history = [{"step": 0, "train_loss": None, "loss": {"a": 0.1 + 0.2}}]
    series = CheckpointSeries(tmp_path)
    series.save(0, model, torch.optim.AdamW(model.parameters()), history)
    assert series.history() == history


def test_refuses_a_step_that_is_not_there(tmp_path):
    series, _ = tiny.run(tmp_path)
    with pytest.raises(InputError, match=r"step must be a step of the series, got 4\. There are"):
        series.weights(4)


@pytest.mark.parametrize("name", ["model.safetensors", "optimizer.safetensors", "history.json"])
@pytest.mark.parametrize("damage", ["cut", "gone"])
def test_a_damaged_checkpoint_is_refused_and_named(tmp_path, name, damage):
    tiny.run(tmp_path)
    path = tmp_path / "step-00000010" / name
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-9])
    else:
        path.unlink()
    with pytest.raises(InputError, match=r"checkpoint must be whole and readable.*Remove the"):
        tiny.run(tmp_path)


def test_history_is_json_that_people_can_read(tmp_path):
    series, history = tiny.run(tmp_path)
    assert json.loads((series.path(10) / "history.json").read_text()) == history


def test_tied_weights_are_written_under_both_names(tmp_path):
    model = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.Linear(3, 3))
    model[1].weight = model[0].weight
    series = CheckpointSeries(tmp_path)
    with series.written(7) as folder:
        write_weights(model, folder)
    assert series.steps() == [7]
    again = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.Linear(3, 3))
    again.load_state_dict(series.weights(7))
    assert torch.equal(again[1].weight, model[0].weight)


def test_a_step_can_be_written_again(tmp_path):
    series = CheckpointSeries(tmp_path)
    for scale in (1.0, 2.0):
        model = torch.nn.Linear(1, 1)
        model.weight.data.fill_(scale)
        with series.written(3) as folder:
            write_weights(model, folder)
    assert series.weights(3)["weight"].item() == 2.0
    assert [path.name for path in tmp_path.iterdir()] == ["step-00000003"]
