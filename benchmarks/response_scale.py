"""Do 100,000 tokens × 16 heads × 200 draws fit into 2 GB, and how long do they take?

    python benchmarks/response_scale.py [--tiny] [--tokens N] [--out FOLDER]

What `somite respond` and `somite influence` do, on one thread: heads of a transformer shaped like
`language-small` are sampled with BAOAB, and again without any loss; the losses of all tokens are
recorded at every fifth draw; then come χ of all tokens with errors, the directions of the response
matrix of posterior, control and noise, and the largest influences. Memory is the peak beyond model
and data. The command records posterior and control side by side, on two cores. Where devinterp is
installed (extra `bench`), its susceptibilities of fewer tokens are timed beside ours.
"""

import resource
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from linear_response.peer import race
from record import options, show, store
from torch import Tensor

import somite as so
from somite.core.random import stream
from somite.models import Transformer, TransformerConfig
from somite.study.influence_tables import influence_tables
from somite.study.recorded_cells import TEXT, read_losses
from somite.study.response_tables import response_tables

CONFIG = TransformerConfig(vocab_size=256, context=64, n_layers=2, d_model=64, d_head=32)
TOKENS, TINY = 100_000, 630
CHAINS = {"chains": 4, "burn_in": 14, "draws": 250, "probe_every": 5, "batch_size": 4}
SHORT = {"chains": 2, "burn_in": 2, "draws": 40}
KERNEL, LOCALIZATION, N_BETA = so.BAOAB(0.034, 45.0), 300.0, 100.0
DOMAINS = ("one", "two", "three", "four", "five")
QUERIES = 12
PEER_ROWS = 200
"""Rows of the race with devinterp, which holds all losses in memory."""
LIMIT = 2048
"""MiB beyond the model."""


def peak() -> float:
    """Largest memory of this process so far, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


@dataclass
class Stages:
    """Seconds of CPU, of the clock, and memory of one stage after the other."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    before: float = field(default_factory=peak)

    def do(self, name: str, work: Callable[[], Any]) -> Any:
        """Do a stage."""
        start, begin = time.perf_counter(), time.process_time()
        found = work()
        seconds, wall = time.process_time() - begin, time.perf_counter() - start
        row = {"stage": name, "seconds": seconds, "wall": wall, "peak_mib": peak() - self.before}
        self.rows.append(row)
        print(
            f"{name}: {seconds:.0f} s of CPU in {wall:.0f} s, {row['peak_mib']:.0f} MiB",
            flush=True,
        )
        return found


def run(tokens: int, tiny: bool = False) -> dict[str, Any]:
    """All stages; in tiny mode with short chains."""
    count = -(-tokens // (CONFIG.context - 1))
    model, data, text = _model(), _rows(2048, "data"), _rows(count, "text")
    domains = [DOMAINS[i * len(DOMAINS) // count] for i in range(count)]
    settings, stages = CHAINS | (SHORT if tiny else {}), Stages()
    with tempfile.TemporaryDirectory() as folder:
        paths = {name: Path(folder) / name for name in ("posterior", "control")}
        for seed, (name, path) in enumerate(paths.items()):
            n_beta = 0.0 if name == "control" else N_BETA
            target = so.Target(so.next_token_loss, data, n_beta, LOCALIZATION)
            stages.do(f"record {name}", lambda t=target, p=path, s=seed: so.sample(
                model, t, KERNEL, components="heads", probes={"reference": data[:64], TEXT: text},
                record=so.Record(p, {TEXT: "token"}, precision="float16"), seed=s, **settings,
            ))  # fmt: skip
        own, control = (read_losses(path) for path in paths.values())
        stages.do("tables", lambda: response_tables(own, control, domains, 100, 0))
        chosen = list(range(0, count, -(-count // QUERIES)))
        stages.do("influences", lambda: influence_tables(own, control, chosen, 10))
        highest = max(row["peak_mib"] for row in stages.rows)
        raced = race(own, PEER_ROWS)
        size = sum(f.stat().st_size for f in Path(folder).rglob("*") if f.is_file()) / 2**20
    return {
        "tokens": text.shape[0] * (CONFIG.context - 1),
        "components": own.loss.sizes["component"],
        "draws": own.loss.sizes["chain"] * own.loss.sizes["probe_draw"],
        "settings": settings,
        "store_mib": size,
        "stages": stages.rows,
        "peak_mib": highest,
        "limit_mib": LIMIT,
        "devinterp": raced,
    }


def _model() -> Transformer:
    with torch.random.fork_rng(devices=[]):
        torch.random.manual_seed(0)
        return Transformer(CONFIG)


def _rows(count: int, name: str) -> Tensor:
    shape = (count, CONFIG.context)
    return torch.randint(CONFIG.vocab_size, shape, generator=stream("response scale", name))


def main() -> None:
    """Measure, print and store."""
    parser = options(__doc__)
    parser.add_argument("--tokens", type=int, default=TOKENS, help=f"{TOKENS:,} by default")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    found = run(TINY if arguments.tiny else arguments.tokens, arguments.tiny)
    show(found["stages"], ("stage", "seconds", "wall", "peak_mib"))
    print("devinterp:", found["devinterp"] or "not installed")
    print(f"peak {found['peak_mib']:.0f} of {LIMIT} MiB")
    print(store("response_scale", found, arguments.out))


if __name__ == "__main__":
    main()
