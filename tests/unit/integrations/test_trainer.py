"""A run of the Trainer with the callback is the run without it, to the bit."""

import sys
from pathlib import Path

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from transformers import GPT2Config, GPT2LMHeadModel, Trainer, TrainingArguments

import somite as so
from somite.core.errors import InputError
from somite.core.random import kept_random, stream
from somite.integrations import CheckpointSaver, LLCMonitor, Watcher
from somite.integrations.trainer import SomiteCallback
from unit.integrations.small import Clumsy, left, noisy, seed_all

ATTENTION = "transformer.h.0.attn.c_attn.weight"
TOKENS = torch.randint(11, (16, 6), generator=stream("tokens"))
BOTH = {f"somite/{name}/{ATTENTION}" for name in ("llc", "mcse")}


def gpt2() -> GPT2LMHeadModel:
    config = GPT2Config(vocab_size=11, n_positions=8, n_embd=8, n_layer=1, n_head=2)
    return GPT2LMHeadModel(config)


def collate(rows: list[dict[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
    """Rows that depend on all random states: one token is replaced."""
    tokens = torch.stack([row["input_ids"] for row in rows])
    tokens[0, 0] = int(noisy(torch.rand(1)) * 10) % 11
    return {"input_ids": tokens, "labels": tokens}


def monitor(folder: Path, steps: object = 2, **changes: object) -> LLCMonitor:
    target = so.Target(so.next_token_loss, TOKENS, n_beta=10, localization=100)
    settings = {"components": ATTENTION, "chains": 2, "burn_in": 0, "draws": 8, "batch_size": 4}
    return LLCMonitor(folder, target, so.SGLD(1e-3), steps, **{**settings, **changes})


def trainer(folder: Path, **changes: object) -> Trainer:
    settings = {"max_steps": 5, "logging_steps": 2, "save_strategy": "no", "report_to": []}
    arguments = TrainingArguments(
        folder,
        per_device_train_batch_size=4,
        use_cpu=True,
        dataloader_pin_memory=False,
        disable_tqdm=True,
        **{**settings, **changes},
    )
    rows = [{"input_ids": row} for row in TOKENS]
    seed_all(0)
    return Trainer(gpt2(), arguments, train_dataset=rows, data_collator=collate)


def run(folder: Path, watching: list[Watcher]) -> dict[str, object]:
    """Train, and give everything the run leaves but times."""
    with kept_random():
        training = trainer(folder)
        if watching:
            training.add_callback(SomiteCallback(training, *watching))
        training.train()
        logs = [log for log in training.state.log_history if not BOTH & log.keys()]
        kept = ("loss", "grad_norm", "learning_rate", "epoch", "step", "train_loss")
        losses = [{name: log[name] for name in kept if name in log} for log in logs]
        return left(training.model, training.optimizer, losses)


def test_the_run_is_the_same_to_the_bit(tmp_path):
    plain = run(tmp_path, [])
    assert len(plain["losses"]) == 3
    saver = CheckpointSaver(tmp_path / "kept", [1, 4], write=GPT2LMHeadModel.save_pretrained)
    assert run(tmp_path, [monitor(tmp_path / "llc"), saver]) == plain
    assert run(tmp_path, [Clumsy(1)]) != plain
    assert monitor(tmp_path / "llc").table().step.values.tolist() == [0, 2, 4]
    again = GPT2LMHeadModel.from_pretrained(tmp_path / "kept" / "step-00000004")
    assert again.config.vocab_size == 11


def test_values_reach_the_logs_and_tensorboard(tmp_path, monkeypatch):
    monkeypatch.setenv("TENSORBOARD_LOGGING_DIR", str(tmp_path / "board"))
    with kept_random():
        training = trainer(tmp_path, max_steps=2, report_to=["tensorboard"])
        watch = monitor(tmp_path / "llc", 1)
        training.add_callback(SomiteCallback(training, watch))
        training.train()
    logged = [log for log in training.state.log_history if BOTH & log.keys()]
    assert [log["step"] for log in logged] == [0, 1, 2]
    table = watch.table()
    assert [log[f"somite/llc/{ATTENTION}"] for log in logged] == table.llc.values[:, 0].tolist()
    board = EventAccumulator(str(tmp_path / "board")).Reload()
    names = [name for name in board.Tags()["scalars"] if ATTENTION in name]
    assert len(names) == 2
    assert [event.step for event in board.Scalars(names[0])] == [0, 1, 2]


def test_a_resumed_run_goes_on_with_its_table(tmp_path):
    with kept_random():
        for steps, before in ((2, None), (4, str(tmp_path / "checkpoint-2"))):
            training = trainer(tmp_path, max_steps=steps, save_strategy="steps", save_steps=2)
            training.add_callback(SomiteCallback(training, monitor(tmp_path / "llc")))
            training.train(resume_from_checkpoint=before)
    assert monitor(tmp_path / "llc").table().step.values.tolist() == [0, 2, 4]


def test_bad_input_is_said_before_training(tmp_path):
    with kept_random():
        training = trainer(tmp_path)
        wrong = monitor(tmp_path / "llc", [4], components="hedas")
        training.add_callback(SomiteCallback(training, wrong))
        with pytest.raises(InputError, match="components must select at least one weight"):
            training.train()
    assert training.state.global_step == 0


def test_a_missing_library_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    monkeypatch.delitem(sys.modules, "somite.integrations.trainer")
    words = "SomiteCallback needs the package `transformers`, .*pip install somite.hf."
    with pytest.raises(InputError, match=words):
        __import__("somite.integrations.trainer")
