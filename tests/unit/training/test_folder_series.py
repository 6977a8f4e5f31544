import json

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from somite.core.errors import InputError
from somite.training.folder_series import FolderCheckpoints, places_in
from unit.training.fake_hub import weights
from unit.training.hf_tiny import saved, tiny_pythia

MODEL = nn.Linear(2, 1)


def series(folder, model=MODEL, pattern=None) -> FolderCheckpoints:
    found = FolderCheckpoints(places_in(folder, pattern), model)
    found.check()
    return found


def values(checkpoints) -> list[tuple[int, float]]:
    return [(step, model.weight[0, 0].item()) for step, model in checkpoints]


@pytest.mark.parametrize("name", ["model_{}.pt", "step-{:04d}.safetensors", "{}.pth", "s{}.bin"])
def test_files_of_weights(tmp_path, name):
    for step in (16, 2, 128):
        path = tmp_path / name.format(step)
        save_file(weights(step), path) if "safe" in name else torch.save(weights(step), path)
    (tmp_path / "log-7.txt").touch()
    (tmp_path / ".partial-9.pt").touch()
    found = series(tmp_path)
    assert found.steps() == [2, 16, 128]
    assert values(found) == [(2, 2.0), (16, 16.0), (128, 128.0)]


def test_lightning_checkpoints(tmp_path):
    for epoch, step in enumerate((10, 20)):
        content = {
            "epoch": epoch,
            "global_step": step,
            "pytorch-lightning_version": "2.6.6",
            "state_dict": {f"network.{name}": t for name, t in weights(step).items()},
            "loops": {"fit_loop": {"state_dict": {}}},
            "callbacks": {"ModelCheckpoint": {"best_k_models": {}, "kth_value": torch.ones(())}},
            "optimizer_states": [{"state": {0: {"exp_avg": torch.zeros(1, 2)}}}],
            "lr_schedulers": [],
        }
        torch.save(content, tmp_path / f"epoch={epoch}-step={step}.ckpt")
    torch.save(content, tmp_path / "last.ckpt")
    assert values(series(tmp_path)) == [(10, 10.0), (20, 20.0)]


def test_trainer_folders_of_a_language_model(tmp_path):
    models = {}
    for step in (500, 1000):
        folder = tmp_path / f"checkpoint-{step}"
        models[step] = saved(folder, seed=step)
        torch.save({"state": {}}, folder / "optimizer.pt")
        torch.save({"seed": 1}, folder / "training_args.bin")
        (folder / "trainer_state.json").write_text(json.dumps({"global_step": step}))
    (tmp_path / "runs").mkdir()
    (tmp_path / "logs-3").mkdir()
    for template in (None, tiny_pythia(seed=1)):
        found = series(tmp_path, template)
        assert found.steps() == [500, 1000]
        for step, model in found:
            for name, tensor in model.state_dict().items():
                assert torch.equal(tensor, models[step].state_dict()[name])


def test_a_pattern_reaches_into_folders(tmp_path):
    for step in (1, 2):
        (tmp_path / f"step{step}" / "weights").mkdir(parents=True)
        torch.save(weights(step), tmp_path / f"step{step}" / "weights" / "net.pt")
    found = series(tmp_path, pattern="step{step}/weights/net.pt")
    assert values(found) == [(1, 1.0), (2, 2.0)]


def test_each_model_is_its_own(tmp_path):
    torch.save(weights(1), tmp_path / "1.pt")
    found = series(tmp_path)
    assert found.load(1).weight is not found.load(1).weight
    assert MODEL.weight[0, 0] != 1.0


def test_mixed_models_are_told_before_any_is_loaded(tmp_path):
    for step in (1, 2, 3):
        torch.save(
            weights(step) if step < 3 else {"weight": torch.ones(5)}, tmp_path / f"{step}.pt"
        )
    words = r"must be of the model of step 1, got 'step 3: missing bias; shape of weight \(5,\)"
    with pytest.raises(InputError, match=words):
        series(tmp_path)


def test_mixed_configurations_are_told(tmp_path):
    saved(tmp_path / "checkpoint-1")
    saved(tmp_path / "checkpoint-2", hidden=12)
    words = "config.json of step 1, got 'step 2: hidden_size 12 in place of 8'"
    with pytest.raises(InputError, match=words):
        series(tmp_path, None)


def test_a_model_that_does_not_fit_is_told(tmp_path):
    torch.save(weights(1), tmp_path / "1.pt")
    words = r"weights of the model \(.*1.pt\), got 'shape of weight \(1, 2\) in place of \(1, 3\)'"
    with pytest.raises(InputError, match=words):
        series(tmp_path, nn.Linear(3, 1))


def test_weights_alone_need_a_model(tmp_path):
    torch.save(weights(1), tmp_path / "1.pt")
    with pytest.raises(InputError, match=r"model must be given where there is no config\.json"):
        series(tmp_path, None)


def test_a_damaged_file_is_told_before_any_is_loaded(tmp_path):
    for step in (1, 2):
        torch.save(weights(step), tmp_path / f"{step}.pt")
    (tmp_path / "2.pt").write_bytes(b"half")
    with pytest.raises(InputError, match=r"checkpoint must be readable, got '.*2.pt"):
        series(tmp_path)


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ([], "source must hold checkpoints"),
        (["notes-1.txt"], "source must hold checkpoints"),
        (["best.pt", "last.pt"], "names must carry step numbers, got 'best.pt, last.pt'"),
        (["1.pt", "01.pt"], "names must not carry a step twice"),
    ],
)
def test_folders_without_a_series(tmp_path, names, words):
    for name in names:
        torch.save(weights(1), tmp_path / name)
    with pytest.raises(InputError, match=words):
        series(tmp_path)


def test_steps_that_are_not_there(tmp_path):
    torch.save(weights(1), tmp_path / "1.pt")
    with pytest.raises(InputError, match="step must be a step of the series, got 2"):
        series(tmp_path).load(2)
