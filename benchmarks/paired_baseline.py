"""How much does the paired baseline save? See docs/design.md, The engine.

Every draw w on minibatch B gives three estimates of L(w) - L(w*):

    paired   L_B(w) - L_B(w*)           what somite records
    exact    L_B(w) - L(w*)             L(w*) the mean over all the data
    peer     L_B(w) - mean of L over 32 other minibatches at w*

At equal draws, over repeats that differ in all random numbers, the variance of the mean over draws
is compared, head by head. The model is the transformer of a finished run: by default that of
`make demo`, and where there is none the small one of the recipe `smoke`, made here.

    python benchmarks/paired_baseline.py [RUN] [--step STEP]
"""

import argparse
import json
import platform
from pathlib import Path

import numpy as np
import torch
import xarray as xr
from record import commit

from somite.components import components
from somite.core.random import stream
from somite.data.config import MIXTURE
from somite.models.losses import next_token_loss
from somite.sampling import SGLD, Target, sample
from somite.sampling.observables.losses import example_losses
from somite.sampling.views import center_losses
from somite.study import load_recipe, run_study
from somite.study.context import Context
from somite.study.folder import read_manifest
from somite.study.recipe import build

REPEATS, DRAWS, BURN_IN, PEER_BATCHES = 48, 40, 10, 32
DEMO = Path("runs/language-small")
RESULTS = Path(__file__).parent / "results" / "paired_baseline.json"


def repeats(context: Context, step: int) -> xr.Dataset:
    """Chains around one checkpoint; a chain, with minibatches of its own, is a repeat."""
    settings = context.recipe.sampling
    rows = context.rows(MIXTURE, settings.rows, "train", settings.seed)
    target = Target(next_token_loss, rows, settings.n_beta, settings.localization)
    model = context.model(step)
    draws = sample(
        model,
        target,
        SGLD(settings.step_size),
        components=components(model, settings.components),
        batch_size=settings.batch_size,
        chains=REPEATS,
        burn_in=BURN_IN,
        draws=DRAWS,
        seed=1,
    )
    center = example_losses(center_losses(model.eval(), next_token_loss), rows, chunk=64)
    generator = stream("peer baseline")
    index = torch.randint(
        len(rows), (REPEATS, PEER_BATCHES * settings.batch_size), generator=generator
    )
    peer = center[index].mean(1).numpy()
    return draws.assign(exact=float(center.mean()), peer=("chain", peer))


def variance_ratios(draws: xr.Dataset) -> dict[str, np.ndarray]:
    """Variance over repeats of the unpaired estimates, divided by the paired one's, by head."""
    raw = draws.loss + draws.center_loss
    estimates = {"exact": raw - draws.exact, "peer": raw - draws.peer}
    paired = draws.loss.mean("draw").var("chain", ddof=1)
    return {
        name: (values.mean("draw").var("chain", ddof=1) / paired).transpose("component").values
        for name, values in estimates.items()
    }


def main() -> None:
    """Measure, print and store."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", nargs="?", type=Path, help="a finished run of language-small")
    parser.add_argument("--step", type=int, help="checkpoint; the last by default")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    run = arguments.run or (DEMO if (DEMO / "study.json").is_file() else smoke_run())
    context = load_context(run)
    step = context.series.steps()[-1] if arguments.step is None else arguments.step
    ratios = variance_ratios(repeats(context, step))
    record = {
        "recipe": context.recipe.name,
        "step": step,
        "repeats": REPEATS,
        "draws": DRAWS,
        "batch_size": context.recipe.sampling.batch_size,
        "torch": torch.__version__,
        "machine": f"{platform.machine()} {platform.system()}",
        "commit": commit(),
    }
    for name, values in ratios.items():
        mean = float(np.exp(np.log(values).mean()))
        print(f"paired against {name}: geometric mean {mean:.1f}, least {values.min():.1f}")
        record[name] = {"geometric mean": mean, "least": float(values.min())}
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(record, indent=1) + "\n")


def smoke_run() -> Path:
    """A run of the recipe `smoke`, made unless it is there."""
    return run_study(load_recipe("smoke"), Path("runs/smoke"))


def load_context(run: Path) -> Context:
    """Context of a finished run."""
    manifest = read_manifest(run)
    recipe = build(manifest["settings"])
    return Context(run, recipe, run / manifest["corpus"], run / manifest["training"])


if __name__ == "__main__":
    main()
