"""The same networks with devinterp 2.0.1, at the best of a grid of step size and n_beta.

Its own chains run (`sample_single_chain`), and the estimate is formed as its `compute_llc` does:
burn-in counts, chains that failed enter with the losses they had, the loss at the center is the
mean over 32 minibatches. Only the store that it writes at every step is left out, which takes most
of its time. It takes token ids; these are numbers of examples here.

Localization is what `calibrate` chose for the network, and the steps per chain are those of
somite's final run, which favours the peer. Each estimate is compared with the truth at its own
n_beta and localization. Two choices are made among the 16 points: the best for each network, with
the truth known, and the one of the smallest median error over all networks. The first profits from
chance, and is therefore run once more with other random numbers.

Needs the results of `deep_linear` in the same folder, and the extra `bench`.
"""

import contextlib
import io
import itertools
import json
import math
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from record import RESULTS
from torch import Tensor

from questions.deep_linear import EXAMPLES, estimate
from questions.networks import COUNTS, Network, networks
from somite.core.random import stream
from somite.models import DeepLinear, deep_linear_loss, deep_linear_population_loss
from somite.theory import gaussian_llc, hessian_spectrum

STEP_SIZES = (1e-6, 1e-5, 1e-4, 1e-3)
N_BETAS = (1e2, 1e3, 1e4, 1e5)
LARGEST, EVERY = 3e4, 2
"""Of the networks with so many parameters or fewer, one in so many is asked."""
SUBSET = {decade: COUNTS[decade] for decade in (2, 3, 4)}
MINIBATCHES_EVERY = 4
"""One of so many is asked on minibatches, the others with the population loss."""
MOST_DRAWS = 200
CHAINS, INIT_BATCHES = 4, 32
COLUMNS = (
    *("name", "data", "parameters", "layers", "somite_error", "best_error", "again_error"),
    *("best_step", "best_n_beta", "diverged"),
)

Row = dict[str, Any]
Point = tuple[float, float]


def run(tiny: bool = False, folder: Path = RESULTS) -> dict[str, Any]:
    """The grid on a subset of the networks, beside somite's numbers."""
    rows = []
    for network in networks({2: 1} if tiny else SUBSET):
        data = "population" if tiny or _number(network) % MINIBATCHES_EVERY else "minibatches"
        if tiny:
            rows.append(on_grid(network, data, quick(network), tiny=True))
        elif network.parameters <= LARGEST and _number(network) % EVERY == 0:
            rows.append(on_grid(network, data, stored(network.name, data, folder), tiny=False))
    errors = {f"{step:g} {n_beta:g}": [row["grid"][i] for row in rows]
              for i, (step, n_beta) in enumerate(grid(tiny))}  # fmt: skip
    one = min(errors, key=lambda name: _median(errors[name]))
    return {
        "networks": rows,
        "best_single_point": one,
        "summary": {
            "somite": summary([row["somite_error"] for row in rows]),
            "peer, best point of each": summary([row["best_error"] for row in rows]),
            "peer, the same again": summary([row["again_error"] for row in rows]),
            "peer, best single point": summary(errors[one]),
        },
    }


def grid(tiny: bool = False) -> list[Point]:
    """Step sizes and n_betas."""
    found = list(itertools.product(STEP_SIZES, N_BETAS))
    return found[5:7] if tiny else found


def on_grid(network: Network, data: str, known: Row, *, tiny: bool) -> Row:
    """Errors of the peer at every point, the best, and the best once more."""
    steps = (20, 20) if tiny else (known["burn_in"], min(known["draws"], MOST_DRAWS))
    model, loss, inputs, spectrum = problem(network, data)
    batch, localization = known["batch_size"] or 1, known["localization"]
    begin = time.process_time()

    def error(point: Point, seed: int) -> float:
        found = peer_llc(model, loss, inputs, point, localization, batch, steps, seed)
        return abs(found / gaussian_llc(spectrum, point[1], localization) - 1)

    points = grid(tiny)
    errors = [error(point, 100) for point in points]
    best = min(range(len(points)), key=lambda i: errors[i] if math.isfinite(errors[i]) else 1e9)
    return {
        "name": network.name,
        "data": data,
        "parameters": network.parameters,
        "layers": len(network.center),
        "somite_error": abs(known.get("relative_error") or math.nan),
        "best_error": errors[best],
        "again_error": error(points[best], 900),
        "best_step": points[best][0],
        "best_n_beta": points[best][1],
        "diverged": sum(not math.isfinite(value) or value > 1e3 for value in errors),
        "grid": errors,
        "localization": localization,
        "steps": list(steps),
        "seconds": time.process_time() - begin,
    }


