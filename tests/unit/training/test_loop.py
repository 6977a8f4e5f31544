import math
from dataclasses import replace

import pytest
import torch

from somite.core.errors import InputError
from somite.core.fingerprint import fingerprint
from somite.models import next_token_loss
from somite.training import CheckpointSeries, TrainingConfig
from somite.training.loop import OPTIMIZERS
from unit.training import tiny


class Killed(Exception):
    """Stands in for a kill."""


def dying_batch(at):
    def batch(step):
        if step == at:
            raise Killed
        return tiny.batch(step)

    return batch


def state(series):
    return {step: fingerprint(series.weights(step)) for step in series.steps()}


def test_keeps_exactly_the_planned_checkpoints(tmp_path):
    series, history = tiny.run(tmp_path)
    assert series.steps() == tiny.KEEP
    assert [record["step"] for record in history] == tiny.KEEP
    assert series.history() == history


def test_first_checkpoint_is_the_initial_model(tmp_path):
    series, _ = tiny.run(tmp_path)
    assert fingerprint(series.weights(0)) == fingerprint(tiny.new_model().state_dict())


def test_history_holds_the_losses_at_the_checkpoint(tmp_path):
    series, history = tiny.run(tmp_path)
    model = tiny.new_model()
    for record in history:
        model.load_state_dict(series.weights(record["step"]))
        with torch.no_grad():
            expected = float(next_token_loss(model, tiny.ROWS[16:20]).mean())
        assert record["loss"]["b"] == pytest.approx(expected, rel=1e-6)
    assert history[0]["train_loss"] is None


def test_train_loss_is_the_mean_since_the_checkpoint_before(tmp_path):
    seen = []
    _, history = tiny.run(tmp_path, progress=lambda step, loss: seen.append((step, loss)))
    assert [step for step, _ in seen] == list(range(1, 11))
    losses = [loss for _, loss in seen]
    expected = [sum(losses[a:b]) / (b - a) for a, b in ((0, 3), (3, 6), (6, 10))]
    assert [record["train_loss"] for record in history[1:]] == pytest.approx(expected)


def test_loss_falls(tmp_path):
    config = TrainingConfig(steps=150, batch_size=8, warm_up=10, learning_rate=1e-2)
    _, history = tiny.run(tmp_path, config, keep=[0, 150])
    assert history[0]["loss"]["a"] == pytest.approx(math.log(16), rel=0.1)
    assert history[1]["loss"]["a"] < history[0]["loss"]["a"] - 0.5


@pytest.mark.parametrize("at", [0, 2, 3, 5, 8, 9])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_stopped_and_resumed_equals_uninterrupted(tmp_path, at, optimizer):
    config = replace(tiny.CONFIG, optimizer=optimizer)
    whole, history = tiny.run(tmp_path / "whole", config)
    with pytest.raises(Killed):
        tiny.run(tmp_path / "parts", config, batch=dying_batch(at))
    parts, resumed = tiny.run(tmp_path / "parts", config)
    assert state(parts) == state(whole)
    assert resumed == history


def test_stopped_at_every_step_equals_uninterrupted(tmp_path):
    keep = list(range(11))
    whole, history = tiny.run(tmp_path / "whole", keep=keep)
    for at in range(1, 10):
        with pytest.raises(Killed):
            tiny.run(tmp_path / "parts", keep=keep, batch=dying_batch(at))
    parts, resumed = tiny.run(tmp_path / "parts", keep=keep)
    assert state(parts) == state(whole)
    assert resumed == history


def test_resuming_without_the_optimizer_would_change_the_numbers(tmp_path):
    """The wrong twin: what restores the weights alone must not pass the test above."""
    whole, _ = tiny.run(tmp_path / "whole")
    with pytest.raises(Killed):
        tiny.run(tmp_path / "parts", batch=dying_batch(8))
    model = tiny.new_model()
    model.load_state_dict(CheckpointSeries(tmp_path / "parts").weights(6))
    fresh = torch.optim.AdamW(model.parameters(), lr=1e-2, weight_decay=0.05)
    for step in range(6, 10):
        fresh.zero_grad()
        next_token_loss(model, tiny.batch(step)).mean().backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        fresh.step()
    assert fingerprint(model.state_dict()) != fingerprint(whole.weights(10))


def test_sgd_takes_the_step_of_its_formula(tmp_path):
    config = TrainingConfig(
        steps=2, batch_size=8, warm_up=0, learning_rate=0.1, weight_decay=0.0, optimizer="sgd"
    )
    series, _ = tiny.run(tmp_path, config, keep=[0, 1, 2])
    model, velocity = tiny.new_model(), {}
    for step in range(2):
        model.zero_grad()
        next_token_loss(model, tiny.batch(step)).mean().backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        with torch.no_grad():
            for name, weight in model.named_parameters():
                velocity[name] = 0.9 * velocity.get(name, 0.0) + weight.grad
                weight.sub_(0.1 * velocity[name])
    for name, weight in model.state_dict().items():
        torch.testing.assert_close(series.weights(2)[name], weight)


def test_a_finished_series_is_left_alone(tmp_path):
    _, history = tiny.run(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    _, again = tiny.run(tmp_path, batch=dying_batch(0))
    assert again == history
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_warm_up_scales_the_first_steps(tmp_path):
    def moved(warm_up):
        config = TrainingConfig(steps=1, batch_size=8, warm_up=warm_up, learning_rate=1e-2)
        series, _ = tiny.run(tmp_path / str(warm_up), config, keep=[0, 1])
        first, last = series.weights(0), series.weights(1)
        return sum(float((last[name] - first[name]).abs().sum()) for name in first)

    assert moved(10) == pytest.approx(moved(0) / 10, rel=1e-3)


def test_leaves_the_callers_threads_and_random_state(tmp_path):
    torch.set_num_threads(2)
    try:
        before = torch.get_rng_state()
        tiny.run(tmp_path)
        assert torch.get_num_threads() == 2
        assert torch.equal(torch.get_rng_state(), before)
    finally:
        torch.set_num_threads(1)


def test_divergence_is_one_line_with_a_remedy(tmp_path):
    config = TrainingConfig(steps=10, batch_size=8, warm_up=0, learning_rate=1e30)
    with pytest.raises(InputError, match=r"training loss must stay finite, .* at step \d+.*Lower"):
        tiny.run(tmp_path, config)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"steps": 0}, "steps must be a whole number of at least 1"),
        ({"batch_size": 2.5}, "batch_size must be a whole number"),
        ({"threads": 0}, "threads must be a whole number of at least 1"),
        ({"warm_up": -1}, "warm_up must be a whole number of at least 0"),
        ({"learning_rate": 0.0}, "learning_rate must be positive"),
        ({"clip": math.nan}, "clip must be positive"),
        ({"weight_decay": -0.1}, "weight_decay must be zero or more"),
        ({"optimizer": "adam"}, "optimizer must be a known name"),
        ({"initial_scale": 0.0}, "initial_scale must be positive"),
    ],
)
def test_refuses_bad_settings(settings, words):
    with pytest.raises(InputError, match=words):
        TrainingConfig(**settings)
