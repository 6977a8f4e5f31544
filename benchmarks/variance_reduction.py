"""Do gradient and Stein control variates help? Variance of the estimate over repeats, in one run.

    plain    SGLD
    center   SGLD with gradients g_B(w) - g_B(w*) + grad L(w*): one more backward pass of the whole
             model per minibatch, whose cost is in the seconds
    Stein    SGLD, the estimate corrected by a control variate fitted on other chains

Three targets: the heads of a trained transformer at its last checkpoint, a deep linear network on
noiseless data (minibatch noise vanishes at the center), linear regression on noisy data (it does
not). A ratio above 1 is a gain: variance of plain over variance, and the same per second.

    python benchmarks/variance_reduction.py [RUN]
"""

import argparse
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr
from paired_baseline import DEMO, commit, load_context, smoke_run
from torch import Tensor, nn

import somite as so
from somite.components import Mask
from somite.core.random import stream
from somite.data.config import MIXTURE
from somite.estimators.stein import stein_llc
from somite.models import DeepLinear, deep_linear_loss, random_center

GROUP = 4
"""Chains of one estimate."""
RESULTS = Path(__file__).parent / "results" / "variance_reduction.json"


@dataclass(frozen=True)
class Bench:
    """One target and the sampler on it."""

    model: nn.Module
    target: so.Target
    kernel: so.SGLD
    components: str | Mapping[str, Mask]
    settings: Mapping[str, Any]


def heads(run: Path) -> Bench:
    """Heads of a run's last checkpoint, at the published scale."""
    context = load_context(run)
    rows = context.rows(MIXTURE, context.recipe.sampling.rows, "train", 0)
    target = so.Target(so.next_token_loss, rows, n_beta=30, localization=200)
    model = context.model(context.series.steps()[-1])
    return Bench(model, target, so.SGLD(2.5e-3), "heads", {"batch_size": 4, "burn_in": 40})


def deep_linear() -> Bench:
    """A deep linear network at a true parameter, on minibatches of noiseless data."""
    model = DeepLinear.from_weights(random_center([10, 20, 20, 8], stream("bench")))
    data = model.inputs(2000, stream("bench", "inputs"))
    target = so.Target(deep_linear_loss, data, n_beta=1000, localization=100)
    return Bench(model, target, so.SGLD(1e-4), "full", {"batch_size": 32, "burn_in": 400})


def regression() -> Bench:
    """Linear regression at its optimum, with noise of the labels as large as the signal."""
    generator = stream("bench", "regression")
    inputs = torch.randn(2000, 20, generator=generator, dtype=torch.float64)
    labels = inputs.sum(1) + 20**0.5 * torch.randn(2000, generator=generator, dtype=torch.float64)
    model = nn.Linear(20, 1, bias=False, dtype=torch.float64)
    model.weight.data = torch.linalg.lstsq(inputs, labels[:, None]).solution.T.contiguous()

    def loss(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
        return (model(batch[0]).flatten() - batch[1]) ** 2

    target = so.Target(loss, (inputs, labels), n_beta=200, localization=10)
    return Bench(model, target, so.SGLD(2e-4), "full", {"batch_size": 16, "burn_in": 400})


def measure(bench: Bench, repeats: int, draws: int) -> dict[str, dict[str, float]]:
    """Variance over repeats and seconds of each method; medians over the components."""
    found: dict[str, dict[str, float]] = {}
    for name, center in (("plain", False), ("center", True)):
        started = time.perf_counter()
        sampled = so.sample(
            bench.model, bench.target, bench.kernel, components=bench.components,
            chains=GROUP * repeats, draws=draws, control_variates=center, **bench.settings,
        )  # fmt: skip
        seconds = time.perf_counter() - started
        groups = [sampled.isel(chain=slice(i, i + GROUP)) for i in range(0, GROUP * repeats, GROUP)]
        found[name] = summary([so.llc(g, "leave out") for g in groups], seconds)
        if name == "plain":
            found["Stein"] = summary([stein_llc(g, "leave out") for g in groups], seconds)
    plain = found["plain"]["values"]
    return {name: against(plain, found["plain"], row) for name, row in found.items()}


def summary(tables: list[xr.Dataset], seconds: float) -> dict[str, Any]:
    """Estimates (repeat, component) of one method, and its seconds."""
    return {"values": np.array([table.llc.values for table in tables]), "seconds": seconds}


def against(
    plain: np.ndarray, reference: Mapping[str, Any], row: Mapping[str, Any]
) -> dict[str, float]:
    """How much better than plain SGLD, in the geometric mean over the components."""
    ratios = plain.var(0, ddof=1) / row["values"].var(0, ddof=1)
    gain = float(np.exp(np.log(ratios).mean()))
    return {
        "mean llc": float(row["values"].mean()),
        "variance ratio": gain,
        "least": float(ratios.min()),
        "per second": gain * reference["seconds"] / row["seconds"],
    }


def main() -> None:
    """Measure, print and store."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", nargs="?", type=Path, help="a finished run of language-small")
    parser.add_argument("--repeats", type=int, default=24)
    parser.add_argument("--draws", type=int, default=100)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    run = arguments.run or (DEMO if (DEMO / "study.json").is_file() else smoke_run())
    benches = {"heads": heads(run), "deep linear": deep_linear(), "regression": regression()}
    record: dict[str, Any] = {"repeats": arguments.repeats, "draws": arguments.draws}
    for name, bench in benches.items():
        record[name] = measure(bench, arguments.repeats, arguments.draws)
        for method, row in record[name].items():
            print(f"{name:12} {method:7}", *(f"{key} {value:.3g}" for key, value in row.items()))
    record["commit"] = commit()
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
