"""Time to a standard error of 0.05 on every head's coefficient: time × variance at equal draws.

    seconds = setup / heads + variance / 0.05² · (steps · seconds per step)        somite
    seconds = variance / 0.05² · (steps · seconds per step + batches · seconds per batch)  devinterp

The variance is that over repeats which differ in all random numbers, each one chain. somite drops
the first steps. The estimator of devinterp counts them, which lowers its variance and biases it;
`bias_of_devinterp` says by how much, and the ratios do not hold it against it.
Its loss at the center is the mean over some minibatches, the first of those that the chain walks
over: with as many as steps, its baseline is as paired as somite's, at the price of a second forward
pass.

devinterp itself runs on a few heads. For all heads its estimate is also formed from the losses of
somite's chains, which follow the same law; where both are known their variances are compared.
"""

from contextlib import ExitStack
from typing import Any

import numpy as np

from speed.chains import N_BETA, Cost, somite_cost, somite_losses
from speed.heads_model import heads, shape
from speed.peer_chains import peer_cost, peer_estimates
from speed.workers import Run, workers

REPEATS, STEPS, BURN_IN, COST_STEPS, PROCESSES = 40, 20, 5, 6, 2
ERROR = 0.05
INIT_BATCHES = (1, 8, 32, STEPS)
DIRECT = ("0:0", "1:0")
RATIOS = ("ratio", "ratio_default", "ratio_unpaired")

Row = dict[str, Any]


def race(repeats: int = REPEATS, tiny: bool = False, direct: tuple[str, ...] = DIRECT) -> Row:
    """Costs, variances and their products."""
    names = heads(shape(tiny))
    with ExitStack() as stack:
        run = stack.enter_context(workers(0 if tiny else PROCESSES, 1))
        ours, theirs = costs(run, tiny)
        print("costs measured", flush=True)
        share = -(-repeats // PROCESSES)
        parts = run(somite_losses, [(share, STEPS, seed, tiny) for seed in range(PROCESSES)])
        print("somite's chains done", flush=True)
        loss = np.concatenate([part["loss"] for part in parts], 1)
        center = np.concatenate([part["center_loss"] for part in parts], 1)
        own = {name: peer_runs(run, name, repeats, tiny) for name in direct}
    kept = N_BETA * loss[..., BURN_IN:].mean(-1)
    estimates = peer_by_law(loss, center)
    bias = estimates[STEPS].mean(-1) - kept.mean(-1)
    rows = []
    for i, name in enumerate(names):
        law = {k: float(found[i].var(ddof=1)) for k, found in estimates.items()}
        rows.append(
            row(name, float(kept[i].var(ddof=1)), law, own.get(name), (ours, theirs), len(names))
        )
    return {
        "repeats": loss.shape[1],
        "steps": STEPS,
        "burn_in": BURN_IN,
        "somite_seconds": vars(ours) | {"step": ours.step},
        "devinterp_seconds": theirs,
        "heads": rows,
        "mean_llc": kept.mean(-1).tolist(),
        "bias_of_devinterp": bias.tolist(),
        "summary": {name: summary([r[name] for r in rows]) for name in RATIOS},
    }


def costs(run: Run, tiny: bool) -> tuple[Cost, Row]:
    """Mean seconds of both sides, one thread, all cores busy; of devinterp's one head per layer."""
    found: list[Cost] = run(
        somite_cost, [(None, COST_STEPS, 90 + i, tiny) for i in range(PROCESSES)]
    )
    ours = Cost(*(float(np.mean([getattr(c, f) for c in found])) for f in vars(found[0])))
    rows = [
        r
        for one in run(peer_cost, [(["0:0", "1:0"], 2 * COST_STEPS, tiny)] * PROCESSES)
        for r in one
    ]
    step = {r["head"][0]: [q["step"] for q in rows if q["head"] == r["head"]] for r in rows}
    theirs = {f"step, layer {layer}": float(np.mean(values)) for layer, values in step.items()}
    return ours, theirs | {"init": float(np.mean([r["init"] for r in rows]))}


def peer_by_law(loss: np.ndarray, center: np.ndarray) -> dict[int, np.ndarray]:
    """Estimates of devinterp from the losses of the same chains.

    Args:
        loss: L_B(w) − L_B(w*) of every step (head, chain, step).
        center: L_B(w*) of its minibatch.

    Returns:
        (head, chain) by the number of batches for the loss at the center. Beyond the chain's own
        minibatches, those of other chains are taken.
    """
    more = [np.roll(center, shift, axis=1) for shift in range(1 + max(INIT_BATCHES) // STEPS)]
    batches = np.concatenate(more, axis=-1)
    raw = (loss + center).mean(-1)
    return {k: N_BETA * (raw - batches[..., :k].mean(-1)) for k in INIT_BATCHES}


def peer_runs(run: Run, name: str, repeats: int, tiny: bool) -> dict[int, float]:
    """Variance of devinterp's own estimates by the number of batches at the center."""
    most = 4 if tiny else max(INIT_BATCHES)
    seeds = [list(range(1000 + i, 1000 + repeats, PROCESSES)) for i in range(PROCESSES)]
    found = [
        one
        for part in run(peer_estimates, [(name, s, STEPS, most, tiny) for s in seeds])
        for one in part
    ]
    raw = np.array([np.mean(one["loss"]) for one in found])
    init = np.array([one["init"] for one in found])
    return {
        k: float((N_BETA * (raw - init[:, :k].mean(1))).var(ddof=1))
        for k in INIT_BATCHES
        if k <= most
    }


def row(
    name: str, ours: float, law: dict[int, float], own: dict[int, float] | None,
    costs: tuple[Cost, Row], width: int,
) -> Row:  # fmt: skip
    """Seconds of both sides for one head, and their ratios."""
    cost, peer = costs
    seconds = cost.setup / width + ours / ERROR**2 * STEPS * cost.step
    step = peer[f"step, layer {name[0]}"]

    def needed(variance: float, batches: int) -> float:
        return variance / ERROR**2 * (STEPS * step + batches * peer["init"])

    by_law = {k: needed(v, k) for k, v in law.items()}
    best = min(by_law, key=lambda k: by_law[k])
    found = {
        "head": name,
        "variance": ours,
        "somite, s": seconds,
        "devinterp, s": by_law[best],
        "batches": best,
        "ratio": by_law[best] / seconds,
        "ratio_default": by_law[32] / seconds,
        "ratio_unpaired": min(s for k, s in by_law.items() if k != STEPS) / seconds,
        "law": {str(k): v for k, v in law.items()},
    }
    if own:
        found["own"] = {str(k): v for k, v in own.items()}
        found["own_over_law"] = {str(k): v / law[k] for k, v in own.items()}
        found["own_ratio"] = min(needed(v, k) for k, v in own.items()) / seconds
    return found


def summary(values: list[float]) -> Row:
    """Geometric mean over heads, and the least head."""
    return {"geometric mean": float(np.exp(np.mean(np.log(values)))), "least": min(values)}


COLUMNS = ("head", "variance", "somite, s", "devinterp, s", "batches", "ratio", "ratio_default")
