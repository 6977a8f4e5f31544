"""A step of a full-model chain beside a training step: forward, backward, SGD update.

    python benchmarks/overhead.py [--tiny] [--repeats N] [--out FOLDER]

Both on minibatches of the same size, on 1 thread and on 2, in turn. The checks that a chain makes
at 4 of its steps are put on as in a chain of the default length.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from record import options, show, store
from speed.bars import bar, show_bars
from speed.chains import chain_cost
from speed.heads_model import batch_size, shape, text, untrained
from speed.timing import TrainingStep, ratios, spread
from speed.workers import workers
from torch import Tensor

import somite as so
from somite.sampling.kernels.kernel import Point, Scene

REPEATS, STEPS, ROWS, STEP_SIZE = 9, 12, 128, 1e-6
THREADS = (1, 2)


@dataclass(frozen=True)
class TimedSGLD(so.SGLD):
    """SGLD that notes the seconds of its noise and of its whole step."""

    noise: list[float] = field(default_factory=list, compare=False)
    whole: list[float] = field(default_factory=list, compare=False)

    def step(self, here: Point, state: None, scene: Scene) -> tuple[Tensor, None]:
        """One step from a point."""
        begin = time.perf_counter()
        found = super().step(here, state, replace(scene, noise=timed(scene.noise, self.noise)))
        self.whole.append(time.perf_counter() - begin)
        return found


def timed(work: Callable[[], Tensor], seconds: list[float]) -> Callable[[], Tensor]:
    """The same work, its seconds noted."""

    def run() -> Tensor:
        begin = time.perf_counter()
        found = work()
        seconds.append(time.perf_counter() - begin)
        return found

    return run


def one_repeat(number: int, tiny: bool) -> dict[str, float]:
    """Seconds per training step, per step of a chain, and of its parts."""
    config, batch = shape(tiny), batch_size(tiny)
    model, rows, steps = untrained(config), text(config, ROWS), 4 if tiny else STEPS
    trainer = TrainingStep(untrained(config))
    before = trainer.seconds(rows[:batch], steps // 2)
    kernel = TimedSGLD(STEP_SIZE)
    cost = chain_cost(model.eval(), rows, "full", batch, steps, number, kernel)
    after = trainer.seconds(rows[:batch], steps // 2)
    noise, whole = (sum(part[1:]) / len(part[1:]) for part in (kernel.noise, kernel.whole))
    return {
        "training step": (before + after) / 2,
        "chain step": cost.step,
        "without checks": cost.plain,
        "noise": noise,
        "update": whole - noise,
        "forward, backward, bookkeeping": cost.plain - whole,
    }


def run(repeats: int = REPEATS, tiny: bool = False) -> dict[str, Any]:
    """Both in turn, on one thread and on two."""
    found: dict[str, Any] = {"bars": []}
    for threads in THREADS:
        with workers(0 if tiny else 1, threads) as work:
            rows = [work(one_repeat, [(i, tiny)])[0] for i in range(repeats + 1)][1:]
        values = {name: [row[name] for row in rows] for name in rows[0]}
        name = f"{threads} thread" + "s" * (threads > 1)
        ratio = ratios(values["chain step"], values["training step"])
        found[name] = {part: spread(seconds) for part, seconds in values.items()}
        found[name]["ratio without checks"] = ratios(
            values["without checks"], values["training step"]
        )
        found["bars"].append(
            bar(3, f"full-model SGLD step / training step, {name}", ratio, most=1.15)
        )
    return found


def table(found: dict[str, Any]) -> list[dict[str, Any]]:
    """Milliseconds and shares of the parts."""
    rows = []
    for threads in ("1 thread", "2 threads"):
        step = found[threads]["without checks"]["median"]
        for part, value in found[threads].items():
            if part != "ratio without checks":
                ms = 1e3 * value["median"]
                rows.append(
                    {"threads": threads, "part": part, "ms": ms, "of a step": ms / step / 1e3}
                )
    return rows


def main() -> None:
    """Measure, print and store."""
    arguments = options(__doc__, REPEATS).parse_args()
    torch.set_num_threads(1)
    found = run(arguments.repeats, arguments.tiny)
    show(table(found), ("threads", "part", "ms", "of a step"))
    show_bars(found["bars"])
    print(store("overhead", found, arguments.out), flush=True)


if __name__ == "__main__":
    main()
