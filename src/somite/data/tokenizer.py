"""Byte-level byte-pair encoding, trained on the run's own text.

The first 256 tokens are the bytes themselves, token i being byte i, so any text can be written
and read back exactly; each further token joins two earlier ones (Sennrich et al. 2016, on bytes).
"""

import json
from collections.abc import Iterable, Sequence

import numpy as np
import tokenizers
import torch
from tokenizers import decoders, models, pre_tokenizers, trainers
from torch import Tensor

from somite.core.checks import at_least
from somite.core.errors import InputError

BYTES = 256
VISIBLE = {" ": "·", "\n": "⏎", "\t": "⇥", "\r": "␍"}


class Tokenizer:
    """Text to tokens and back.

    Args:
        backend: A byte-level BPE whose first 256 tokens are the bytes in order.

    Example:
        >>> tokenizer = train_tokenizer(["ab ab"], vocab_size=256)
        >>> tokenizer.encode("a b").tolist()
        [97, 32, 98]
        >>> tokenizer.decode([97, 32, 98])
        'a b'
        >>> tokenizer.token_text(32)
        '·'
    """

    def __init__(self, backend: tokenizers.Tokenizer) -> None:
        """Keep the backend and look up the bytes of each token."""
        self._backend = backend
        byte = {symbol: value for value, symbol in enumerate(_symbols())}
        names = sorted(backend.get_vocab().items(), key=lambda item: item[1])
        self._bytes = [bytes(byte[symbol] for symbol in name) for name, _ in names]

    @property
    def vocab_size(self) -> int:
        """Number of tokens."""
        return len(self._bytes)

    def encode(self, text: str) -> Tensor:
        """Tokens of a text: (token,), int64."""
        if self.vocab_size == BYTES:  # without merges the tokens are the bytes
            return torch.from_numpy(np.frombuffer(text.encode(), np.uint8).astype(np.int64))
        return torch.tensor(self._backend.encode(text).ids, dtype=torch.int64)

    def decode(self, tokens: Iterable[int]) -> str:
        """Text of tokens; bytes that are not UTF-8 come out as "�"."""
        return b"".join(self._bytes[int(token)] for token in tokens).decode("utf-8", "replace")

    def token_text(self, token: int) -> str:
        """A token as people can see it.

        A space is "·", a line break "⏎", a tab "⇥"; a part of a character or a control character
        is its bytes in hex, as in "<C3>".
        """
        try:
            text = self._bytes[token].decode()
        except UnicodeDecodeError:
            return "".join(f"<{value:02X}>" for value in self._bytes[token])
        return "".join(_visible(character) for character in text)

    def to_json(self) -> str:
        """The tokenizer in the JSON format of the library `tokenizers`."""
        return self._backend.to_str()

    @staticmethod
    def from_json(text: str) -> "Tokenizer":
        """Read what `to_json` wrote."""
        return Tokenizer(tokenizers.Tokenizer.from_str(text))


def train_tokenizer(texts: Iterable[str], vocab_size: int) -> Tokenizer:
    """Learn the merges from text: the most frequent neighbours first, each seen at least twice.

    Args:
        texts: What to learn from.
        vocab_size: Number of tokens; 256 is plain bytes, without merges.

    Returns:
        The tokenizer, the same for the same texts.

    Raises:
        InputError: If it is below 256 or above the number of tokens that the text supports.
    """
    at_least("vocab_size", vocab_size, BYTES, "Give 256 for plain bytes, more for merges.")
    symbols = _symbols()
    vocab = {symbol: value for value, symbol in enumerate(symbols)}
    merges = _merges(texts, vocab_size) if vocab_size > BYTES else []
    for first, second in merges:
        vocab.setdefault(first + second, len(vocab))
    if len(vocab) < vocab_size:
        raise InputError(
            "vocab_size",
            f"must not be larger than the text supports ({len(vocab)} tokens)",
            vocab_size,
            f"Give at most {len(vocab)}, or more text.",
        )
    return Tokenizer(_byte_level(models.BPE(vocab=vocab, merges=merges)))


def _merges(texts: Iterable[str], vocab_size: int) -> list[tuple[str, str]]:
    backend = _byte_level(models.BPE())
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        min_frequency=2,
        show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    backend.train_from_iterator(texts, trainer=trainer)
    pairs: Sequence[Sequence[str]] = json.loads(backend.to_str())["model"]["merges"]
    return [(first, second) for first, second in pairs]


def _byte_level(model: models.BPE) -> tokenizers.Tokenizer:
    backend = tokenizers.Tokenizer(model)
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    return backend


def _symbols() -> list[str]:
    """The printable character by which the library names each byte, in the order of the bytes.

    Printable Latin-1 characters name themselves; the others are numbered from U+0100 on.
    """
    printable = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = [value for value in range(BYTES) if value not in printable]
    return [
        chr(value if value in printable else BYTES + others.index(value)) for value in range(BYTES)
    ]


def _visible(character: str) -> str:
    if character in VISIBLE or character.isprintable():
        return VISIBLE.get(character, character)
    return "".join(f"<{value:02X}>" for value in character.encode())
