"""The corpus: text of several domains as rows of tokens, in memory and on disk."""

import hashlib
import json
import os
import shutil
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save
from torch import Tensor

from somite.core.errors import InputError
from somite.core.fingerprint import fingerprint
from somite.data.config import REPEATS, DataConfig
from somite.data.tokenizer import Tokenizer

SPLITS = ("train", "validation")
MANIFEST, TOKENIZER, TOKENS = "corpus.json", "tokenizer.json", "tokens.safetensors"


@dataclass(frozen=True)
class DomainSize:
    """How much text of a domain is in each split.

    Args:
        train_documents: Number of documents to train on.
        train_characters: Their characters.
        validation_documents: Number of documents to measure on.
        validation_characters: Their characters.
    """

    train_documents: int
    train_characters: int
    validation_documents: int
    validation_characters: int


@dataclass(frozen=True, eq=False)
class Corpus:
    """Rows of tokens by domain and split.

    Args:
        config: What it was made from.
        tokens: domain -> "train" or "validation" -> (row, context), int64. The domain "repeats"
            is there if the config gives it a share.
        tokenizer: What turned the text into tokens.
        left_out: Domains that could not be had -> why.
        sizes: Text of each natural domain.
    """

    config: DataConfig
    tokens: dict[str, dict[str, Tensor]]
    tokenizer: Tokenizer
    left_out: dict[str, str]
    sizes: dict[str, DomainSize]

    @property
    def natural(self) -> tuple[str, ...]:
        """Names of the domains of text: all but "repeats"."""
        return tuple(name for name in self.tokens if name != REPEATS)

    @cached_property
    def fingerprint(self) -> str:
        """Fingerprint of all tokens and of the tokenizer."""
        return fingerprint({"tokens": self.tokens, "tokenizer": self.tokenizer.to_json()})

    def save(self, folder: Path) -> None:
        """Write the corpus to a folder: under a temporary name, then renamed when whole.

        Args:
            folder: A folder that is new or empty, or that holds the same corpus already.

        Raises:
            InputError: If the folder holds something else; nothing is overwritten then.
        """
        if (folder / MANIFEST).exists() and load_corpus(folder).fingerprint == self.fingerprint:
            return
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            rule = "must be a new or empty folder, or hold this corpus"
            raise InputError("folder", rule, str(folder), "Choose another folder or remove it.")
        partial = folder.with_name(f".{folder.name}.partial")
        shutil.rmtree(partial, ignore_errors=True)  # what a killed process left
        partial.mkdir(parents=True)
        _write(self, partial)
        os.replace(partial, folder)


def load_corpus(folder: Path) -> Corpus:
    """Read what `Corpus.save` wrote.

    Args:
        folder: Where it was written.

    Returns:
        The corpus.

    Raises:
        InputError: If the folder holds no corpus or a damaged one.
    """
    try:
        return _read(folder)
    except FileNotFoundError as error:
        rule, remedy = "must hold a saved corpus", "Check the path or build the corpus again."
        raise InputError("folder", rule, str(folder), remedy) from error
    except (ValueError, KeyError, TypeError) as error:
        rule, remedy = "must hold an undamaged corpus", "Remove the folder and build it again."
        raise InputError("folder", rule, str(folder), remedy) from error


def _write(corpus: Corpus, folder: Path) -> None:
    kind = _smallest(corpus.tokenizer.vocab_size)
    flat = {
        f"{name}.{part}": tokens.to(kind).contiguous()
        for name, parts in corpus.tokens.items()
        for part, tokens in parts.items()
    }
    # Not `save_file`: where the disk is full it raises an error of its own instead of OSError.
    (folder / TOKENS).write_bytes(save(flat))
    (folder / TOKENIZER).write_text(corpus.tokenizer.to_json(), encoding="utf-8")
    manifest = {
        "config": asdict(corpus.config),
        "domains": {name: list(parts) for name, parts in corpus.tokens.items()},
        "left_out": corpus.left_out,
        "sizes": {name: asdict(size) for name, size in corpus.sizes.items()},
        "sha256": {name: _sha256(folder / name) for name in (TOKENIZER, TOKENS)},
        "fingerprint": corpus.fingerprint,
    }
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8")


def _read(folder: Path) -> Corpus:
    manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    for name, digest in manifest["sha256"].items():
        if _sha256(folder / name) != digest:
            raise ValueError(f"{name} is not the file that was written")
    flat = load_file(folder / TOKENS)
    settings = manifest["config"]
    return Corpus(
        config=DataConfig(**{**settings, "domains": tuple(settings["domains"])}),
        tokens={
            name: {part: flat[f"{name}.{part}"].long() for part in parts}
            for name, parts in manifest["domains"].items()
        },
        tokenizer=Tokenizer.from_json((folder / TOKENIZER).read_text(encoding="utf-8")),
        left_out=manifest["left_out"],
        sizes={name: DomainSize(**size) for name, size in manifest["sizes"].items()},
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _smallest(vocab_size: int) -> torch.dtype:
    """Smallest whole-number type that holds all tokens."""
    if vocab_size <= 256:
        return torch.uint8
    return torch.int16 if vocab_size <= 2**15 else torch.int32
