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
    with torch.no_grad():
        logits = model(**tokenizer("The capital of France is", return_tensors="pt")).logits
    assert tokenizer.decode(logits[0, -1].argmax()) == " Paris"
    assert len(components(model, "heads")) == 30 * 9
    assert len(components(model, "keys_values")) == 30 * 3
    parts = components(model, "parts")
    assert sum(mask.size for mask in parts.values()) == 134_515_008  # embedding and end are one
