"""How the time grows with draws, components, size of the model and workers.

    python benchmarks/scaling.py [--tiny] [--repeats N] [--out FOLDER]

Slopes are those of log time on log number, with the error that the repeats give. Workers do two
sampling jobs of a study of the size of the bars: one worker of one thread, two such workers, and
two on a Ray cluster of this machine where `ray` is installed. Short and long jobs are timed; the
rate is the difference of their steps over that of their times, in which the start of the processes
and the checks before the first step do not count.
"""

import dataclasses
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from record import options, show, store
from speed.bars import bar, show_bars
from speed.chains import chain_cost, chosen
from speed.heads_model import batch_size, shape, text, untrained
from speed.timing import ratios, spread
from speed.workers import workers

from somite.models import TransformerConfig
from somite.study import load_recipe, run_study
from somite.study.context import Context
from somite.study.engine import Engine, Local
from somite.study.folder import read_manifest
from somite.study.jobs import sampling_job
from somite.study.recipe import build

REPEATS, ROWS = 5, 64
DRAWS, COMPONENTS, WIDTHS = (8, 16, 32, 64), (1, 2, 4, 8), (64, 128, 256, 384)
TINY_DRAWS, TINY_COMPONENTS, TINY_WIDTHS = (8, 16), (1, 2), (16, 32)
STUDY = {
    "data.vocab_size": "1024", "data.context": "128", "model.d_model": "128", "model.n_heads": "8",
    "model.d_head": "16", "sampling.rows": "256", "sampling.batch_size": "32",
    "sampling.draws": "8", "sampling.chains": "2", "sampling.probe_rows": "8",
}  # fmt: skip
"""The recipe `smoke` with the model of the bars."""
JOBS, SHORT, LONG, TINY_LONG = 2, 8, 24, 200

Row = dict[str, Any]


def over_draws(number: int, tiny: bool) -> dict[int, float]:
    """Seconds of so many draws of one head."""
    config = shape(tiny)
    model, rows = untrained(config).eval(), text(config, ROWS)
    found = {}
    for draws in TINY_DRAWS if tiny else DRAWS:
        cost = chain_cost(model, rows, chosen_heads(tiny, 1), batch_size(tiny), draws, number)
        found[draws] = cost.plain * (draws - 1) + cost.checked
    return found


def over_components(number: int, tiny: bool) -> dict[int, float]:
    """Seconds of one step of so many heads of the first layer."""
    config = shape(tiny)
    model, rows = untrained(config).eval(), text(config, ROWS)
    return {
        n: n * chain_cost(model, rows, chosen_heads(tiny, n), batch_size(tiny), 8, number).plain
        for n in (TINY_COMPONENTS if tiny else COMPONENTS)
    }


def over_sizes(number: int, tiny: bool) -> dict[int, float]:
    """Seconds of one step of a full-model chain by the number of weights."""
    found = {}
    for width in TINY_WIDTHS if tiny else WIDTHS:
        config = TransformerConfig(
            vocab_size=8 * width, context=16 if tiny else 64, d_model=width,
            n_heads=width // 8, d_head=8, d_mlp=4 * width,
        )  # fmt: skip
        model, rows = untrained(config).eval(), text(config, ROWS)
        weights = sum(weight.numel() for weight in model.parameters())
        found[weights] = chain_cost(model, rows, "full", 4, 6, number).plain
    return found


def chosen_heads(tiny: bool, count: int) -> dict[str, Any]:
    """Masks of the first heads of layer 0."""
    masks = chosen(untrained(shape(tiny)), 0)
    return {name: masks[name] for name in list(masks)[:count]}


def slope(rounds: list[dict[int, float]]) -> Row:
    """Slope of log time on log number in every repeat: its mean, and the error of that."""
    x = np.log(list(rounds[0]))
    slopes = [float(np.polyfit(x, np.log(list(found.values())), 1)[0]) for found in rounds]
    error = float(np.std(slopes, ddof=1) / len(slopes) ** 0.5) if len(slopes) > 1 else None
    median = {n: float(np.median([found[n] for found in rounds])) for n in rounds[0]}
    return spread(slopes) | {"mean": float(np.mean(slopes)), "error": error, "seconds": median}


def study(folder: Path, tiny: bool) -> Path:
    """A finished study whose sampling jobs are done again, elsewhere."""
    return run_study(load_recipe("smoke", {} if tiny else STUDY), folder / "study")


