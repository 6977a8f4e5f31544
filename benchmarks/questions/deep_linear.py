"""Deep linear networks: is the estimate right, with the settings that `calibrate` chooses?

At a regular center the loss is quadratic across the set of true parameters, and the truth is
λ(n_beta, γ) = ½ Σ n_beta h / (n_beta h + γ) over the exact spectrum of the Hessian; half the rank
of the Jacobian is its limit. At a block center diag(W_r, 0) the loss is not quadratic, and the
truth is a long run of Hamiltonian Monte Carlo; the limit is Aoyagi's.
"""

import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.stats import spearmanr

import somite as so
from questions.networks import COUNTS, GPU_COUNTS, Network, networks
from questions.reference import long_run
from somite.calibration import Calibration, calibrate
from somite.core.random import stream
from somite.estimators.verdict import REFUSE
from somite.models import (
    DeepLinear,
    block_center,
    deep_linear_loss,
    deep_linear_population_loss,
)
from somite.sampling.target import Data, Loss
from somite.sampling.target import rows as examples
from somite.theory import (
    deep_linear_coefficient,
    gaussian_llc,
    hessian_spectrum,
    regular_coefficient,
)

ERROR = 0.02
"""Relative Monte Carlo error asked for."""
EXAMPLES, BATCH_SIZES, PROBE = 1000, (32, 64), 64
MINIBATCH_DECADES = (2, 3, 4)
EVERY = 2
"""Of the networks of these decades one in so many is sampled on minibatches too."""
BLOCKS = (((5, 5, 5), 2), ((4, 8, 6), 1), ((6, 6, 6, 6), 3), ((10, 5, 10), 2))
"""Widths and rank of block centers."""
REFERENCE_DRAWS = 1000
COLUMNS = (
    *("name", "data", "parameters", "layers", "llc", "mcse", "truth", "relative_error"),
    *("verdict", "asymptote", "seconds"),
)

Row = dict[str, Any]


