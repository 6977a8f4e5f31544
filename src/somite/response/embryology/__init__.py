"""Tokens in the space of susceptibilities over training: where they lie and how they move."""

from somite.response.embryology.categories import token_categories
from somite.response.embryology.embedding import embed_tokens
from somite.response.embryology.motion import token_motion

__all__ = ["embed_tokens", "token_categories", "token_motion"]
