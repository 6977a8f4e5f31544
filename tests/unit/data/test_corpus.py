import json

import pytest
import torch

from somite.core.errors import InputError
from somite.data import build_corpus, load_corpus
from somite.data.corpus import _smallest


def test_saved_and_loaded(corpus, tmp_path):
    corpus.save(tmp_path / "run" / "corpus")
    again = load_corpus(tmp_path / "run" / "corpus")
    assert again.fingerprint == corpus.fingerprint
    assert again.config == corpus.config
    assert again.sizes == corpus.sizes
    assert again.left_out == corpus.left_out
    assert torch.equal(again.tokens["wiki"]["train"], corpus.tokens["wiki"]["train"])
    assert list(again.tokens) == list(corpus.tokens)
    names = sorted(path.name for path in (tmp_path / "run" / "corpus").iterdir())
    assert names == ["corpus.json", "tokenizer.json", "tokens.safetensors"]
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["corpus"]


def test_saving_again_changes_nothing(corpus, tmp_path):
    folder = tmp_path / "corpus"
    corpus.save(folder)
    before = (folder / "corpus.json").stat().st_mtime_ns
    corpus.save(folder)
    assert (folder / "corpus.json").stat().st_mtime_ns == before


def test_what_a_killed_process_left_is_no_obstacle(corpus, tmp_path):
    (tmp_path / ".corpus.partial").mkdir()
    (tmp_path / ".corpus.partial" / "tokens.safetensors").write_text("half")
    corpus.save(tmp_path / "corpus")
    assert load_corpus(tmp_path / "corpus").fingerprint == corpus.fingerprint


def test_another_corpus_is_not_overwritten(corpus, registry, small, tmp_path):
    corpus.save(tmp_path / "corpus")
    other = build_corpus(type(small)(**{**vars(small), "seed": 5}), registry.sources)
    with pytest.raises(InputError, match="folder must be a new or empty folder, or hold this"):
        other.save(tmp_path / "corpus")
    assert load_corpus(tmp_path / "corpus").fingerprint == corpus.fingerprint


def test_a_folder_of_something_else_is_not_overwritten(corpus, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match="folder must be a new or empty folder"):
        corpus.save(tmp_path)


def test_nothing_to_load(tmp_path):
    with pytest.raises(InputError, match="folder must hold a saved corpus"):
        load_corpus(tmp_path)


def _drop_key(folder):
    manifest = json.loads((folder / "corpus.json").read_text())
    del manifest["sizes"]
    (folder / "corpus.json").write_text(json.dumps(manifest))


DAMAGE = {
    "tokens": lambda folder: (folder / "tokens.safetensors").write_bytes(b"half"),
    "tokenizer": lambda folder: (folder / "tokenizer.json").write_text("{}"),
    "manifest": lambda folder: (folder / "corpus.json").write_text("{"),
    "manifest_key": _drop_key,
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_a_damaged_folder(corpus, tmp_path, damage):
    corpus.save(tmp_path / "corpus")
    damage(tmp_path / "corpus")
    with pytest.raises(InputError, match="folder must hold an undamaged corpus"):
        load_corpus(tmp_path / "corpus")


def test_tokens_are_stored_in_the_smallest_type():
    assert [_smallest(n) for n in (256, 257, 2**15, 2**15 + 1)] == [
        torch.uint8,
        torch.int16,
        torch.int16,
        torch.int32,
    ]
