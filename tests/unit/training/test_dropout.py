"""Dropout in training: none at 0, the right law, and the same numbers after a stop."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from somite.core.errors import InputError
from somite.core.fingerprint import fingerprint
from somite.models import next_token_loss
from somite.training import TrainingConfig
from somite.training.dropout import dropped
from unit.training import tiny


def weights(series):
    return fingerprint(series.weights(series.steps()[-1]))


def trained_plainly(steps):
    """The loop without dropout, written out."""
    model, config = tiny.new_model(), tiny.CONFIG
    optimizer = torch.optim.AdamW(
        model.parameters(), config.learning_rate, weight_decay=config.weight_decay
    )
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = config.learning_rate * min(1.0, (step + 1) / config.warm_up)
        optimizer.zero_grad()
        next_token_loss(model, tiny.batch(step)).mean().backward()
        nn.utils.clip_grad_norm_(model.parameters(), config.clip)
        optimizer.step()
    return fingerprint(model.state_dict())


def test_none_leaves_every_bit(tmp_path):
    without, _ = tiny.run(tmp_path / "without", replace(tiny.CONFIG, dropout=0.0))
    assert weights(without) == trained_plainly(tiny.KEEP[-1])
    some, _ = tiny.run(tmp_path / "some", replace(tiny.CONFIG, dropout=0.2))
    assert weights(some) != weights(without)


def test_a_run_that_was_stopped_goes_on_with_the_same_numbers(tmp_path):
    config = replace(tiny.CONFIG, dropout=0.3)
    whole, _ = tiny.run(tmp_path / "whole", config)
    stopped = replace(config, steps=6)
    tiny.run(tmp_path / "parts", stopped, keep=[0, 3, 6])
    parts, _ = tiny.run(tmp_path / "parts", config)
    assert weights(parts) == weights(whole)


def test_entries_are_dropped_with_that_chance_and_the_mean_is_kept():
    model = tiny.new_model()
    tokens = tiny.ROWS.repeat(40, 1)
    with torch.no_grad():
        residual = model.start(tokens)
        added = model.run_block(0, residual) - residual
        with dropped(model, 0.25, "test"):
            changed = model.run_block(0, residual) - residual
        again = model.run_block(0, residual) - residual
    assert torch.equal(again, added)  # no hook is left behind
    ratio = (changed / added).flatten()
    kept = ratio.abs() > 1e-3
    torch.testing.assert_close(
        ratio[kept], torch.full_like(ratio[kept], 1 / 0.75), rtol=1e-3, atol=0
    )
    share, number = float(kept.double().mean()), kept.numel()
    assert abs(share - 0.75) < 4 * (0.25 * 0.75 / number) ** 0.5


@pytest.mark.parametrize("share", [-0.1, 1.0, float("nan")])
def test_a_share_that_cannot_be(share):
    with pytest.raises(InputError, match="dropout must be at least 0 and below 1"):
        TrainingConfig(dropout=share)


def test_another_model_is_refused():
    with (
        pytest.raises(InputError, match="dropout is for our transformers, got 'Linear'"),
        dropped(nn.Linear(2, 2), 0.1),
    ):
        pass
