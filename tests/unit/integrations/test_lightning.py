"""A run of Lightning with the callback is the run without it, to the bit."""

import sys
from pathlib import Path

import lightning.pytorch as pl
import pytest
import torch
from lightning.pytorch.loggers import CSVLogger
from torch import Tensor
from torch.utils.data import DataLoader

from somite.core.errors import InputError
from somite.core.random import kept_random
from somite.integrations import Watcher
from somite.integrations.lightning import SomiteCallback
from unit.integrations.small import (
    ROWS,
    Clumsy,
    left,
    monitor,
    network,
    noisy,
    seed_all,
    squares,
    watchers,
)


class Lit(pl.LightningModule):
    """The small network, with losses kept."""

    def __init__(self) -> None:
        super().__init__()
        self.network = network()
        self.losses: list[float] = []

    def training_step(self, rows: Tensor) -> Tensor:
        loss = squares(self.network, noisy(rows)).mean()
        self.losses.append(loss.item())
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.AdamW(self.parameters(), lr=1e-2)


def fit(
    folder: Path, watching: list[Watcher], before: str | None = None, **changes: object
) -> tuple[Lit, pl.Trainer]:
    seed_all(0)
    trainer = pl.Trainer(
        accelerator="cpu",
        default_root_dir=folder,
        callbacks=[SomiteCallback(*watching, submodule="network")],
        enable_progress_bar=False,
        enable_model_summary=False,
        **{
            "max_steps": 9,
            "log_every_n_steps": 1,
            "logger": False,
            "enable_checkpointing": False,
            **changes,
        },
    )
    lit = Lit()
    trainer.fit(lit, DataLoader(ROWS, batch_size=4, shuffle=True), ckpt_path=before)
    return lit, trainer


def run(folder: Path, watching: list[Watcher], **changes: object) -> dict[str, object]:
    """Train, and give everything the run leaves."""
    with kept_random():
        lit, trainer = fit(folder, watching, **changes)
        return left(lit, trainer.optimizers[0], lit.losses)


def test_the_run_is_the_same_to_the_bit(tmp_path):
    plain = run(tmp_path, [])
    assert len(plain["losses"]) == 9
    assert run(tmp_path, watchers(tmp_path)) == plain
    assert run(tmp_path, [Clumsy(1)]) != plain
    assert monitor(tmp_path / "llc").table().step.values.tolist() == [0, 2, 4, 6, 8]


def test_accumulated_batches_are_one_step(tmp_path):
    watch = monitor(tmp_path, 1)
    calls: list[int] = []
    watch.look = lambda model, step: calls.append(step) or {}  # type: ignore[method-assign]
    run(tmp_path, [watch], accumulate_grad_batches=2, max_steps=3)
    assert calls == [0, 1, 2, 3]


def test_values_reach_the_logger(tmp_path):
    logger = CSVLogger(tmp_path)
    watch = monitor(tmp_path / "llc", 2)
    run(tmp_path, [watch], logger=logger, max_steps=3)
    lines = (Path(logger.log_dir) / "metrics.csv").read_text().splitlines()
    assert {"somite/llc/full", "somite/mcse/full", "step"} == set(lines[0].split(","))
    place = lines[0].split(",").index("somite/llc/full")
    found = [float(line.split(",")[place]) for line in lines[1:]]
    assert found == watch.table().llc.values[:, 0].tolist()


def test_a_resumed_run_goes_on_with_its_table(tmp_path):
    with kept_random():
        _, first = fit(tmp_path, [monitor(tmp_path / "llc", 3)], max_steps=6)  # one epoch
        first.save_checkpoint(tmp_path / "half.ckpt")
        fit(tmp_path, [monitor(tmp_path / "llc", 3)], str(tmp_path / "half.ckpt"))
    assert monitor(tmp_path / "llc").table().step.values.tolist() == [0, 3, 6, 9]


def test_bad_input_is_said_before_training(tmp_path):
    wrong = monitor(tmp_path, [4], components="hedas")
    with pytest.raises(InputError, match="components must select at least one weight"):
        run(tmp_path, [wrong])


def test_a_missing_library_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "lightning.pytorch", None)
    monkeypatch.delitem(sys.modules, "somite.integrations.lightning")
    words = "SomiteCallback needs the package `lightning`, .*pip install somite.lightning."
    with pytest.raises(InputError, match=words):
        __import__("somite.integrations.lightning")
