"""Can data weights from a checkpoint bring a head's formation forward, or put it off?

    python benchmarks/patterning.py [--seeds S ...] [--work FOLDER] [--tiny] [--out FOLDER]

The protocol is in docs/response.md. A small language model is trained until its best induction head
begins to form; there the response of its score to five domains is sampled, solved for weights, and
training goes on from the checkpoint with each of them. What is in the work folder is not done
again.
"""

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr
from patterns.forming import EVERY, SHAPE, Run, Scores, attention, formed, scored_rows
from patterns.text import SHARES, text
from record import options, show, store
from scipy.stats import spearmanr

import somite as so
from somite.core.random import stream
from somite.data import mixed_shares

SEEDS, WORK = (0, 1, 2, 3, 4), Path("runs/patterning")
BEGUN, HALF = 0.25, 0.5
BUDGET, WINDOW, RANDOM = 0.3, 200, 1
N_BETA, LOCALIZATION = 100.0, 300.0
CHAINS: Mapping[str, Any] = {
    "chains": 4, "burn_in": 10, "draws": 60, "thin": 1, "probe_every": 1, "batch_size": 32
}  # fmt: skip
PROBED, SAMPLED = 64, 4000
COLUMNS = ("seed", "from", "arm", "predicted", "error", "held_out", "measured", "half_at")
Row = dict[str, Any]


def measure(seed: int, work: Path, tiny: bool = False) -> list[Row]:
    """All arms of a seed, a row for each."""
    begun, window = (0.0, EVERY) if tiny else (BEGUN, WINDOW)
    folder = work / f"seed-{seed}"
    run = Run(seed, folder / "base")
    step, head = formed(run, begun)
    responses = _sampled(run, step, head, folder / "responses.nc", tiny)
    arms = weights(responses, seed, 1 if tiny else RANDOM)
    rows, curves = [], {}
    for arm, change in arms.items():
        branch = run.branch(folder / arm)
        branch.to(step + window, mixed_shares(SHARES, change))
        curves[arm] = {at: row[head] for at, row in _scores(branch).items() if at >= step}
        effect = predicted(responses, change)
        rows.append(
            {"seed": seed, "from": step, "head": head, "arm": arm, "change": change, **effect}
        )
    solved = so.pattern(responses, {"score": 1.0}, budget=BUDGET, shares=SHARES)
    for row in rows:
        curve = curves[row["arm"]]
        sign = {"accelerate": 1.0, "delay": -1.0}.get(row["arm"])
        if sign:
            row["held_out"] = sign * float(solved.held_out[0])
            row["held_out_error"] = float(solved.held_out_error[0])
        row["curve"] = [round(value, 4) for value in curve.values()]
        later = [at for at in curve if at > step]
        row["measured"] = float(np.mean([curve[at] - curves["control"][at] for at in later]))
        row["half_at"] = next((at for at in curve if curve[at] >= HALF), None)
    return rows


def weights(responses: xr.DataArray, seed: int, random: int) -> dict[str, dict[str, float]]:
    """Change of the shares in every arm."""
    names = list(SHARES)
    solved = so.pattern(responses, {"score": 1.0}, budget=BUDGET, shares=SHARES).weight.values
    generator = stream("patterning", seed, "random directions")
    arms = {"control": np.zeros(len(names)), "accelerate": solved, "delay": -solved}
    for i in range(random):
        drawn = torch.randn(len(names), generator=generator, dtype=torch.float64).numpy()
        drawn -= drawn.mean()
        arms[f"random {i}"] = drawn * BUDGET / abs(drawn).sum()
    return {arm: dict(zip(names, h.tolist(), strict=True)) for arm, h in arms.items()}


def predicted(responses: xr.DataArray, change: Mapping[str, float]) -> Row:
    """Change of the score under the posterior, with its error between chains."""
    h = np.array([change[name] for name in responses.domain.values])
    single = responses.sel(component="score").values @ h
    return {"predicted": single.mean(), "error": single.std(ddof=1) / len(single) ** 0.5}


