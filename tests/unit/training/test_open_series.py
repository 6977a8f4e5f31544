import sys

import pytest
import torch
from torch import nn

import somite as so
from somite.core.errors import InputError
from somite.training import Checkpoints
from somite.training.open_series import checkpoints
from unit.training.fake_hub import weights

MODEL = nn.Linear(2, 1)


@pytest.fixture
def folder(tmp_path):
    for step in (1, 2, 4):
        torch.save(weights(step), tmp_path / f"{step}.pt")
    return tmp_path


def values(series) -> list[tuple[int, float]]:
    assert isinstance(series, Checkpoints)
    return [(step, model.weight[0, 0].item()) for step, model in series]


def test_each_kind_of_source(folder):
    table = {step: weights(step) for step in (1, 2, 4)}
    expected = [(1, 1.0), (2, 2.0), (4, 4.0)]
    for source in (folder, str(folder), table, list(table.items()), iter(table.items())):
        assert values(so.checkpoints(source, model=MODEL)) == expected
    assert values(so.checkpoints(weights, model=MODEL, steps=[4, 1, 2])) == expected


def test_some_steps(folder):
    table = {step: weights(step) for step in (1, 2, 4)}
    for source in (folder, table, list(table.items())):
        assert values(checkpoints(source, model=MODEL, steps=[4, 2])) == [(2, 2.0), (4, 4.0)]


def test_some_steps_leave_out_what_does_not_fit(folder):
    torch.save({"weight": torch.ones(7)}, folder / "8.pt")
    with pytest.raises(InputError, match="must be of the model of step 1"):
        checkpoints(folder, model=MODEL)
    assert checkpoints(folder, model=MODEL, steps=[1, 4]).steps() == [1, 4]


def test_a_record_goes_on(folder, tmp_path):
    record = tmp_path / "records" / "folder.json"
    for _ in checkpoints(folder, model=MODEL, record=record):
        break
    for step, _ in checkpoints(folder, model=MODEL, record=record):
        if step == 2:
            break
    assert checkpoints(folder, model=MODEL, record=record).remaining() == [2, 4]
    with pytest.raises(InputError, match="record must be of the series function"):
        checkpoints(weights, model=MODEL, steps=[1], record=record).remaining()


@pytest.mark.parametrize(
    ("source", "settings", "words"),
    [
        (3, {}, "source must be a series of checkpoints, got 'int'"),
        (MODEL, {}, "source must be a series of checkpoints, got 'Linear'"),
        (None, {}, "source must be a series of checkpoints, got 'NoneType'"),
        (weights, {}, "steps must be given for a function, got 'weights'"),
        (weights, {"steps": [1, 1]}, "steps must be some steps, each once"),
        ([], {"steps": [1]}, "step must be a step of the series"),
        (iter([]), {"steps": [1]}, "steps cannot be chosen from an iterator"),
        (iter([]), {"pattern": "{step}"}, "pattern is for names of files and revisions"),
        ({}, {"keep": True}, "keep is for series of the Hub, got True"),
        ({}, {"endpoint": "http://x"}, "endpoint is for series of the Hub, got 'http://x'"),
        ("./nowhere", {}, "source must be a folder that is there, got './nowhere'"),
        ("some/where/else", {}, "source must be a folder that is there"),
        ("with space", {}, "source must be a folder that is there"),
    ],
)
def test_refuses_other_sources(source, settings, words):
    with pytest.raises(InputError, match=words):
        checkpoints(source, **settings)


def test_names_the_extra_that_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    words = r"source needs the package `huggingface_hub`, got 'a/b'.*pip install \"somite\[hf\]\""
    with pytest.raises(InputError, match=words):
        checkpoints("a/b")


def test_a_file_is_no_series(folder):
    with pytest.raises(InputError, match="source must be a folder of checkpoints"):
        checkpoints(folder / "1.pt", model=MODEL)


def test_empty_mappings_have_no_steps():
    assert checkpoints({}).steps() == []
