"""Decoders of Hugging Face: which weights are which component, family by family."""

from somite.components.families.decoder import Decoder, decoder

__all__ = ["Decoder", "decoder"]