def summary(rows: Sequence[Row]) -> Row:
    """Right signs of the two solved arms, and predicted against measured over all but control."""
    moved = [row for row in rows if row["arm"] != "control"]
    found: Row = {}
    for arm, sign in (("accelerate", 1), ("delay", -1)):
        effects = [row["measured"] for row in moved if row["arm"] == arm]
        found[f"{arm}, right sign"] = f"{sum(sign * e > 0 for e in effects)} of {len(effects)}"
        found[f"{arm}, mean effect"] = float(np.mean(effects))
    for name, chosen in (("all", moved), ("random", [r for r in moved if "random" in r["arm"]])):
        pair = [[row[what] for row in chosen] for what in ("predicted", "measured")]
        if len(chosen) > 2:
            found[f"rank correlation, {name} arms"] = float(spearmanr(*pair).statistic)
        found[f"same sign, {name} arms"] = float(np.mean(np.sign(pair[0]) == np.sign(pair[1])))
    return found


def _sampled(run: Run, step: int, head: int, path: Path, tiny: bool) -> xr.DataArray:
    """Responses of the head's score to the domains, from chains in which the head alone moves."""
    if path.is_file():
        return xr.load_dataarray(path)
    model, count = run.at(step), 40 if tiny else SAMPLED
    name = f"{head // SHAPE.n_heads}:{head % SHAPE.n_heads}"
    domains = text(run.seed, dict.fromkeys(SHARES, 4 if tiny else PROBED), "probes")
    data = text(run.seed, {d: round(count * p) for d, p in SHARES.items()}, "sampling")
    score = so.Observable(lambda m, rows: attention(m, rows)[:, head], scored_rows(run.seed))
    draws = so.sample(
        model,
        so.Target(so.next_token_loss, torch.cat(list(data.values())), N_BETA, LOCALIZATION),
        so.BAOAB(1.6 / LOCALIZATION**0.5, LOCALIZATION**0.5),
        components={"score": so.components(model, "heads")[name]},
        probes={**domains, "score": score},
        seed=run.seed,
        **CHAINS | ({"chains": 3, "draws": 8} if tiny else {}),
    )
    found = _with_reference(draws)
    losses = found.probe_loss.sel(probe=list(SHARES)).rename(probe="domain")
    losses = losses.transpose("component", "chain", "probe_draw", "domain")
    observable = found.probe_loss.sel(probe="score", drop=True)
    responses = so.responses(found, losses, observable=observable)
    partial = path.with_name(f".partial-{path.name}")
    responses.to_netcdf(partial, engine="scipy")
    partial.rename(path)
    return responses


def _with_reference(draws: xr.Dataset) -> xr.Dataset:
    """The draws with the mixture of the domains as reference: L = Σ p_j L_j."""
    losses = draws.probe_loss
    mixture = sum(p * losses.sel(probe=name, drop=True) for name, p in SHARES.items())
    assert isinstance(mixture, xr.DataArray)
    both = xr.concat([losses, mixture.expand_dims(probe=["reference"])], "probe")
    return draws.drop_dims("probe").assign(probe_loss=both)


def _scores(run: Run) -> Scores:
    """Scores of all heads at all checkpoints of a run, kept beside it."""
    path = run.series.folder / "scores.json"
    if not path.is_file():
        path.write_text(json.dumps(run.scores()))
    return {int(step): row for step, row in json.loads(path.read_text()).items()}


def main() -> None:
    """Measure, print and store."""
    parser = options(__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS))
    parser.add_argument("--work", type=Path, default=WORK)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    begin = time.process_time()
    rows = [row for s in arguments.seeds for row in measure(s, arguments.work, arguments.tiny)]
    show(rows, COLUMNS)
    found = {"shares": SHARES, "budget": BUDGET, "summary": summary(rows), "rows": rows}
    print(found["summary"])
    seconds = time.process_time() - begin
    print(f"{seconds:.0f} s; {store('patterning', found | {'seconds': seconds}, arguments.out)}")


if __name__ == "__main__":
    main()
