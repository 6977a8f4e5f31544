"""Any model from the command line: its components, their coefficients, a series with a report."""

import json
from typing import ClassVar

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

import somite as so
from contracts.decoders import tiny_decoder
from somite.core.errors import InputError
from somite.study import load_estimates

WORDS = ["[UNK]", "a", "b", "c", "d", "e", "f", "g", "h", "i", "j"]
SHORT = [
    *("--set", "chains=2", "--set", "burn_in=2", "--set", "draws=8", "--set", "rows=16"),
    *("--set", "context=8", "--set", "batch_size=2", "--set", "threads=1"),
    *("--set", "step_size=0.001"),
]


def save(folder, seed=0):
    """A tiny decoder with its tokenizer, as Hugging Face saves it."""
    model = tiny_decoder("llama").float()
    generator = torch.Generator().manual_seed(seed)
    for weight in model.parameters():
        weight.data += 0.1 * torch.randn(weight.shape, generator=generator)
    model.save_pretrained(folder)
    inner = Tokenizer(models.WordLevel({word: i for i, word in enumerate(WORDS)}, "[UNK]"))
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(tokenizer_object=inner, unk_token="[UNK]").save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return save(tmp_path_factory.mktemp("model") / "tiny")


@pytest.fixture
def texts(tmp_path):
    """Two texts."""
    paths = [tmp_path / "first.txt", tmp_path / "second.txt"]
    paths[0].write_text("a b c d e f g h i j " * 20)
    paths[1].write_text("j i h g f e d c b a " * 20)
    return paths


def test_components_are_shown(somite, model):
    out = somite("components", model).out
    assert "heads: 8" in out
    assert "0:1" in out
    sizes = json.loads(somite("components", model, "--json").out)
    assert len(sizes["layers"]) == 2
    assert sizes["heads"]["0:0"] == sizes["heads"]["1:2"]


def test_coefficients_of_chosen_heads_on_each_text(somite, model, texts, tmp_path):
    ended = somite(
        "llc", model, "--data", texts[0], "--data", f"other={texts[1]}", "--components", "0:0,1:2",
        *SHORT, "--out", tmp_path / "run", "--json",
    )  # fmt: skip
    assert ended.code == 0, ended.err
    rows = json.loads(ended.out)
    assert {row["component"] for row in rows} == {"0:0", "1:2"}
    assert {row["data"] for row in rows} == {"train", "first", "other"}
    assert all(isinstance(row["llc"], float) for row in rows)


def test_the_probe_has_as_many_rows_as_were_asked_for(somite, model, texts, tmp_path, monkeypatch):
    told = {}

    def track(*_, probe_rows, **__):
        told["probe_rows"] = probe_rows
        raise InputError("track", "must not run", "here", "Stop.")

    monkeypatch.setattr("somite.study.track.track", track)
    somite("llc", model, "--data", texts[0], *SHORT, "--set", "probe_rows=3", "--out", tmp_path)
    assert told == {"probe_rows": 3}


class Found:
    """What a calibration gives, as far as the command line reads it."""

    kernel, words = so.SGLD(1e-4), ("because",)
    settings: ClassVar = {"batch_size": 2, "chains": 2, "burn_in": 3, "draws": 500}

    def target(self, loss, data):
        return so.Target(loss, data, n_beta=7, localization=70)


@pytest.mark.parametrize("as_json", [True, False])
def test_what_calibration_finds_is_sampled(somite, model, texts, tmp_path, monkeypatch, as_json):
    asked = {}

    def calibrate(models, loss, data, **plan):
        asked.update(plan, models=list(models))
        return Found()

    monkeypatch.setattr("somite.calibration.calibrate", calibrate)
    given = ["--components", "0:mlp", "--calibrate", *["--json"] * as_json]
    for setting in (
        "draws=8",
        "rows=16",
        "context=8",
        "batch_size=2",
        "kernel=SGLD",
        "chains=3",
        "threads=1",
    ):
        given += ["--set", setting]
    ended = somite("llc", model, "--data", texts[0], *given, "--out", tmp_path / "run")
    assert ended.code == 0, ended.err
    assert asked["models"] == ["0"]
    plan = {"kernel": "SGLD", "batch_size": 2, "chains": 3, "seed": 0, "map": False}
    assert {name: asked[name] for name in plan} == plan
    attributes = load_estimates(tmp_path / "run").attrs
    told = {"n_beta": 7.0, "localization": 70.0, "burn_in": 3, "draws": 8, "chains": 2}
    assert {name: attributes[name] for name in told} == told
    if as_json:
        assert [row["component"] for row in json.loads(ended.out)] == ["0:mlp"]
    else:
        assert "- because\n" in ended.out


def test_components_need_no_tokenizer(somite, tmp_path):
    tiny_decoder("gpt2").save_pretrained(tmp_path / "bare")
    assert "heads: " in somite("components", tmp_path / "bare").out


def test_a_series_gets_a_report(somite, texts, tmp_path):
    for step in (0, 10, 100):
        save(tmp_path / "series" / f"checkpoint-{step}", seed=step)
    run = tmp_path / "run"
    ended = somite("track", tmp_path / "series", "--data", texts[0], *SHORT, "--out", run)
    assert ended.code == 0, ended.err
    page = (run / "report.html").read_text()
    assert "When 8 attention heads took shape" in page
    assert "report is at" in ended.out


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["--set", "drawz=3"], "Did you mean 'draws'"),
        (["--set", "components=mlps"], "must not choose components, got 'components=mlps'"),
        (["--set", "probe_rows=0"], "sampling.probe_rows must be a whole number of at least 1"),
        (
            ["--calibrate", "--set", "n_beta=30"],
            "--set must not be what --calibrate finds, got 'n_beta=30'. Leave it out",
        ),
        (["--components", " , "], "components must name something"),
        (["--components", "0:7"], "components must select at least one weight"),
        (["--data", "lost=nowhere.txt"], "must be a text file that can be read"),
    ],
)
def test_bad_input_is_one_line(somite, model, texts, tmp_path, given, words):
    ended = somite("llc", model, "--data", texts[0], *given, "--out", tmp_path / "run")
    assert ended.code == 2
    assert words in ended.err
    assert len(ended.err.strip().splitlines()) == 1
    assert not (tmp_path / "run").exists()


def test_a_model_that_is_not_there(somite, texts, tmp_path):
    ended = somite("llc", tmp_path / "nothing", "--data", texts[0])
    assert ended.code == 2
    assert "model must be" in ended.err
