import random
import subprocess
import sys

import pytest

from somite.core.errors import InputError
from somite.data.tokenizer import Tokenizer, train_tokenizer

TEXTS = ["the cat sat on the mat. the cat ran.\n" * 20, "def cat(the):\n    return the\n" * 20]
BYTES = train_tokenizer([], 256)
MERGED = train_tokenizer(TEXTS, 270)


def random_text(chance):
    """Characters from all over Unicode, and pieces of the training text among them."""
    anywhere = [*range(0xD800), *range(0xE000, 0x110000)]  # all but surrogates
    codes = chance.choices(anywhere, k=20)
    return "".join(chance.choice([chr(code), TEXTS[1][:9], " ", "\n\n"]) for code in codes)


@pytest.mark.parametrize("tokenizer", [BYTES, MERGED], ids=["bytes", "merged"])
def test_any_text_comes_back(tokenizer):
    chance = random.Random(0)
    for text in ("", *(random_text(chance) for _ in range(10))):
        assert tokenizer.decode(tokenizer.encode(text).tolist()) == text


def test_plain_bytes():
    assert BYTES.vocab_size == 256
    assert BYTES.encode("é\n").tolist() == [0xC3, 0xA9, 0x0A]
    assert BYTES.encode("").shape == (0,)


def test_the_shortcut_for_bytes_is_what_the_backend_does():
    text = "".join(map(chr, range(0x180)))
    assert BYTES.encode(text).tolist() == BYTES._backend.encode(text).ids


def test_merges_shorten_the_text_and_keep_the_bytes_in_front():
    assert MERGED.vocab_size == 270
    assert len(MERGED.encode(TEXTS[0])) < len(TEXTS[0])
    assert [MERGED.token_text(ord(c)) for c in "aZ~"] == ["a", "Z", "~"]
    assert all(len(MERGED.decode([token])) >= 2 for token in range(256, 270))


def test_training_is_deterministic_across_processes():
    code = "from somite.data.tokenizer import train_tokenizer as t; print(t({!r}, 270).to_json())"
    done = subprocess.run(
        [sys.executable, "-c", code.format(TEXTS)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == MERGED.to_json() == train_tokenizer(TEXTS, 270).to_json()


def test_json_round_trip():
    again = Tokenizer.from_json(MERGED.to_json())
    assert again.to_json() == MERGED.to_json()
    assert again.encode(TEXTS[1]).tolist() == MERGED.encode(TEXTS[1]).tolist()


@pytest.mark.parametrize(
    ("token", "text"),
    [(0x20, "·"), (0x0A, "⏎"), (0x09, "⇥"), (0x41, "A"), (0xC3, "<C3>"), (0x07, "<07>")],
)
def test_tokens_are_shown_visibly(token, text):
    assert BYTES.token_text(token) == text


def test_spaces_inside_a_merged_token_are_shown():
    assert "·the" in [MERGED.token_text(token) for token in range(256, 270)]


def test_a_vocabulary_larger_than_the_text_supports():
    with pytest.raises(InputError, match=r"larger than the text supports \(257 tokens\), got 300"):
        train_tokenizer(["ab ab"], 300)


def test_the_supported_size_that_the_message_names_is_accepted():
    assert train_tokenizer(["ab ab"], 257).vocab_size == 257


@pytest.mark.parametrize("size", [255, 256.5, True])
def test_fewer_tokens_than_bytes(size):
    with pytest.raises(InputError, match="vocab_size must be a whole number of at least 256"):
        train_tokenizer(TEXTS, size)
