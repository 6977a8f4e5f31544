"""Many tokens: time and memory of recording, susceptibilities and the largest influences."""

import resource
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr

import somite as so
from somite.core.random import stream
from somite.sampling.probing import Probe
from somite.sampling.recording import Record, recording

LENGTH = 100
"""Tokens of an example."""
CHAINS = 4
NOISES = 16
"""Patterns of noise, which take turns."""
QUERIES = 20
"""Tokens whose largest influences are looked for."""


def measure(tokens: int, components: int, draws: int) -> dict[str, Any]:
    """Seconds and MiB for so many tokens, components and draws in all chains."""
    torch.set_num_threads(2)
    generator = stream("response scale")
    names = [f"{i}" for i in range(components)]
    each = draws // CHAINS
    reference = torch.randn(components, CHAINS, each, generator=generator)
    with tempfile.TemporaryDirectory() as folder:
        path, start, before = Path(folder) / "store", time.perf_counter(), peak()
        _write(path, names, reference, tokens, generator)
        written = time.perf_counter() - start
        size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
        losses, taken = so.recorded(path, "code"), so.recorded_draws(path)
        start = time.perf_counter()
        so.susceptibility(taken, losses)
        answered = time.perf_counter() - start
        start = time.perf_counter()
        one = losses.loss.isel(component=[0])
        so.top_influences(one, one.isel(example=[0], token=slice(QUERIES)))
        influenced = time.perf_counter() - start
        return {
            "tokens": tokens, "components": components, "draws": each * CHAINS,
            "store_mib": size / 2**20, "record_seconds": written,
            "susceptibility_seconds": answered, "top_influence_seconds": influenced,
            "memory_mib": peak() - before,
        }  # fmt: skip


def peak() -> float:
    """Largest memory of this process so far, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


def _write(
    path: Path, names: list[str], reference: torch.Tensor, tokens: int, generator: torch.Generator
) -> None:
    """Losses as sampling would record them: noise beside what they owe to the reference."""
    each = reference.shape[2]
    shape = (tokens // LENGTH, LENGTH)
    probe = Probe(torch.zeros(1), torch.zeros(shape), 1)
    record = Record(path, {"code": "token"}, precision="float16")
    noise = torch.randn(NOISES, *shape, generator=generator)
    with recording(record, {"code": probe}, names, CHAINS, each) as recorder:
        assert recorder is not None
        for chain in range(CHAINS):
            for draw in range(each):
                for i, name in enumerate(names):
                    level = reference[i, chain, draw]
                    losses = level + noise[(7 * draw + i) % NOISES]
                    recorder.add((name, chain), "code", draw, losses, 0.0)
        recorder.finish(_draws(names, reference.numpy()))


def _draws(names: list[str], reference: np.ndarray) -> xr.Dataset:
    axes = ("component", "chain", "probe_draw")
    return xr.Dataset(
        {
            "probe_loss": (("probe", *axes), reference[None].astype(np.float64)),
            "status": (axes[:2], np.full(reference.shape[:2], "converged")),
        },
        {"component": names, "chain": np.arange(CHAINS), "probe": ["reference"]},
        {"n_beta": 1.0, "localization": 1.0, "seed": 0},
    )
