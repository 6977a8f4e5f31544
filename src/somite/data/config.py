"""What a corpus is made from."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite

from somite.core.checks import at_least, one_of
from somite.core.errors import InputError
from somite.data.sources import DOMAINS, TEXT_DOMAINS
from somite.data.tokenizer import BYTES

REPEATS = "repeats"
"""The domain of random strings that repeat themselves."""

MIXTURE = "train"
"""The data set of rows from all domains in the proportions of training."""

RESERVED = (REPEATS, MIXTURE)


@dataclass(frozen=True)
class DataConfig:
    """Settings of a corpus.

    Args:
        domains: Built-in domains: any of "code", "drama", "wiki", "dialogue", "legal", "french",
            "spanish".
        texts: The user's own domains: name -> folder of text files, .jsonl file, or
            "hf:DATASET[:SUBSET]".
        vocab_size: Number of tokens; 256 is plain bytes.
        context: Tokens in a row.
        max_characters: Most training characters of a domain; all domains get the same number.
        validation_share: Share of the documents of a domain that are for validation.
        repeats_share: Share of the training rows that are of the domain "repeats"; 0 for none.
        repeats_min_period: Shortest random string, in tokens.
        repeats_max_period: Longest random string, in tokens; at most half of the context.
        shares: Share of each natural domain among the rows of text that are trained on, such as
            `somite pattern` writes; they sum to 1. Left out, every row counts the same.
        seed: Seed of the split, the order of documents and the random strings.

    Raises:
        InputError: If a setting breaks its rule.

    Example:
        >>> DataConfig(domains=("code", "wiki")).natural
        ('code', 'wiki')
    """

    domains: tuple[str, ...] = DOMAINS
    texts: Mapping[str, str] = field(default_factory=dict)
    vocab_size: int = BYTES
    context: int = 64
    max_characters: int = 1_000_000
    validation_share: float = 0.1
    repeats_share: float = 0.25
    repeats_min_period: int = 8
    repeats_max_period: int = 32
    shares: Mapping[str, float] = field(default_factory=dict)
    seed: int = 0

    def __post_init__(self) -> None:
        """Check every setting."""
        self._check_names()
        at_least("vocab_size", self.vocab_size, BYTES, "Give 256 for plain bytes.")
        at_least("context", self.context, 2)
        at_least("max_characters", self.max_characters, 1)
        at_least("seed", self.seed, 0)
        _check_share("validation_share", self.validation_share, lowest_allowed=False)
        check_repeats_share(self.repeats_share)
        if self.repeats_share > 0:
            self._check_periods()
        if self.shares:
            self._check_shares()

    @property
    def natural(self) -> tuple[str, ...]:
        """Names of the domains of text, the user's own last."""
        return (*self.domains, *self.texts)

    def _check_names(self) -> None:
        for name in self.domains:
            one_of("domains", name, TEXT_DOMAINS)
        if not self.natural:
            raise InputError("domains", "must name a domain", [], "Give one, or set texts.")
        if repeated := {name for name in self.natural if self.natural.count(name) > 1}:
            rule = "must name each domain once, texts included"
            raise InputError("domains", rule, sorted(repeated), "Drop or rename one of them.")
        for name in self.texts:
            if name in RESERVED or not re.fullmatch(r"[A-Za-z0-9_-]+", name):
                taken = " and ".join(repr(reserved) for reserved in RESERVED)
                rule = f"must have names of letters, digits, - and _, other than {taken}"
                raise InputError("texts", rule, name, "Rename the domain.")

    def _check_periods(self) -> None:
        at_least("repeats_min_period", self.repeats_min_period, 1)
        at_least("repeats_max_period", self.repeats_max_period, self.repeats_min_period)
        if self.repeats_max_period > self.context // 2:
            raise InputError(
                "repeats_max_period",
                f"must be at most half of the context ({self.context // 2})",
                self.repeats_max_period,
                "Shorten the strings or raise the context; each must repeat once in its row.",
            )

    def _check_shares(self) -> None:
        if set(self.shares) != set(self.natural):
            rule, remedy = f"must name the domains {list(self.natural)}", "Give one share to each."
            raise InputError("shares", rule, list(self.shares), remedy)
        values = list(self.shares.values())
        if not (min(values) >= 0 and abs(sum(values) - 1) < 1e-6):
            rule, remedy = "must be zero or more and sum to 1", "Divide them by their sum."
            raise InputError("shares", rule, values, remedy)


def check_repeats_share(share: float) -> None:
    """Require a share of repeated rows that leaves room for text: in [0, 1)."""
    _check_share("repeats_share", share, lowest_allowed=True)


def _check_share(argument: str, share: float, lowest_allowed: bool) -> None:
    if not (isfinite(share) and 0 <= share < 1 and (lowest_allowed or share > 0)):
        rule = "must be at least 0 and below 1" if lowest_allowed else "must be between 0 and 1"
        raise InputError(argument, rule, share, "Give a share such as 0.1.")
