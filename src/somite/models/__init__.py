"""One model per file, each readable alone."""

from somite.models.deep_linear import (
    DeepLinear,
    deep_linear_loss,
    deep_linear_population_loss,
)
from somite.models.deep_linear_centers import block_center, random_center
from somite.models.losses import next_token_loss
from somite.models.superposition import Superposition, superposition_population_loss
from somite.models.transformer import Transformer, TransformerConfig

__all__ = [
    "DeepLinear",
    "Superposition",
    "Transformer",
    "TransformerConfig",
    "block_center",
    "deep_linear_loss",
    "deep_linear_population_loss",
    "next_token_loss",
    "random_center",
    "superposition_population_loss",
]
