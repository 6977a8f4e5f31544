"""Small models in float64, drawn or built by hand so that what they do is known."""

import torch
from torch import Tensor

from somite.core.random import stream
from somite.models.transformer import Transformer, TransformerConfig

SHARP = 400.0


def drawn_model(**changes: object) -> Transformer:
    """A model with random weights and everything switched on that could go wrong."""
    shape = {"vocab_size": 7, "context": 12, "n_layers": 3, "d_model": 10, "n_heads": 2}
    settings = {**shape, "d_head": 4, "d_mlp": 6, "bias": True, **changes}
    model = Transformer(TransformerConfig(**settings)).double()
    generator = stream(0, "drawn model")
    for weight in model.parameters():
        new = torch.randn(weight.shape, generator=generator, dtype=torch.float64)
        weight.data.copy_(0.5 * new)
    return model


def drawn_rows(number: int = 6, length: int = 12, vocab_size: int = 7, seed: int = 0) -> Tensor:
    return torch.randint(vocab_size, (number, length), generator=stream(seed, "drawn rows"))


def blank_model(config: TransformerConfig) -> Transformer:
    """All attention and the unembedding zero, tokens one-hot, positions one-hot after them.

    Directions of the residual stream: tokens, positions (queries and keys only), the rest free.
    """
    model = Transformer(config).double()
    for weight in (*model.blocks.parameters(), model.embed, model.positions, model.unembed):
        weight.data.zero_()
    for norm in [block.norm_attn for block in model.blocks]:
        norm.weight.data.fill_(1.0)
    model.embed.data[:, : config.vocab_size] = torch.eye(config.vocab_size)
    place = slice(config.vocab_size, config.vocab_size + config.context)
    model.positions.data[:, place] = torch.eye(config.context)
    return model


def look_back(model: Transformer, layer: int, head: int, distance: int) -> None:
    """Make a head attend to the token `distance` places back, as far as there is one."""
    vocab, context, attn = model.config.vocab_size, model.config.context, model.block(layer).attn
    for key in range(context - distance):
        attn.W_Q.data[head, key, vocab + key + distance] = SHARP
        attn.W_K.data[head, key, vocab + key] = 1.0


def look_at_first(model: Transformer, layer: int, head: int) -> None:
    """Make a head attend to position 0."""
    vocab, context, attn = model.config.vocab_size, model.config.context, model.block(layer).attn
    attn.W_Q.data[head, 0, vocab : vocab + context] = SHARP
    attn.W_K.data[head, 0, vocab] = 1.0


def induction_circuit(vocab_size: int = 12, context: int = 16) -> Transformer:
    """Head 0:0 writes the token before each token beside it; head 1:0 looks for the current token
    among these (K-composition). Heads 0:1 and 1:1 do nothing and attend evenly.
    """
    config = TransformerConfig(
        vocab_size,
        context,
        n_layers=2,
        d_model=2 * vocab_size + context,
        n_heads=2,
        d_head=max(vocab_size, context) + 1,
        norm="rms",
    )
    model = blank_model(config)
    look_back(model, 0, 0, distance=1)
    token = torch.arange(vocab_size)
    beside = token + vocab_size + context
    first, second = model.block(0).attn, model.block(1).attn
    first.W_V.data[0, token, token] = 1.0
    first.W_O.data[0, token, beside] = config.d_model**-0.5  # undoes the scale of RMSNorm
    second.W_Q.data[0, token, token] = SHARP
    second.W_K.data[0, token, beside] = 1.0
    # Position 0 attends to itself, so that its own token stands beside it: keep it out.
    second.W_Q.data[0, -1, vocab_size : vocab_size + context] = SHARP * config.d_model
    second.W_K.data[0, -1, vocab_size] = -1.0
    return model


class TableOfNgrams:
    """Statistics given as tables: bigram (vocab, vocab), trigram (vocab, vocab, vocab)."""

    def __init__(self, bigram: Tensor, trigram: Tensor | None = None) -> None:
        self.bigram = bigram
        self.trigram = bigram.expand(len(bigram), -1, -1) if trigram is None else trigram

    def bigram_probabilities(self, previous: Tensor) -> Tensor:
        return self.bigram[previous]

    def trigram_probabilities(self, before_previous: Tensor, previous: Tensor) -> Tensor:
        return self.trigram[before_previous, previous]


def drawn_table(order: int, vocab_size: int = 7, seed: int = 0) -> Tensor:
    shape, generator = (vocab_size,) * order, stream(seed, "table", order)
    return (3 * torch.randn(shape, generator=generator, dtype=torch.float64)).softmax(-1)
