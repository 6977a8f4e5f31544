"""A transformer of a few hundred weights in float64, and rows for it."""

import torch
from torch import Tensor

from somite.models import Transformer, TransformerConfig

VOCAB, CONTEXT = 7, 6

SHAPES: dict[str, dict[str, object]] = {
    "shortformer": {},
    "learned": {"positions": "learned"},
    "rotary": {"positions": "rotary"},
    "rms": {"norm": "rms"},
    "no norm": {"norm": "none"},
    "mlp": {"d_mlp": 5},
    "bias": {"bias": True},
    "all": {"positions": "rotary", "norm": "rms", "d_mlp": 5, "bias": True},
}


def tiny_transformer(**changes: object) -> Transformer:
    shape = {"n_layers": 2, "d_model": 8, "n_heads": 3, "d_head": 4, **changes}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = Transformer(TransformerConfig(vocab_size=VOCAB, context=CONTEXT, **shape)).double()
        for parameter in model.parameters():  # No weight at 0 or 1: biases and norms act too.
            parameter.data += 0.1 * torch.randn_like(parameter)
    return model


def tiny_rows(n: int = 12, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(VOCAB, (n, CONTEXT), generator=generator)
