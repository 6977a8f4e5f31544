"""Two transformers in one: planted modules that share residual stream, softmax and positions.

The residual stream has the dimensions of the first, then those of the second. A token is a pair
(a, b), numbered a · |B| + b. Embedding and positions of the pair are those of both, stacked; a head
of the first reads and writes the first dimensions only. There is no norm, which would couple them.
The logits are those of a, then those of b:

    loss         −log softmax(l_A)_a − log softmax(l_B)_b      the streams do not interact at all
    union loss   −log softmax(l)_a − log softmax(l)_b          one softmax over both vocabularies

The first is the cross-entropy of the pair under a softmax over all pairs.
"""

from collections.abc import Sequence
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from somite.components.mask import Mask
from somite.core.checks import one_of
from somite.core.errors import InputError
from somite.models.transformer import Transformer, TransformerConfig

STREAMS = ("A", "B")


def join_streams(first: Transformer, second: Transformer) -> Transformer:
    """One transformer that does what two do, with the heads of the first before the others.

    Args:
        first: Attention only, norm "none", without biases; positions "shortformer" or "learned".
        second: The same in layers, context, width of a head and kind of positions.

    Returns:
        A transformer over pairs of tokens whose unembedding has |A| + |B| columns; its weights have
        the dtype of the first.

    Raises:
        InputError: If one has what would couple them, or they do not fit together.

    Example:
        >>> from somite.models import TransformerConfig
        >>> shape = TransformerConfig(3, 4, d_model=6, n_heads=2, d_head=2, norm="none")
        >>> joined = join_streams(Transformer(shape), Transformer(shape))
        >>> joined(torch.zeros(1, 4, dtype=torch.long)).shape
        torch.Size([1, 4, 6])
    """
    one, two = first.config, second.config
    _check_streams(first, second)
    config = replace(
        one,
        vocab_size=one.vocab_size * two.vocab_size,
        d_model=one.d_model + two.d_model,
        n_heads=one.n_heads + two.n_heads,
    )
    with torch.random.fork_rng(devices=[]):  # every weight is overwritten
        joined = Transformer(config).to(first.embed.dtype)
    pairs = torch.arange(config.vocab_size)
    a, b = pairs // two.vocab_size, pairs % two.vocab_size
    with torch.no_grad():
        joined.embed.copy_(torch.cat([first.embed[a], second.embed[b]], 1))
        joined.positions.copy_(torch.cat([first.positions, second.positions], 1))
        joined.unembed = nn.Parameter(torch.block_diag(first.unembed, second.unembed))
        for layer in range(config.n_layers):
            theirs = [model.block(layer).attn.weights() for model in (first, second)]
            for name, weight in joined.block(layer).attn.weights().items():
                weight.zero_()
                weight[: one.n_heads, :, : one.d_model] = theirs[0][name]
                weight[one.n_heads :, :, one.d_model :] = theirs[1][name]
    return joined


def stream_heads(joined: Transformer, first: TransformerConfig) -> dict[str, Mask]:
    """Heads of a joined transformer, each with only the weights on its own stream's dimensions.

    The weights between streams are zero; a component that holds them may move them, and couples
    the streams by that.

    Args:
        joined: Of `join_streams`.
        first: Shape of its first part.

    Returns:
        By head, "layer:head"; heads below `first.n_heads` in their layer are those of the first.
    """
    masks = {}
    for name, mask in joined.components()["heads"].items():
        own = torch.zeros(joined.config.d_model, dtype=torch.bool)
        own[: first.d_model] = True
        own = own if int(name.split(":")[1]) < first.n_heads else ~own
        masks[name] = Mask({tensor: chosen & own for tensor, chosen in mask.entries.items()})
    return masks


def stream_loss(
    joined: Transformer, tokens: Tensor, first: int, streams: Sequence[str] = STREAMS
) -> Tensor:
    """Cross-entropy of the next token of each stream, added.

    Args:
        joined: Of `join_streams`.
        tokens: Pairs (batch, position).
        first: |A|, the vocabulary of the first stream.
        streams: Those that count, "A" and "B".

    Returns:
        (batch, position − 1) in nats.

    Raises:
        InputError: If a stream is neither "A" nor "B".
    """
    logits, targets = _asked(joined, tokens, first, streams)
    own = {"A": logits[..., :first], "B": logits[..., first:]}
    return _total([_losses(own[name], targets[name]) for name in streams])


def union_loss(
    joined: Transformer, tokens: Tensor, first: int, streams: Sequence[str] = STREAMS
) -> Tensor:
    """The same with one softmax over both vocabularies, which couples the streams.

    Args:
        joined: Of `join_streams`.
        tokens: Pairs (batch, position).
        first: |A|, the vocabulary of the first stream.
        streams: Those whose tokens count, "A" and "B".

    Returns:
        (batch, position − 1) in nats; 2 log 2 more than `stream_loss` where both halves of the
        logits have the same log Σ exp.

    Raises:
        InputError: If a stream is neither "A" nor "B".
    """
    logits, targets = _asked(joined, tokens, first, streams)
    shifted = {"A": targets["A"], "B": targets["B"] + first}
    return _total([_losses(logits, shifted[name]) for name in streams])


def _asked(
    joined: Transformer, tokens: Tensor, first: int, streams: Sequence[str]
) -> tuple[Tensor, dict[str, Tensor]]:
    """Logits (batch, position − 1, |A| + |B|) and the next token of each stream."""
    for name in streams:
        one_of("streams", name, STREAMS)
    logits, pairs = joined(tokens)[:, :-1], tokens[:, 1:]
    second = logits.shape[-1] - first
    return logits, {"A": pairs // second, "B": pairs % second}


def _losses(logits: Tensor, targets: Tensor) -> Tensor:
    flat = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none")
    return flat.view(targets.shape)


def _total(losses: Sequence[Tensor]) -> Tensor:
    return torch.stack(list(losses)).sum(0)


def _check_streams(first: Transformer, second: Transformer) -> None:
    """Require two transformers that can stand side by side.

    Raises:
        InputError: If one has what would couple them, or they differ in what they must share.
    """
    for model in (first, second):
        config = model.config
        if config.norm != "none" or config.bias or config.d_mlp or config.positions == "rotary":
            rule = "must be attention only, without norm, biases and rotary positions"
            raise InputError("streams", rule, config, "Set norm='none', d_mlp=0, bias=False.")
    shared = [(m.config.n_layers, m.config.d_head, m.config.context) for m in (first, second)]
    kinds = [m.config.positions for m in (first, second)]
    if shared[0] != shared[1] or kinds[0] != kinds[1]:
        rule = "must agree in layers, width of a head, context and positions"
        raise InputError("streams", rule, (shared, kinds), "Make them alike in these.")
