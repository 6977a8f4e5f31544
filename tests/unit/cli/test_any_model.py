"""Any model from the command line: its components, their coefficients, a series with a report."""

import json

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from contracts.decoders import tiny_decoder

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
