"""What single and half precision do to the coefficients: the same chains, computed differently.

    python benchmarks/precision.py [--tiny] [--out FOLDER]

A few heads of the model of the bars, at its trained weights; minibatches and noise are the same in
every run, so that only rounding differs. Differences of the coefficients are given in units of
their Monte Carlo errors. With weights in bfloat16 a chain keeps its state in single precision; the
center is rounded, and is compared with the rounded center in single precision. With a GPU, the
same on it, and it beside the CPU.
"""

import copy
from dataclasses import dataclass, field
from dataclasses import replace as changed
from typing import Any

import numpy as np
import torch
import xarray as xr
from record import options, show, store
from speed.chains import LOCALIZATION, N_BETA, STEP_SIZE
from speed.heads_model import batch_size, trained
from speed.workers import workers
from torch import Generator, Tensor

import somite as so
from somite.core.random import stream
from somite.models import Transformer, next_token_loss
from somite.sampling.kernels.kernel import Point, Scene

CHAINS, BURN_IN, DRAWS, ROWS = 2, 10, 40, 512
HEADS = ("0:0", "0:4", "1:0", "1:4")
COLUMNS = ("pair", "median", "largest", "largest relative")
PAIRS = {
    "single / double, CPU": ("single, CPU", "double, CPU"),
    "bfloat16 / single at the rounded center, CPU": ("bfloat16, CPU", "rounded, CPU"),
    "bfloat16 / single, CPU": ("bfloat16, CPU", "single, CPU"),
    "single, GPU / CPU": ("single, GPU", "single, CPU"),
    "bfloat16 / single at the rounded center, GPU": ("bfloat16, GPU", "rounded, GPU"),
}

Row = dict[str, Any]


@dataclass(frozen=True)
class SameNoise(so.SGLD):
    """SGLD whose noise is drawn in single precision: PyTorch draws other numbers in double.

    Args:
        started: Chains that have started; each has a stream of its own.
    """

    started: list[int] = field(default_factory=list, compare=False)

    def start(self, scene: Scene) -> Generator:
        """The stream of the next chain."""
        self.started.append(1)
        return stream("benchmark noise", len(self.started))

    def step(self, here: Point, state: Generator, scene: Scene) -> tuple[Tensor, Generator]:
        """One step from a point."""

        def noise() -> Tensor:
            drawn = torch.randn(here.weights.shape, generator=state)
            return drawn.to(here.weights)

        weights, _ = super().step(here, None, changed(scene, noise=noise))
        return weights, state

    def diffusion(self, state: Any) -> float:
        """ε."""
        return self.step_size


def estimates(model: Transformer, rows: Tensor, tiny: bool) -> xr.Dataset:
    """Coefficients of a few heads with their errors."""
    masks = so.components(model, "heads")
    names = [name for name in HEADS if name in masks]
    draws = so.sample(
        model,
        so.Target(next_token_loss, rows, N_BETA, LOCALIZATION),
        SameNoise(STEP_SIZE),
        components={name: masks[name] for name in names},
        batch_size=batch_size(tiny),
        chains=CHAINS,
        burn_in=2 if tiny else BURN_IN,
        draws=10 if tiny else DRAWS,
        sharing=model.embed.dtype != torch.bfloat16,  # shared sums are rounded in another order
    )
    return so.llc(draws)


def all_estimates(tiny: bool) -> dict[str, xr.Dataset]:
    """In every precision, on every device at hand."""
    model, rows = trained(tiny)
    rows = rows[:ROWS]
    half = copy.deepcopy(model).bfloat16()
    models = {"single": model, "rounded": copy.deepcopy(half).float(), "bfloat16": half}
    found = {"double, CPU": estimates(copy.deepcopy(model).double(), rows, tiny)}
    devices = {"CPU": "cpu"} | ({"GPU": "cuda"} if torch.cuda.is_available() else {})
    for device, place in devices.items():
        for name, one in models.items():
            moved = copy.deepcopy(one).to(place)
            found[f"{name}, {device}"] = estimates(moved, rows.to(place), tiny)
    return found


def compared(found: dict[str, xr.Dataset]) -> list[Row]:
    """Differences of pairs in units of the Monte Carlo error, and relative to the coefficient."""
    lines = []
    for pair, (one, other) in PAIRS.items():
        if one in found and other in found:
            gap = np.abs(found[one].llc.values - found[other].llc.values)
            errors = gap / found[other].mcse.values
            relative = gap / np.abs(found[other].llc.values)
            lines.append({
                "pair": pair, "median": float(np.median(errors)), "largest": float(errors.max()),
                "largest relative": float(relative.max()),
            })  # fmt: skip
    return lines


def run(tiny: bool = False) -> Row:
    """All pairs."""
    with workers(0 if tiny else 1, 1) as work:
        found: dict[str, xr.Dataset] = work(all_estimates, [(tiny,)])[0]
    single = found["single, CPU"]
    return {
        "pairs": compared(found),
        "heads": single.component.values.tolist(),
        "llc": single.llc.values.tolist(),
        "mcse": single.mcse.values.tolist(),
        "bars": [],
    }


def main() -> None:
    """Measure, print and store."""
    arguments = options(__doc__).parse_args()
    found = run(arguments.tiny)
    print("differences in Monte Carlo errors")
    show(found["pairs"], COLUMNS)
    print(store("precision", found, arguments.out), flush=True)


if __name__ == "__main__":
    main()