def problem(network: Network, data: str) -> tuple[DeepLinear, Any, Tensor, np.ndarray]:
    """Model, loss, inputs and spectrum, those of `deep_linear`."""
    model = network.model()
    if data == "population":
        return (model, deep_linear_population_loss, torch.zeros(32),
                hessian_spectrum(model.matrices(), model.loss_scale))  # fmt: skip
    inputs = model.inputs(EXAMPLES, stream("benchmark inputs", network.name))
    x = inputs.double().numpy()
    covariance = x.T @ x / len(x)
    spectrum = hessian_spectrum(model.matrices(), 1 / network.widths[-1], covariance)
    return model, deep_linear_loss, inputs, spectrum


def peer_llc(
    model: DeepLinear, loss: Any, inputs: Tensor, point: Point, localization: float,
    batch: int, steps: tuple[int, int], seed: int,
) -> float:  # fmt: skip
    """Estimate of the peer; NaN if no loss was finite."""
    from devinterp.slt.config import SAMPLING_METHODS  # the extra `bench`
    from devinterp.slt.sampler import sample_single_chain

    losses: list[list[float]] = [[] for _ in range(CHAINS)]

    def evaluate(network: DeepLinear, examples: dict[str, Tensor]) -> tuple[Tensor, dict[str, Any]]:
        return loss(network, inputs[examples["input_ids"][:, 0]])[:, None], {}

    def keep(loss: Tensor, chain: int, **more: Any) -> None:
        losses[chain].append(float(loss.mean()))

    ids = [{"input_ids": torch.tensor([i, 0])} for i in range(len(inputs))]
    settings = {"lr": point[0], "nbeta": point[1], "localization": localization}
    quiet = contextlib.redirect_stderr(io.StringIO())
    with quiet, warnings.catch_warnings(), torch.random.fork_rng():
        warnings.simplefilter("ignore")
        for chain in range(CHAINS):
            sample_single_chain(
                model, ids, evaluate, {name: None for name, _ in model.named_parameters()},
                num_burnin_steps=steps[0], num_draws=steps[1], batch_size=batch, chain=chain,
                sampling_method=SAMPLING_METHODS["sgmcmc_sgld"], sampling_method_kwargs=settings,
                seed=seed + chain, dataloader_seed=seed, micro_callback=keep,
            )  # fmt: skip
        return point[1] * (peer_mean(losses) - center_loss(model, loss, inputs, batch))


def peer_mean(losses: Sequence[Sequence[float]]) -> float:
    """Mean over the steps of each chain, then over chains, NaN left out as the peer does."""
    with np.errstate(all="ignore"):
        return float(np.nanmean([np.nanmean(chain) for chain in losses]))


@torch.no_grad()
def center_loss(model: DeepLinear, loss: Any, inputs: Tensor, batch: int) -> float:
    """Mean loss of the center over minibatches."""
    generator = stream("benchmark peer", batch)
    index = torch.randint(len(inputs), (INIT_BATCHES * batch,), generator=generator)
    return float(loss(model, inputs[index]).mean())


def stored(name: str, data: str, folder: Path) -> Row:
    """What somite found for a network, from the results of `deep_linear`."""
    rows: list[Row] = json.loads((folder / "accuracy_deep_linear.json").read_text())["networks"]
    return next(row for row in rows if (row["name"], row["data"]) == (name, data))


def quick(network: Network) -> Row:
    """What somite finds, in tiny mode."""
    row, _ = estimate(network.model(), deep_linear_population_loss, torch.zeros(1), None)
    return row


def summary(errors: Sequence[float | None]) -> Row:
    """Median and worst error; those that are not finite are counted."""
    known = [value for value in errors if value is not None and math.isfinite(value)]
    return {
        "estimates": len(errors),
        "not_finite": len(errors) - len(known),
        "median_error": float(np.median(known)) if known else math.nan,
        "worst_error": max(known, default=math.nan),
    }


def _number(network: Network) -> int:
    return int(network.name.split(".")[1])


def _median(errors: Sequence[float]) -> float:
    return float(np.median([value if math.isfinite(value) else 1e9 for value in errors]))
