import pytest
import torch
from safetensors.torch import save_file

from somite.core.errors import InputError
from somite.training.weight_files import read_shapes, read_weights, weight_names

WEIGHTS = {"a": torch.arange(3.0), "b": torch.ones(2, 2)}
SHAPES = {"a": (3,), "b": (2, 2)}


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["model.safetensors", "pytorch_model.bin"], ["model.safetensors"]),
        (["pytorch_model.bin", "training_args.bin"], ["pytorch_model.bin"]),
        (
            ["model-00002-of-00002.safetensors", "model-00001-of-00002.safetensors"],
            ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"],
        ),
        (["net.pth", "rng_state.pth", "scheduler.pt", "optimizer.pt", "scaler.pt"], ["net.pth"]),
        (["rng_state_0.pth", "notes.txt"], []),
    ],
)
def test_knows_weights_from_other_state(names, found):
    assert weight_names(names) == found


@pytest.mark.parametrize("wrapped", [None, "state_dict", "model_state_dict", "model"])
def test_reads_files_of_torch_save(tmp_path, wrapped):
    content = {wrapped: WEIGHTS, "epoch": 3, "lr": [0.1]} if wrapped else WEIGHTS
    torch.save(content, tmp_path / "x.pt")
    assert read_shapes(tmp_path / "x.pt") == SHAPES
    torch.testing.assert_close(read_weights(tmp_path / "x.pt"), WEIGHTS)


def test_reads_the_old_format_too(tmp_path):
    torch.save(WEIGHTS, tmp_path / "x.pt", _use_new_zipfile_serialization=False)
    torch.testing.assert_close(read_weights(tmp_path / "x.pt"), WEIGHTS)


def test_reads_shards_as_one(tmp_path):
    save_file({"a": WEIGHTS["a"]}, tmp_path / "model-00001-of-00002.safetensors")
    save_file({"b": WEIGHTS["b"]}, tmp_path / "model-00002-of-00002.safetensors")
    assert read_shapes(tmp_path) == SHAPES
    torch.testing.assert_close(read_weights(tmp_path), WEIGHTS)


def test_a_missing_shard_is_told(tmp_path):
    save_file({"a": WEIGHTS["a"]}, tmp_path / "model-00001-of-00002.safetensors")
    with pytest.raises(InputError, match="checkpoint must hold all shards of one set of weights"):
        read_shapes(tmp_path)


def test_two_checkpoints_in_one_folder_are_told(tmp_path):
    for name in ("a.pt", "b.pt"):
        torch.save(WEIGHTS, tmp_path / name)
    with pytest.raises(InputError, match=r"checkpoint must hold one, got 'a\.pt, b\.pt in"):
        read_weights(tmp_path)


def test_no_weights_are_told(tmp_path):
    (tmp_path / "notes.txt").touch()
    with pytest.raises(InputError, match="checkpoint must hold weights"):
        read_weights(tmp_path)


@pytest.mark.parametrize("name", ["x.safetensors", "x.pt"])
@pytest.mark.parametrize("damage", ["cut", "gone", "folder", "empty"])
def test_a_damaged_file_is_named(tmp_path, name, damage):
    path = tmp_path / name
    save_file(WEIGHTS, path) if name.endswith("s") else torch.save(WEIGHTS, path)
    content = path.read_bytes()
    path.unlink()
    if damage == "folder":
        path.mkdir()
    elif damage != "gone":
        path.write_bytes(content[: -40 if damage == "cut" else 0])
    words = "must hold weights" if damage == "folder" else f"must be readable, got .*{name}"
    for read in (read_shapes, read_weights):
        with pytest.raises(InputError, match=words):
            read(path)


def test_code_is_not_run(tmp_path):
    torch.save(torch.nn.Linear(1, 1), tmp_path / "x.pt")
    with pytest.raises(InputError, match="checkpoint must hold tensors only"):
        read_weights(tmp_path / "x.pt")


@pytest.mark.parametrize("content", [{}, {"a": 1}, [1, 2], {"model": {"a": "text"}}])
def test_files_without_weights_are_refused(tmp_path, content):
    torch.save(content, tmp_path / "x.pt")
    with pytest.raises(InputError, match="checkpoint must hold a dictionary of weights"):
        read_weights(tmp_path / "x.pt")
