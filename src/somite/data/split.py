"""From the documents of a domain to its training and its validation text.

Documents that say the same are kept once; whole documents go to training or to validation; and
each split is cut at a number of characters. Everything follows from the texts and the seed, not
from the order in which the documents were read.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil

from somite.core.errors import InputError

PREFIX = 3000
"""Documents that agree in so many characters count as the same."""


@dataclass(frozen=True)
class Split:
    """Documents of a domain, apart.

    Args:
        train: Documents to train on.
        validation: Documents to measure on; none of them is in `train`.
    """

    train: tuple[str, ...]
    validation: tuple[str, ...]


def distinct(documents: Iterable[str]) -> list[str]:
    """Documents without repetitions, the first of each kept.

    Two documents are the same if their first 3000 characters are, any stretch of white space
    counting as one space.

    Example:
        >>> distinct(["a  b", "a b", "a c"])
        ['a  b', 'a c']
    """
    kept: dict[str, str] = {}
    for text in documents:
        kept.setdefault(_key(text), text)
    return list(kept.values())


def split_documents(name: str, documents: Iterable[str], share: float, seed: int) -> Split:
    """Keep distinct documents, shuffle them, and put the first ⌈share · n⌉ aside for validation.

    The order is that of the SHA-256 of seed and text.

    Args:
        name: Name of the domain, for messages.
        documents: Its documents, n distinct ones.
        share: Share of the documents that are for validation, in (0, 1).
        seed: Another seed, another split.

    Returns:
        Both parts, shuffled; at least one document each.

    Raises:
        InputError: If there are fewer than two distinct documents.
    """
    shuffled = sorted(distinct(documents), key=lambda text: _rank(text, seed))
    if len(shuffled) < 2:
        raise InputError(
            name,
            "must hold at least two different documents, one to train and one to validate on",
            len(shuffled),
            "Split the text into several documents.",
        )
    held_out = min(ceil(share * len(shuffled)), len(shuffled) - 1)
    return Split(train=tuple(shuffled[held_out:]), validation=tuple(shuffled[:held_out]))


def cap(documents: Iterable[str], characters: int) -> tuple[str, ...]:
    """The first documents up to a number of characters, the last one cut to fit.

    Example:
        >>> cap(["abc", "def", "ghi"], 5)
        ('abc', 'de')
    """
    kept: list[str] = []
    left = characters
    for text in documents:
        if left <= 0:
            break
        kept.append(text[:left])
        left -= len(text)
    return tuple(kept)


def cap_equally(splits: dict[str, Split], characters: int, share: float) -> dict[str, Split]:
    """Cut all domains to the same size.

        train      = min(characters, training characters of the smallest domain)
        validation = at most train · share / (1 - share)

    Args:
        splits: Split of each domain.
        characters: Most training characters of a domain.
        share: Share of the documents that are for validation.

    Returns:
        The splits, cut.
    """
    sizes = [sum(map(len, split.train)) for split in splits.values()]
    train = min([characters, *sizes])
    validation = ceil(train * share / (1 - share))
    return {
        name: Split(cap(split.train, train), cap(split.validation, validation))
        for name, split in splits.items()
    }


def _key(text: str) -> str:
    # PREFIX words are always enough for PREFIX characters.
    return " ".join(text.split(None, PREFIX)[:PREFIX])[:PREFIX]


def _rank(text: str, seed: int) -> bytes:
    return hashlib.sha256(f"{seed}\n{text}".encode()).digest()
