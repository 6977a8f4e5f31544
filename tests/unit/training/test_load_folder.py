import json
import shutil
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import GPTNeoXModel
from transformers.utils.logging import is_progress_bar_enabled

from somite.core.errors import InputError
from somite.training.load_folder import load_folder, pretrained_class
from unit.training.hf_tiny import saved


def test_loads_the_same_weights_in_single_precision(tmp_path):
    model = saved(tmp_path / "a").half()
    model.save_pretrained(tmp_path / "b")
    loaded = load_folder(tmp_path / "b")
    assert not loaded.training
    assert {p.dtype for p in loaded.parameters()} == {torch.float32}
    for name, tensor in loaded.state_dict().items():
        assert torch.equal(tensor, model.state_dict()[name].float())


def test_a_class_of_its_own_loads_what_is_no_language_model(tmp_path):
    saved(tmp_path)
    model = GPTNeoXModel.from_pretrained(tmp_path)
    assert pretrained_class(model) is GPTNeoXModel
    assert pretrained_class(torch.nn.Linear(1, 1)) is None
    loaded = load_folder(tmp_path, GPTNeoXModel)
    for name, tensor in loaded.state_dict().items():
        assert torch.equal(tensor, model.state_dict()[name])


def test_names_the_extra_that_is_missing(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    words = r"checkpoint needs the package transformers.*pip install somite\[hf\].*give model="
    with pytest.raises(InputError, match=words):
        load_folder(tmp_path)


def test_prints_no_bars(tmp_path, capfd):
    saved(tmp_path)
    capfd.readouterr()
    load_folder(tmp_path)
    assert capfd.readouterr() == ("", "")
    assert is_progress_bar_enabled()


def test_holds_no_file_open(tmp_path):
    saved(tmp_path / "a")
    loaded = load_folder(tmp_path / "a")
    shutil.rmtree(tmp_path / "a")
    assert torch.isfinite(loaded(torch.arange(8)[None]).logits).all()
    maps = Path("/proc/self/maps")
    assert not maps.exists() or str(tmp_path) not in maps.read_text()


def test_names_weights_that_are_missing_or_of_another_shape(tmp_path):
    saved(tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    del weights["embed_out.weight"]
    weights["gpt_neox.final_layer_norm.bias"] = torch.zeros(3)
    weights["extra"] = torch.zeros(1)
    save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
    words = (
        "missing lm_head.weight; unexpected extra; of another shape gpt_neox.final_layer_norm.bias"
    )
    with pytest.raises(InputError, match=words):
        load_folder(tmp_path)


@pytest.mark.parametrize("kind", ["vit", "no-such-family"])
def test_says_what_is_no_language_model(tmp_path, kind):
    saved(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, "model_type": kind}))
    with pytest.raises(
        InputError, match=r"checkpoint must be a decoder that transformers can read .*give model="
    ):
        load_folder(tmp_path)
