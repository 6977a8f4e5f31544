"""Chain steps per second of somite and devinterp: all heads, equal draws, repeats in turn."""

from contextlib import ExitStack
from typing import Any

import numpy as np

from speed.chains import BURN_IN, CHAINS, DRAWS, Cost, somite_cost, training_step
from speed.heads_model import heads, shape
from speed.peer_chains import peer_cost
from speed.timing import ratios, spread
from speed.workers import Run, workers

REPEATS, STEPS, TRAINING_STEPS = 5, 6, 6
MODES = {"2 threads": (1, 2), "2 processes": (2, 1)}
"""Two ways to use two cores: (processes, threads of each)."""
PEER_INIT = 32
"""Its default number of batches for the loss at the center."""

Row = dict[str, Any]


def race(repeats: int = REPEATS, tiny: bool = False) -> Row:
    """All measurements in turn, so many times; the first turn is for warming up."""
    steps = 4 if tiny else STEPS
    rounds: list[Row] = []
    with ExitStack() as stack:
        runs = {
            mode: stack.enter_context(workers(0 if tiny else processes, threads))
            for mode, (processes, threads) in MODES.items()
        }
        for number in range(repeats + 1):
            found = one_round(runs, 2 if number == 0 else steps, number, tiny)
            print(f"round {number} of {repeats}", flush=True)
            if number:
                rounds.append(found)
    return summary(rounds, tiny)


def one_round(runs: dict[str, Run], steps: int, number: int, tiny: bool) -> Row:
    """Every measurement once; odd turns begin with somite, even ones with devinterp."""
    found: Row = {}
    jobs = [("somite", somite), ("devinterp", devinterp)]
    for mode, run in runs.items():
        for name, job in jobs[:: 1 if number % 2 else -1]:
            found[f"{name}, {mode}"] = job(run, MODES[mode][0], steps, number, tiny)
    for layer in (0, 1):
        costs = runs["2 threads"](somite_cost, [(layer, max(steps, 3), number, tiny)])
        found[f"somite, layer {layer}"] = costs[0].step
    found["training step"] = runs["2 threads"](training_step, [(TRAINING_STEPS, tiny)])[0]
    return found


def somite(run: Run, processes: int, steps: int, number: int, tiny: bool) -> Row:
    """One chain of all heads in every process; each has a checkpoint of its own."""
    arguments = [(None, max(steps, 3), 10 * number + i, tiny) for i in range(processes)]
    costs: list[Cost] = run(somite_cost, arguments)
    return {
        "rate": sum(1 / cost.step for cost in costs),
        "plain rate": sum(1 / cost.plain for cost in costs),
        "setup": float(np.mean([cost.setup for cost in costs])),
    }


def devinterp(run: Run, processes: int, steps: int, number: int, tiny: bool) -> Row:
    """One chain of every head, one after the other; of two processes each takes half of them."""
    names = heads(shape(tiny))
    shares = [(names[i::processes], max(steps, 2), tiny) for i in range(processes)]
    rows: list[list[Row]] = run(peer_cost, shares)
    return {
        "rate": sum(1 / np.mean([row["step"] for row in one]) for one in rows),
        "init": float(np.mean([row["init"] for one in rows for row in one])),
        **{f"step, layer {i}": _mean_step(rows, f"{i}:") for i in (0, 1)},
    }


def _mean_step(rows: list[list[Row]], prefix: str) -> float:
    return float(np.mean([r["step"] for one in rows for r in one if r["head"].startswith(prefix)]))


def summary(rounds: list[Row], tiny: bool) -> Row:
    """Rates and their ratio, both sides in the faster of their modes."""
    sides = [f"{side}, {mode}" for side in ("somite", "devinterp") for mode in MODES]
    rate = {name: [found[name]["rate"] for found in rounds] for name in sides}
    best = {
        side: max(
            (name for name in rate if name.startswith(side)), key=lambda n: np.median(rate[n])
        )
        for side in ("somite", "devinterp")
    }
    runs = [default_run(found, best, len(heads(shape(tiny)))) for found in rounds]
    step = {"training step, 2 threads": [found["training step"] for found in rounds]}
    for i in (0, 1):
        step[f"somite, layer-{i} head, 2 threads"] = [f[f"somite, layer {i}"] for f in rounds]
        step[f"devinterp, layer-{i} head, 2 threads"] = [
            found["devinterp, 2 threads"][f"step, layer {i}"] for found in rounds
        ]
    return {
        "repeats": len(rounds),
        "best": best,
        "ratio": ratios(rate[best["somite"]], rate[best["devinterp"]]),
        "ratio_default_run": ratios([r["devinterp"] for r in runs], [r["somite"] for r in runs]),
        "ratio_without_checks": ratios(
            [found[best["somite"]]["plain rate"] for found in rounds], rate[best["devinterp"]]
        ),
        "steps_per_second": {name: spread(values) for name, values in rate.items()},
        "seconds_per_step": {name: spread(values) for name, values in step.items()},
        "setup": {
            "somite, seconds": spread([found[best["somite"]]["setup"] for found in rounds]),
            "devinterp, seconds per batch": spread(
                [found[best["devinterp"]]["init"] for found in rounds]
            ),
        },
    }


def default_run(found: Row, best: dict[str, str], width: int) -> dict[str, float]:
    """Seconds of 4 chains of 250 steps of all heads, the setup of each side included.

    devinterp computes the loss at the center on 32 batches for every head and chain.
    """
    steps = width * CHAINS * (BURN_IN + DRAWS)
    ours, theirs = (found[best[side]] for side in ("somite", "devinterp"))
    processes = {side: MODES[name.split(", ")[1]][0] for side, name in best.items()}
    return {
        "somite": steps / ours["rate"] + ours["setup"],
        "devinterp": steps / theirs["rate"]
        + width * CHAINS * PEER_INIT * theirs["init"] / processes["devinterp"],
    }


def rows(found: Row) -> list[Row]:
    """The table."""
    rates = [
        {"what": name, "steps/s": v["median"], "ms/step": 1e3 / v["median"], **_range(v)}
        for name, v in found["steps_per_second"].items()
    ]
    steps = [
        {"what": name, "steps/s": 1 / v["median"], "ms/step": 1e3 * v["median"]}
        | {"least": 1 / v["largest"], "largest": 1 / v["least"]}
        for name, v in found["seconds_per_step"].items()
    ]
    return rates + steps


def _range(value: Row) -> Row:
    return {"least": value["least"], "largest": value["largest"]}


COLUMNS = ("what", "ms/step", "steps/s", "least", "largest")
