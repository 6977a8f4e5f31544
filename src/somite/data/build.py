"""Building a corpus: from the configured domains to rows of tokens."""

from collections.abc import Iterable

import torch
from torch import Tensor

from somite.core.errors import InputError
from somite.data.config import REPEATS, DataConfig
from somite.data.corpus import SPLITS, Corpus, DomainSize
from somite.data.documents import read_documents
from somite.data.domains import domain_documents
from somite.data.fetch import FetchError
from somite.data.repeats import repeated_rows
from somite.data.sources import LIBRARY, TEXTS, Source, library_documents
from somite.data.split import Split, cap_equally, split_documents
from somite.data.tokenizer import Tokenizer, train_tokenizer

SEPARATOR = "\n\n"


def build_corpus(
    config: DataConfig,
    sources: Iterable[Source] = TEXTS,
    tokenizer: Tokenizer | None = None,
) -> Corpus:
    """Fetch, deduplicate, split, cap, tokenise and cut the text of the configured domains.

    The documents of a domain are joined by blank lines, each document is followed by one, and the
    tokens are cut into rows of exactly `context`; what is left over is dropped. The domain
    "repeats" has as many rows as a natural domain has on average. If no domain can be had, the
    code domain stands in.

    Args:
        config: What to build.
        sources: Where the built-in domains come from.
        tokenizer: One that is there already; None to train it on this text.

    Returns:
        The corpus; domains that could not be fetched are in its `left_out`. A text of the user's
        own that cannot be read, a vocabulary larger than the text supports, or a domain that does
        not fill a row raises an `InputError`.
    """
    documents, left_out = _documents(config, tuple(sources))
    splits = {
        name: split_documents(name, texts, config.validation_share, config.seed)
        for name, texts in documents.items()
    }
    splits = cap_equally(splits, config.max_characters, config.validation_share)
    if tokenizer is None:
        train = [text for split in splits.values() for text in split.train]
        tokenizer = train_tokenizer(train, config.vocab_size)
    tokens = {name: _rows(name, split, tokenizer, config) for name, split in splits.items()}
    if config.repeats_share > 0:
        tokens[REPEATS] = _repeats(tokens, config)
    sizes = {name: _size(split) for name, split in splits.items()}
    return Corpus(config, tokens, tokenizer, left_out, sizes)


def _documents(
    config: DataConfig, sources: tuple[Source, ...]
) -> tuple[dict[str, list[str]], dict[str, str]]:
    documents: dict[str, list[str]] = {}
    left_out: dict[str, str] = {}
    for name in config.domains:
        try:
            documents[name] = domain_documents(name, sources)
        except FetchError as error:
            left_out[name] = str(error)
    for name, location in config.texts.items():
        documents[name] = read_documents(name, location, 2 * config.max_characters)
    if not documents:
        documents[LIBRARY] = library_documents()
    return documents, left_out


def _rows(name: str, split: Split, tokenizer: Tokenizer, config: DataConfig) -> dict[str, Tensor]:
    rows = {}
    for part in SPLITS:
        texts = getattr(split, part)
        tokens = torch.cat([tokenizer.encode(text + SEPARATOR) for text in texts])
        n = len(tokens) // config.context
        if n == 0:
            raise InputError(
                name,
                f"must fill a row of {config.context} tokens in its {part} split",
                f"{len(tokens)} tokens",
                "Give more text, raise max_characters or shorten the context.",
            )
        rows[part] = tokens[: n * config.context].view(n, config.context)
    return rows


def _repeats(tokens: dict[str, dict[str, Tensor]], config: DataConfig) -> dict[str, Tensor]:
    means = {
        part: sum(len(rows[part]) for rows in tokens.values()) / len(tokens) for part in SPLITS
    }
    return {
        part: repeated_rows(config, max(1, round(n)), config.seed, REPEATS, part)
        for part, n in means.items()
    }


def _size(split: Split) -> DomainSize:
    return DomainSize(
        train_documents=len(split.train),
        train_characters=sum(map(len, split.train)),
        validation_documents=len(split.validation),
        validation_characters=sum(map(len, split.validation)),
    )
