"""Peak memory of chains, in units of the weights and of a forward and backward pass.

    python benchmarks/memory.py [--tiny] [--out FOLDER]

Every allocation and release of PyTorch's allocator between begin and end of a call is added up
(`torch.profiler` with memory; on a CPU these are all tensors, to the byte), so the result depends
neither on the machine's load nor on what the process held before. The peak of `sample` counts the
copy of the model that it makes, the checks before the first step and the losses at the center.
"""

import gc
import resource
from collections.abc import Callable
from typing import Any

from record import options, show, store
from speed.bars import bar, show_bars
from speed.chains import STEP_SIZE, target
from speed.heads_model import batch_size, shape, text, untrained
from speed.workers import workers
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile

import somite as so
from somite.models import Transformer, TransformerConfig, next_token_loss

LARGE = TransformerConfig(
    vocab_size=9600, context=64, n_layers=12, d_model=768, n_heads=12, d_head=64, d_mlp=3072
)
"""100 million weights."""
LARGE_TINY = TransformerConfig(
    vocab_size=64, context=8, n_layers=2, d_model=64, n_heads=2, d_head=32, d_mlp=256
)
LARGE_BATCH, ROWS, DRAWS, MIB = 2, 64, 4, 2**20
COLUMNS = ("what", "MiB", "MiB of forward and backward", "ratio")

Row = dict[str, Any]


def peak(work: Callable[[], Any]) -> int:
    """Most bytes of tensors held at one time by a call, above those held before it."""
    gc.collect()
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as watched:
        work()
    results = watched.profiler.kineto_results
    changes = [e for e in results.events() if e.name() == "[memory]"]
    held = most = 0
    for change in sorted(changes, key=lambda event: event.start_ns()):
        held += change.nbytes()
        most = max(most, held)
    return most


def size(model: nn.Module) -> int:
    """Bytes of the weights."""
    return sum(weight.nbytes for weight in model.parameters())


def pass_peak(model: nn.Module, rows: Tensor) -> int:
    """Peak of a forward and backward pass, the gradient of every weight included."""

    def work() -> None:
        next_token_loss(model, rows).mean().backward()

    model.requires_grad_(True)
    most = peak(work)
    model.zero_grad(set_to_none=True)
    return most


def forward_peak(model: nn.Module, rows: Tensor) -> int:
    """Activations: what a forward pass makes and keeps for the backward pass."""
    model.requires_grad_(True)
    return peak(lambda: next_token_loss(model, rows).mean())


def chain_peak(model: Transformer, rows: Tensor, components: str, batch: int, step: float) -> int:
    """Peak of one chain of some components."""

    def work() -> None:
        so.sample(
            model, target(rows), so.SGLD(step), components=components,
            batch_size=batch, chains=1, burn_in=1, draws=DRAWS, probe_every=DRAWS,
        )  # fmt: skip

    return peak(work)


def of_heads(tiny: bool) -> list[Row]:
    """A head of each layer, and all heads, beside one pass of the same batch."""
    config, batch = shape(tiny), batch_size(tiny)
    model, rows = untrained(config).eval(), text(config, ROWS)
    one = pass_peak(model, rows[:batch])
    found = []
    for name in ("0:0", "1:0", "heads"):
        most = chain_peak(model, rows, name, batch, STEP_SIZE)
        found.append(line(name, most, one) | {"ratio": most / one})
    return found


def of_large(tiny: bool) -> Row:
    """A full-model chain of a large model, the caller's own weights counted."""
    config = LARGE_TINY if tiny else LARGE
    model, rows = untrained(config).eval(), text(config, 8)
    weights = size(model)
    one = pass_peak(model, rows[:LARGE_BATCH])
    activations = forward_peak(model, rows[:LARGE_BATCH])
    most = chain_peak(model, rows, "full", LARGE_BATCH, 1e-7)
    return line("full", most + weights, one + weights) | {
        "weights": weights,
        "activations": activations,
        "times the weights": (most + weights - activations) / weights,
        "process": 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
    }


def line(name: str, most: int, one: int) -> Row:
    """Peaks in MiB."""
    return {"what": name, "MiB": most / MIB, "MiB of forward and backward": one / MIB}


def run(tiny: bool = False) -> Row:
    """Heads and the large model, each in a process of its own."""
    with workers(0 if tiny else 1, 1) as work:
        heads: list[Row] = work(of_heads, [(tiny,)])[0]
    with workers(0 if tiny else 1, 1) as work:
        large: Row = work(of_large, [(tiny,)])[0]
    worst = max(row["ratio"] for row in heads if row["what"] != "heads")
    return {
        "heads": heads,
        "large": large,
        "bars": [
            bar(4, "peak of a head's chain / of a forward and backward pass", worst, most=1.05),
            bar(4, "(peak of a full-model chain − activations) / weights, 100M weights",
                large["times the weights"], most=4),
        ],
    }  # fmt: skip


def main() -> None:
    """Measure, print and store."""
    arguments = options(__doc__).parse_args()
    found = run(arguments.tiny)
    show([*found["heads"], found["large"]], COLUMNS)
    show_bars(found["bars"])
    print(store("memory", found, arguments.out), flush=True)


if __name__ == "__main__":
    main()
