"""The page on models of Hugging Face is true: its example runs, its families are the declared."""

import contextlib
import io
import re
from pathlib import Path

import pytest
import torch
import transformers
from tokenizers import Tokenizer, models, pre_tokenizers

from contracts.decoders import tiny_decoder
from somite.components.families.registry import DECLARED

PAGE = (Path(__file__).parent.parent / "docs" / "hugging-face.md").read_text(encoding="utf-8")
TEXT = "she sells sea shells by the sea shore " * 60


@pytest.fixture
def local(tmp_path, monkeypatch):
    """A folder with a tiny Pythia and a tokenizer of words, and a text beside it."""
    words = {word: i for i, word in enumerate(dict.fromkeys(["?", *TEXT.split()]))}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="?"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    fast = transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="?")
    fast.save_pretrained(tmp_path / "tiny")
    tiny_decoder("gpt_neox", num_hidden_layers=1).save_pretrained(tmp_path / "tiny")
    (tmp_path / "corpus.txt").write_text(TEXT)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "tiny"


def test_ten_lines_lead_to_a_table(local):
    (block,) = re.findall(r"^```python\n(.*?)^```", PAGE, flags=re.DOTALL | re.MULTILINE)
    assert len([line for line in block.splitlines() if line]) <= 10
    block = block.replace("EleutherAI/pythia-14m", str(local))
    block = block.replace("draws=100", "chains=2, burn_in=1, draws=3")
    with torch.random.fork_rng(), contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(block, "hugging-face.md", "exec"), {"__name__": "page"})
    rows = printed.getvalue().splitlines()
    assert [row.split()[0] for row in rows[-3:]] == ["0:0", "0:1", "0:2"]


def test_families_on_the_page_are_the_declared_ones():
    table = PAGE.partition("## Families")[2].partition("`tests/")[0]
    cells = re.findall(r"`([a-z0-9_]+)`", table.partition("|---|---|")[2])
    assert sorted(cells) == sorted(DECLARED)