def context_of(run: Path) -> Context:
    """Where the things of a finished study are."""
    manifest = read_manifest(run)
    places = run / manifest["corpus"], run / manifest["training"]
    return Context(run, build(manifest["settings"]), *places)


def job_seconds(engine: Engine, count: int, context: Context, folder: Path, draws: int) -> float:
    """Seconds of the sampling jobs of the last checkpoints with so many draws."""
    sampling = dataclasses.replace(
        context.recipe.sampling, draws=draws, chains=1, burn_in=0, probe_every=draws
    )
    recipe = dataclasses.replace(context.recipe, sampling=sampling)
    context = dataclasses.replace(context, run=folder, recipe=recipe)
    folder.mkdir(parents=True)
    jobs = [sampling_job(context, step) for step in context.series.steps()[-JOBS:]]
    begin = time.perf_counter()
    with engine.start(count, "cpu") as runner:
        runner.run(jobs, context, lambda done: None)
    return time.perf_counter() - begin


def worker_rate(engine: Engine, count: int, context: Context, folder: Path, tiny: bool) -> Row:
    """Steps of all heads per second, by the difference of long and short jobs."""
    lengths = (SHORT, TINY_LONG if tiny else LONG)
    short, long = (
        job_seconds(engine, count, context, folder / str(draws), draws) for draws in lengths
    )
    return {"rate": JOBS * (lengths[1] - lengths[0]) / (long - short), "seconds": long}


def one_worker(context: Context, folder: Path, tiny: bool) -> Row:
    """One worker, called in a process that has the allocator of the workers."""
    return worker_rate(Local(), 1, context, folder, tiny)


def over_workers(repeats: int, tiny: bool) -> Row:
    """Rates of one and two workers, in turn."""
    rounds: list[Row] = []
    with tempfile.TemporaryDirectory() as place, workers(0 if tiny else 1, 1) as alone:
        folder = Path(place)
        context = context_of(study(folder, tiny))
        for i in range(repeats):
            found = {"1 worker": alone(one_worker, [(context, folder / f"1-{i}", tiny)])[0]}
            for name, engine in ({} if tiny else engines()).items():
                found[name] = worker_rate(engine, 2, context, folder / f"{name}-{i}", tiny)
            rounds.append(found)
    rates = {name: [found[name]["rate"] for found in rounds] for name in rounds[0]}
    return {
        "steps per second": {name: spread(values) for name, values in rates.items()},
        "seconds": {n: spread([found[n]["seconds"] for found in rounds]) for n in rounds[0]},
        "ratio": {n: ratios(v, rates["1 worker"]) for n, v in rates.items() if n != "1 worker"},
    }


def engines() -> dict[str, Engine]:
    """Where two workers run: processes of this machine, and Ray where it is installed."""
    found: dict[str, Engine] = {"2 workers": Local()}
    if find_spec("ray") is not None:
        from somite.study.cluster import Ray  # the extra `ray`

        found["2 workers of Ray"] = Ray()
    return found


def run(repeats: int = REPEATS, tiny: bool = False) -> Row:
    """Slopes and rates."""
    kinds: dict[str, Callable[[int, bool], dict[int, float]]] = {
        "draws": over_draws, "components": over_components, "weights": over_sizes
    }  # fmt: skip
    found: Row = {"bars": []}
    with workers(0 if tiny else 1, 1) as work:
        for name, measure in kinds.items():
            found[name] = slope([work(measure, [(i, tiny)])[0] for i in range(repeats)])
            what, mean = (
                f"slope of log time on log {name}",
                found[name] | {"median": found[name]["mean"]},
            )
            found["bars"].append(bar(5, what, mean, most=1.05 if name != "weights" else 1.0))
    found["workers"] = over_workers(min(repeats, 3), tiny)
    for name, ratio in found["workers"]["ratio"].items():
        least = 1.7 if "Ray" in name else 1.8
        found["bars"].append(bar(5, f"steps per second, {name} / 1 worker", ratio, least=least))
    return found


def main() -> None:
    """Measure, print and store."""
    arguments = options(__doc__, REPEATS).parse_args()
    torch.set_num_threads(1)
    found = run(arguments.repeats, arguments.tiny)
    for name in ("draws", "components", "weights"):
        show([{"of": name, "number": n, "s": s} for n, s in found[name]["seconds"].items()],
             ("of", "number", "s"))  # fmt: skip
    show_bars(found["bars"])
    print(store("scaling", found, arguments.out), flush=True)


if __name__ == "__main__":
    main()
