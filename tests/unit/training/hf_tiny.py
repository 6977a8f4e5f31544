"""A language model of transformers that takes a blink to make and to save."""

from pathlib import Path

import torch
from transformers import GPTNeoXConfig, GPTNeoXForCausalLM


def tiny_pythia(seed: int = 0, hidden: int = 8) -> GPTNeoXForCausalLM:
    config = GPTNeoXConfig(
        vocab_size=16,
        hidden_size=hidden,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=16,
    )
    with torch.random.fork_rng():
        torch.random.manual_seed(seed)
        return GPTNeoXForCausalLM(config)


def saved(folder: Path, seed: int = 0, hidden: int = 8) -> GPTNeoXForCausalLM:
    """The model, saved into a folder."""
    model = tiny_pythia(seed, hidden)
    model.save_pretrained(folder)
    return model
