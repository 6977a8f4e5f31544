"""The model of the bars, and text with structure for its heads to use.

Two layers of attention alone, 8 heads of width 16 each, 128 wide, 1024 tokens, rows of 128. The
text is a Markov chain in which every token has eight likely successors; half of the rows repeat a
string of 16 to 48 tokens to their end.
"""

import math
from pathlib import Path

import torch
from torch import Tensor

from somite.core.random import stream, stream_seed
from somite.models import Transformer, TransformerConfig, next_token_loss

SHAPE = TransformerConfig(vocab_size=1024, context=128, n_layers=2, d_model=128, d_head=16)
TINY = TransformerConfig(vocab_size=32, context=16, n_layers=2, d_model=16, n_heads=2, d_head=8)
ROWS, TINY_ROWS, BATCH, TINY_BATCH = 2048, 64, 32, 4
STEPS, LEARNING_RATE, WARM_UP = 500, 4e-3, 30
SUCCESSORS, SURPRISE, PERIODS = 8, 0.15, (16, 48)
CACHE = Path(__file__).parents[1] / ".cache"


def shape(tiny: bool = False) -> TransformerConfig:
    """Shape of the model."""
    return TINY if tiny else SHAPE


def batch_size(tiny: bool = False) -> int:
    """Rows per minibatch."""
    return TINY_BATCH if tiny else BATCH


def heads(config: TransformerConfig, layer: int | None = None) -> list[str]:
    """Names of the heads of one layer, or of all."""
    layers = range(config.n_layers) if layer is None else [layer]
    return [f"{i}:{h}" for i in layers for h in range(config.n_heads)]


def untrained(config: TransformerConfig) -> Transformer:
    """The model at random weights, always the same."""
    with torch.random.fork_rng(devices=[]):
        torch.random.manual_seed(stream_seed("benchmark weights"))
        return Transformer(config)


def text(config: TransformerConfig, count: int) -> Tensor:
    """Rows of tokens (count, context)."""
    generator = stream("benchmark text", config.vocab_size, config.context)
    vocabulary = config.vocab_size
    likely = torch.randint(vocabulary, (vocabulary, SUCCESSORS), generator=generator)
    rows = torch.empty(count, config.context, dtype=torch.long)
    rows[:, 0] = torch.randint(vocabulary, (count,), generator=generator)
    for i in range(1, config.context):
        chosen = torch.randint(SUCCESSORS, (count,), generator=generator)
        other = torch.randint(vocabulary, (count,), generator=generator)
        surprise = torch.rand(count, generator=generator) < SURPRISE
        rows[:, i] = torch.where(surprise, other, likely[rows[:, i - 1], chosen])
    return repeated(rows, generator)


def repeated(rows: Tensor, generator: torch.Generator) -> Tensor:
    """The same with every second row a string repeated to its end."""
    longest = rows.shape[1]
    low, high = (min(period, longest // 2) for period in PERIODS)
    for row in rows[::2]:
        period = int(torch.randint(low, high + 1, (1,), generator=generator))
        row[:] = row[:period].repeat(math.ceil(longest / period))[:longest]
    return rows


def trained(tiny: bool = False) -> tuple[Transformer, Tensor]:
    """The model after a short training, kept in a folder that git ignores, and its text."""
    config = shape(tiny)
    rows = text(config, TINY_ROWS if tiny else ROWS)
    if tiny:
        return untrained(config).eval(), rows
    path = CACHE / f"heads-{STEPS}-{LEARNING_RATE:g}.pt"
    model = untrained(config)
    if not path.is_file():
        train(model, rows, STEPS)
        CACHE.mkdir(exist_ok=True)
        (CACHE / ".gitignore").write_text("*\n")
        torch.save(model.state_dict(), path)
    model.load_state_dict(torch.load(path))
    return model.eval(), rows


def train(model: Transformer, rows: Tensor, steps: int) -> list[float]:
    """Adam with a learning rate that falls to zero, so that the end is near a minimum.

    Returns:
        The loss of every step.
    """
    generator = stream("benchmark training")
    optimizer = torch.optim.Adam(model.parameters(), LEARNING_RATE)
    found = []
    for step in range(steps):
        rate = min((step + 1) / WARM_UP, (1 + math.cos(math.pi * step / steps)) / 2)
        optimizer.param_groups[0]["lr"] = LEARNING_RATE * rate
        index = torch.randint(len(rows), (BATCH,), generator=generator)
        loss = next_token_loss(model, rows[index]).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        found.append(loss.item())
    return found
