"""A network with dropout, data, and what measures it: seconds of training in all."""

import random
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

import somite as so
from somite.core.random import kept_random, stream
from somite.integrations import CheckpointSaver, LLCMonitor, Watcher

ROWS = torch.randn(24, 3, generator=stream("rows"))
SETTINGS = {"components": "full", "chains": 2, "burn_in": 1, "draws": 8, "batch_size": 4}


def squares(model: nn.Module, rows: Tensor) -> Tensor:
    return (model(rows) - rows).square().mean(1)


def network() -> nn.Module:
    return nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.3), nn.Linear(4, 3))


def monitor(folder: Path, steps: object = 2, **changes: object) -> LLCMonitor:
    target = so.Target(squares, ROWS, n_beta=10, localization=5)
    kernel = changes.pop("kernel", so.SGLD(1e-3))
    return LLCMonitor(folder, target, kernel, steps, **{**SETTINGS, **changes})


def watchers(folder: Path) -> list[Watcher]:
    return [monitor(folder / "llc"), CheckpointSaver(folder / "checkpoints", [0, 3])]


class Clumsy(Watcher):
    """Draws a number and forgets to put it back: the tests of undisturbed runs must see it."""

    def check(self, model: nn.Module) -> None:
        pass

    def look(self, model: nn.Module, step: int) -> dict[str, float]:
        return {}

    def __call__(self, model: nn.Module, step: int) -> dict[str, float]:
        torch.rand(1)
        return {}


def noisy(rows: Tensor) -> Tensor:
    """Rows as an augmenting loader gives them: random in all three ways."""
    shift = random.random() + np.random.rand()  # noqa: NPY002
    return rows + 0.01 * shift + 0.01 * torch.randn_like(rows)


def random_state() -> tuple[object, ...]:
    return torch.get_rng_state().tolist(), random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002


def seed_all(seed: int) -> None:
    torch.manual_seed(seed)
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002


def train(watching: list[Watcher], steps: int = 6) -> dict[str, object]:
    """A loop of one's own; everything that it leaves."""
    with kept_random():
        seed_all(0)
        return _trained(watching, steps)


def _trained(watching: list[Watcher], steps: int) -> dict[str, object]:
    model = network()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    losses = []
    for step in range(steps):
        for watch in watching:
            watch(model, step)
        rows = noisy(ROWS[torch.randint(len(ROWS), (4,))])
        optimizer.zero_grad()
        loss = squares(model, rows).mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return left(model, optimizer, losses)


def left(
    model: nn.Module, optimizer: torch.optim.Optimizer, losses: list[float]
) -> dict[str, object]:
    """All that a run leaves, as plain values."""
    slots = optimizer.state_dict()["state"]
    return {
        "weights": {name: w.tolist() for name, w in model.state_dict().items()},
        "gradients": {n: None if p.grad is None else p.grad.tolist() for n, p in pairs(model)},
        "requires_grad": {name: p.requires_grad for name, p in pairs(model)},
        "modes": [module.training for module in model.modules()],
        "hooks": [len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules()],
        "optimizer": {
            k: {n: torch.as_tensor(v).tolist() for n, v in s.items()} for k, s in slots.items()
        },
        "losses": losses,
        "random": random_state(),
    }


def pairs(model: nn.Module) -> list[tuple[str, nn.Parameter]]:
    return list(model.named_parameters())
