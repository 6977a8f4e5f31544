"""One model per file, each readable alone."""

from somite.models.losses import next_token_loss
from somite.models.transformer import Transformer, TransformerConfig

__all__ = ["Transformer", "TransformerConfig", "next_token_loss"]
