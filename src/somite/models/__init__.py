"""One model per file, each readable alone."""

from somite.models.block_linear import BlockLinear, block_linear_population_loss
from somite.models.contrastive import contrastive_loss
from somite.models.deep_linear import (
    DeepLinear,
    deep_linear_loss,
    deep_linear_population_loss,
)
from somite.models.deep_linear_centers import block_center, random_center
from somite.models.duplicates import Duplicates
from somite.models.gaussian_blocks import GaussianBlocks, block_inputs, gaussian_blocks_loss
from somite.models.head_roles import RoleTokens, head_roles
from somite.models.hugging_face import load_model
from somite.models.losses import (
    cross_entropy_loss,
    masked_lm_loss,
    next_token_loss,
    squared_error_loss,
)
from somite.models.mlp import MLP, block_connections
from somite.models.shared_bias import SharedBias
from somite.models.superposition import Superposition, superposition_population_loss
from somite.models.transformations import (
    balanced,
    permuted,
    rescaled,
    rotated,
    turned_heads,
    with_null_weight,
)
from somite.models.transformer import Transformer, TransformerConfig
from somite.models.two_stream import join_streams, stream_heads, stream_loss, union_loss

__all__ = [
    "MLP",
    "BlockLinear",
    "DeepLinear",
    "Duplicates",
    "GaussianBlocks",
    "RoleTokens",
    "SharedBias",
    "Superposition",
    "Transformer",
    "TransformerConfig",
    "balanced",
    "block_center",
    "block_connections",
    "block_inputs",
    "block_linear_population_loss",
    "contrastive_loss",
    "cross_entropy_loss",
    "deep_linear_loss",
    "deep_linear_population_loss",
    "gaussian_blocks_loss",
    "head_roles",
    "join_streams",
    "load_model",
    "masked_lm_loss",
    "next_token_loss",
    "permuted",
    "random_center",
    "rescaled",
    "rotated",
    "squared_error_loss",
    "stream_heads",
    "stream_loss",
    "superposition_population_loss",
    "turned_heads",
    "union_loss",
    "with_null_weight",
]
