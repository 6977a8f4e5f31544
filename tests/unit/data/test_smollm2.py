"""A real language model, where the cache has it."""

import pytest
import torch
from transformers import AutoTokenizer

import somite as so
from required import without
from somite.components import components
from somite.data.smollm2 import SMOLLM2


@pytest.mark.slow  # reads 0.5 GB of weights: 5 to 10 s
def test_the_real_model_is_whole_and_knows_its_components():
    if not SMOLLM2.folder.is_dir():
        without("smollm2 is not in the cache; run `somite data fetch smollm2`")
    model = so.load_model(SMOLLM2.folder)
    tokenizer = AutoTokenizer.from_pretrained(SMOLLM2.folder)
    text = "The sun rises in the east and sets in the west, and the days are longest in summer."
    with torch.no_grad():
        loss = so.next_token_loss(model, tokenizer(text, return_tensors="pt")["input_ids"]).mean()
    assert loss < 5  # of 10.8 for chance among 49,152 tokens
    assert len(components(model, "heads")) == 30 * 9
    assert len(components(model, "keys_values")) == 30 * 3
    parts = components(model, "parts")
    assert sum(mask.size for mask in parts.values()) == 134_515_008  # embedding and end are one
