"""What a fine-tuning is: text that was held out from training, and how parts are trained on it."""

import re
from dataclasses import dataclass, replace
from pathlib import Path

from somite.core.checks import at_least, positive
from somite.core.errors import InputError, nearest
from somite.data import TEXT_DOMAINS, Corpus, build_corpus
from somite.data.documents import HUB

HALVINGS = 5
"""Losses are measured at the end, at half of the steps, at a quarter, …, and at the start."""


@dataclass(frozen=True)
class TransferConfig:
    """How parts of a model are fine-tuned.

    Args:
        steps: Of Adam.
        batch_size: Rows of each.
        rate: Learning rate, after a warm-up of an eighth of the steps; None for that of training.
        seeds: Each part is trained once with the batches of each.
        sets: Most random sets beside a module.
        rows: Validation rows of each domain, on which losses are measured.
    """

    steps: int = 32
    batch_size: int = 32
    rate: float | None = None
    seeds: int = 2
    sets: int = 40
    rows: int = 32

    def __post_init__(self) -> None:
        """Check before any work starts."""
        least = {"steps": 8, "batch_size": 1, "seeds": 2, "sets": 1, "rows": 2}
        for name, number in least.items():
            at_least(name, getattr(self, name), number)
        if self.rate is not None:
            positive("rate", self.rate)

    @property
    def at(self) -> list[int]:
        """Steps after which losses are measured."""
        return sorted({0, *(self.steps >> k for k in range(HALVINGS))})

    @property
    def early(self) -> int:
        """The quarter of the steps at which speed is read off."""
        return self.steps >> 2


def held_out(corpus: Corpus, domain: str) -> tuple[str, Corpus]:
    """Name and rows of a domain that a run was not trained on, in the run's tokens.

    Raises:
        InputError: If it was in training, there is none such, or its text cannot be had.
    """
    trained, places = corpus.natural, corpus.config.texts
    free = [name for name in TEXT_DOMAINS if name not in trained]
    there = domain.startswith(HUB) or Path(domain).expanduser().exists()
    if domain in corpus.tokens or _place(domain) in map(_place, places.values()):
        remedy = f"Free are: {', '.join(free) or 'none'}; or give a folder of other text."
        raise InputError("domain", "must be held out from training", domain, remedy)
    if domain not in free and not there:
        remedy = nearest(domain, free) + " Or give a folder of text files."
        raise InputError("domain", "must be a domain or a place of text", domain, remedy)
    builtin = domain in free
    name = domain if builtin else re.sub(r"[^A-Za-z0-9_]+", "_", Path(domain).stem)
    if not builtin and name in (*corpus.tokens, *TEXT_DOMAINS):
        name += "_of_own"
    names, texts = ((domain,), {}) if builtin else ((), {name: domain})
    data = replace(corpus.config, domains=names, texts=texts, shares={}, repeats_share=0.0)
    found = build_corpus(data, tokenizer=corpus.tokenizer)
    if found.left_out:
        remedy = "Try again with a network, or give another domain."
        raise InputError("domain", "must be there", found.left_out[name], remedy)
    return name, found


def _place(location: str) -> str:
    """A location, of a file or folder without detours."""
    return location if location.startswith(HUB) else str(Path(location).expanduser().resolve())
