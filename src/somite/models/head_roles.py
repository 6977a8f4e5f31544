"""A transformer built by hand whose four heads have known roles.

    0:0 previous token   writes the token before each token beside it
    1:0 induction        looks for the current token among those, and says what followed it
    0:1 bigram           looks at its own token, and says what follows it by a table
    1:1 skip-trigram     looks from a query token back to a trigger, and says the trigger's answer

The text is that of `somite.data.role_rows`: each kind of row has tokens of its own, on which the
heads of the other roles write exactly nothing. Its numbering of tokens is

    0 start;  n bigram;  n repeats;  n fillers;  k triggers;  k answers;  1 query

The residual stream holds the token (one-hot), the position (queries and keys only), the token
before (written by 0:0) and what is to be said, which the unembedding reads.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from somite.core.checks import at_least
from somite.core.errors import InputError
from somite.models.transformer import Attention, Transformer, TransformerConfig

SHARP = 30.0
"""Attention score of a match; half of it leads to the start, where nothing is to be read."""
LOUD = 12.0
"""Logit of what a head says."""
ROLES = {"0:0": "previous token", "0:1": "bigram", "1:0": "induction", "1:1": "skip-trigram"}
MODULES = {"0:0": "induction", "0:1": "bigram", "1:0": "induction", "1:1": "skip-trigram"}
"""Heads that work together have one module: induction needs the previous token."""


@dataclass(frozen=True)
class RoleTokens:
    """Numbering of the tokens.

    Args:
        each: n, tokens of the bigram rows, of the repeats, and fillers.
        triggers: k, triggers, each with one answer.
    """

    each: int = 8
    triggers: int = 3

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            InputError: If one is too small.
        """
        at_least("each", self.each, 2)
        at_least("triggers", self.triggers, 1)

    @property
    def bigram(self) -> range:
        """Tokens of the bigram rows."""
        return range(1, 1 + self.each)

    @property
    def repeats(self) -> range:
        """Tokens of the repeated strings."""
        return range(1 + self.each, 1 + 2 * self.each)

    @property
    def fillers(self) -> range:
        """Tokens between trigger and query."""
        return range(1 + 2 * self.each, 1 + 3 * self.each)

    @property
    def trigger(self) -> range:
        """Triggers."""
        return range(1 + 3 * self.each, 1 + 3 * self.each + self.triggers)

    @property
    def answer(self) -> range:
        """Answers, in the order of the triggers."""
        return range(self.trigger.stop, self.trigger.stop + self.triggers)

    @property
    def query(self) -> int:
        """The token after which the answer comes."""
        return self.answer.stop

    @property
    def size(self) -> int:
        """Size of the vocabulary."""
        return self.query + 1


def head_roles(tokens: RoleTokens, table: Tensor, context: int = 24) -> Transformer:
    """The transformer, float64, without norm.

    Args:
        tokens: Numbering of the tokens.
        table: Bigram probabilities (n, n), rows sum to one, none zero.
        context: Longest row.

    Returns:
        2 layers of 2 heads; see `ROLES`.

    Raises:
        InputError: If the table has the wrong shape or is not positive.

    Example:
        >>> model = head_roles(RoleTokens(2, 1), torch.full((2, 2), 0.5), context=6)
        >>> list(model.components()["heads"])
        ['0:0', '0:1', '1:0', '1:1']
    """
    if tuple(table.shape) != (tokens.each, tokens.each) or not bool((table > 0).all()):
        rule = f"must be positive, of the shape {(tokens.each, tokens.each)}"
        raise InputError("table", rule, tuple(table.shape), "Give one row for each bigram token.")
    model = _blank(tokens, context)
    vocabulary = torch.arange(tokens.size)
    beside, said = vocabulary + tokens.size + context, vocabulary + 2 * tokens.size + context
    first, second = model.block(0).attn, model.block(1).attn
    for distance, head in ((1, 0), (0, 1)):
        _look_back(first, head, tokens.size, context, distance)
    repeats, chain = torch.tensor(tokens.repeats), torch.tensor(tokens.bigram)
    _write(first, 0, repeats, beside[repeats], torch.eye(tokens.each))
    _write(first, 1, chain, said[chain], table.log() - table.log().mean())
    _match(second, 0, tokens.size, repeats, beside[repeats])
    _write(second, 0, repeats, said[repeats], LOUD * torch.eye(tokens.each))
    triggers, answers = torch.tensor(tokens.trigger), torch.tensor(tokens.answer)
    query = torch.full_like(triggers, tokens.query)
    _match(second, 1, tokens.size, query, triggers)
    _write(second, 1, triggers, said[answers], 2 * LOUD * torch.eye(tokens.triggers))
    return model


def _blank(tokens: RoleTokens, context: int) -> Transformer:
    """Heads that do nothing; logits that know only which kind of row this is."""
    size = tokens.size
    config = TransformerConfig(
        size,
        context,
        d_model=3 * size + context,
        n_heads=2,
        d_head=max(size, context) + 1,
        norm="none",
    )
    with torch.random.fork_rng(devices=[]):  # every weight is overwritten
        model = Transformer(config).double()
    with torch.no_grad():
        for weight in model.parameters():
            weight.zero_()
        model.embed[:, :size] = torch.eye(size)
        model.positions[:, size : size + context] = torch.eye(context)
        model.unembed[-size:] = torch.eye(size)
        model.unembed[:size] = _same_row(tokens)
    return model


def _same_row(tokens: RoleTokens) -> Tensor:
    """Logits that a token gives to the next one: LOUD for tokens of its kind of row."""
    kinds = torch.zeros(tokens.size, dtype=torch.long)
    for kind, members in enumerate((tokens.bigram, tokens.repeats, tokens.fillers), start=1):
        kinds[list(members)] = kind
    kinds[tokens.trigger.start :] = 3
    logits = LOUD * (kinds[:, None] == kinds).double()
    logits[0, :] = LOUD  # every kind of row may follow the start
    logits[:, list(tokens.answer)] = 0.0  # only the skip-trigram head says an answer
    logits[:, 0] = 0.0
    return logits


@torch.no_grad()
def _look_back(attn: Attention, head: int, size: int, context: int, distance: int) -> None:
    """Attend to the token so many places back."""
    query, key = (attn.weights()[name][head] for name in ("W_Q", "W_K"))
    place = torch.arange(context - distance)
    query[place, size + place + distance] = SHARP * len(query) ** 0.5
    key[place, size + place] = 1.0


@torch.no_grad()
def _match(attn: Attention, head: int, size: int, asking: Tensor, found: Tensor) -> None:
    """Attend from the i-th of `asking` to the i-th of `found`, else to the start."""
    query, key = (attn.weights()[name][head] for name in ("W_Q", "W_K"))
    rank = torch.arange(len(asking))
    query[rank, asking] = SHARP * len(query) ** 0.5
    key[rank, found] = 1.0
    query[-1, :size] = SHARP * len(query) ** 0.5
    key[-1, 0] = 0.5


@torch.no_grad()
def _write(attn: Attention, head: int, read: Tensor, written: Tensor, table: Tensor) -> None:
    """Where the i-th of `read` is attended to, add row i of the table to `written`."""
    value, output = (attn.weights()[name][head] for name in ("W_V", "W_O"))
    rank = torch.arange(len(read))
    value[rank, read] = 1.0
    output[: len(read), written] = table.to(output.dtype)
