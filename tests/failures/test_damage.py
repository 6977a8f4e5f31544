"""Damaged parts of a store, and weights that are no numbers: one line, and a way out."""

import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

pytestmark = pytest.mark.xdist_group("smoke")


def refused(ended, *words):
    assert ended.code == 2
    assert ended.err.count("\n") == 1, ended.err
    assert all(word in ended.err for word in words), ended.err


def run(somite, folder, workers=1):
    return somite("run", "smoke", "--out", folder, "--workers", workers)


def test_nan_in_checkpoints_is_said_by_a_worker(somite, smoke_copy):
    for step in (24, 36):
        (path,) = smoke_copy.glob(f"training-*/step-{step:08d}/model.safetensors")
        weights = load_file(path)
        weights["embed"][3, 0] = torch.nan
        save_file(weights, path)
    ended = run(somite, smoke_copy, workers=2)
    refused(ended, "model must hold finite numbers only", "1 NaN or infinite entries in embed")


def test_a_damaged_checkpoint(somite, smoke_copy):
    (path,) = smoke_copy.glob("training-*/step-00000024/model.safetensors")
    path.write_bytes(path.read_bytes()[:200])
    refused(run(somite, smoke_copy), "checkpoint must be whole and readable", "train again")
    shutil.rmtree(path.parents[1])
    assert run(somite, smoke_copy).code == 0  # what the line told to do


def test_a_damaged_corpus(somite, smoke_copy):
    (path,) = smoke_copy.glob("corpus-*/tokens.safetensors")
    path.write_bytes(path.read_bytes()[:-1])
    refused(run(somite, smoke_copy), "folder must hold an undamaged corpus", "Remove the folder")
    shutil.rmtree(path.parent)
    assert run(somite, smoke_copy).code == 0


def test_a_damaged_cell_is_computed_again_once_removed(somite, smoke_copy):
    path = next(smoke_copy.glob("cells/sampling/step-00000024-*.zarr"))
    chunk = next(p for p in (path / "loss" / "c").rglob("*") if p.is_file())
    content = chunk.read_bytes()
    chunk.unlink()  # Zarr reads it as NaN
    refused(somite("report", smoke_copy), "stored cell must hold what was written", str(path))
    shutil.rmtree(path)
    assert run(somite, smoke_copy).code == 0
    assert chunk.read_bytes() == content


@pytest.mark.parametrize("name", ["run.json", "study.json"])
def test_damaged_records(somite, smoke_copy, name):
    (smoke_copy / name).write_text("{")
    command = ("run", "smoke", "--out") if name == "run.json" else ("show",)
    refused(somite(*command, smoke_copy), "run must have readable records", name)