def run(tiny: bool = False, folder: Path | None = None) -> dict[str, Any]:
    """All networks; a few small ones in tiny mode."""
    counts = {2: 1} if tiny else COUNTS | (GPU_COUNTS if torch.cuda.is_available() else {})
    rows = []
    for i, network in enumerate(networks(counts)):
        rows.append(said(on_population(network)))
        if network.decade in MINIBATCH_DECADES and i % EVERY == 0:
            rows.append(said(on_minibatches(network, BATCH_SIZES[i // EVERY % len(BATCH_SIZES)])))
    draws = 20 if tiny else REFERENCE_DRAWS
    chosen = BLOCKS[:1] if tiny else BLOCKS
    blocks = [said(at_block(widths, rank, draws)) for widths, rank in chosen]
    return {"error_asked": ERROR, "networks": rows, "block_centers": blocks} | {
        "summary": {
            "all": summary(rows),
            **{data: summary(_of(rows, data)) for data in ("population", "minibatches")},
            "spearman": spearman(rows),
        }
    }


def on_population(network: Network) -> Row:
    """Estimate with the exact population loss, against its truth."""
    device = "cuda" if network.decade > max(COUNTS) else "cpu"
    model, row = network.model(device), torch.zeros(1, device=device)
    found, settings = estimate(model, deep_linear_population_loss, row, None)
    spectrum = hessian_spectrum(model.matrices(), model.loss_scale)
    return found | _against_spectrum(network, "population", found, settings, spectrum)


def on_minibatches(network: Network, batch_size: int) -> Row:
    """Estimate on minibatches of random inputs, against the truth of these very inputs."""
    model = network.model()
    inputs = model.inputs(EXAMPLES, stream("benchmark inputs", network.name))
    found, settings = estimate(model, deep_linear_loss, inputs, batch_size)
    x = inputs.double().numpy()
    outputs = network.widths[-1]
    spectrum = hessian_spectrum(model.matrices(), 1 / outputs, x.T @ x / len(x))
    return found | _against_spectrum(network, "minibatches", found, settings, spectrum)


def at_block(widths: tuple[int, ...], rank: int, draws: int) -> Row:
    """Estimate at the most degenerate weights of a rank, against a long run."""
    center = block_center(widths, rank, stream("benchmark block", widths, rank))
    model, row = DeepLinear.from_weights(center), torch.zeros(1, dtype=torch.float64)
    found, settings = estimate(model, deep_linear_population_loss, row, None)
    target = settings.target(deep_linear_population_loss, row)
    reference = long_run(model, target, settings.kernel.step_size, draws)
    combined = float(np.hypot(found["mcse"], reference.mcse))
    return found | {
        "name": f"{widths} of rank {rank}",
        "data": "population",
        "parameters": sum(weight.numel() for weight in center),
        "layers": len(center),
        "truth": reference.llc,
        "reference": asdict(reference),
        "relative_error": found["llc"] / reference.llc - 1,
        "z": (found["llc"] - reference.llc) / combined,
        "asymptote": deep_linear_coefficient(widths, rank).value,
    }


def estimate(
    model: DeepLinear, loss: Loss, data: Data, batch_size: int | None
) -> tuple[Row, Calibration]:
    """λ̂ with the settings of `calibrate`, and nothing tuned by hand."""
    begin = time.process_time()
    settings = calibrate(
        model, loss, data, components="full", batch_size=batch_size, error=ERROR, map=False
    )
    calibrated = time.process_time()
    draws = so.sample(
        model, settings.target(loss, data), settings.kernel, components="full",
        probes={"reference": examples(data, slice(0, PROBE))}, seed=1, **settings.settings,
    )  # fmt: skip
    table = so.llc(draws, on_failure="leave out")
    names = ("llc", "mcse", "r_hat", "ess", "verdict", "reason", "center_verdict")
    row: Row = {name: table[name].item() for name in names}
    return row | {
        "n_beta": settings.n_beta,
        "localization": settings.localization,
        "kernel": str(settings.kernel),
        "batch_size": batch_size,
        "burn_in": settings.burn_in,
        "draws": settings.draws,
        "seconds_calibrating": calibrated - begin,
        "seconds": time.process_time() - begin,
    }, settings


def summary(rows: Sequence[Row]) -> Row:
    """Errors of a set of networks; refused ones are those whose own verdict is "don't use"."""
    error = np.array([abs(row["relative_error"]) for row in rows])
    refused = np.array([row["verdict"] == REFUSE for row in rows])
    z = np.array([row["z"] for row in rows])[~refused]
    return {
        "networks": len(rows),
        "share_refused": refused.mean(),
        "median_error": _statistic(np.median, error[~refused]),
        "worst_error": _statistic(np.max, error[~refused]),
        "median_error_of_all": _statistic(np.nanmedian, error),
        "worst_error_of_all": _statistic(np.nanmax, error),
        "z_mean": _statistic(np.mean, z),
        "z_sd": _statistic(np.std, z),
        "share_beyond_2": _statistic(np.mean, abs(z) > 2),
        "largest_z": _statistic(np.max, abs(z)),
    }


def spearman(rows: Sequence[Row]) -> dict[int, float]:
    """Rank correlation of estimate and truth within each decade of parameters."""
    found = {}
    for decade in sorted({row["decade"] for row in rows}):
        here = [row for row in _of(rows, "population") if row["decade"] == decade]
        pairs = [[row["llc"], row["truth"]] for row in here if row["verdict"] != REFUSE]
        found[decade] = float(spearmanr(pairs)[0]) if len(pairs) > 2 else float("nan")
    return found


def said(row: Row) -> Row:
    """Print a row as soon as it is known."""
    error, wide = 100 * row["relative_error"], f"{row['llc']:.4g} ± {row['mcse']:.2g}"
    print(f"{row['name']} {row['data']}: {wide}, truth {row['truth']:.4g} ({error:+.1f} %), "
          f"{row['verdict']}, {row['seconds']:.1f} s", flush=True)  # fmt: skip
    return row


def _against_spectrum(
    network: Network, data: str, found: Row, settings: Calibration, spectrum: Any
) -> Row:
    truth = gaussian_llc(spectrum, settings.n_beta, settings.localization)
    asymptote = regular_coefficient([weight.numpy() for weight in network.center]).value
    return {
        "name": network.name,
        "decade": network.decade,
        "data": data,
        "parameters": network.parameters,
        "widths": network.widths,
        "layers": len(network.center),
        "reduced": network.reduced,
        "truth": truth,
        "relative_error": found["llc"] / truth - 1,
        "z": (found["llc"] - truth) / found["mcse"],
        "asymptote": asymptote,
        "asymptotic_error": found["llc"] / asymptote - 1,
    }


def _of(rows: Sequence[Row], data: str) -> list[Row]:
    return [row for row in rows if row["data"] == data]


def _statistic(function: Any, values: np.ndarray) -> float:
    return float(function(values)) if len(values) else float("nan")
