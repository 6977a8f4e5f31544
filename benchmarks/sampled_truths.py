"""Linear networks and planted streams: are blocks and streams found, and controls not?

See docs/modules.md.

    python benchmarks/sampled_truths.py [--seeds N] [--work FOLDER] [--only linear|streams]
"""

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr
from record import finite, options, show, store
from sklearn.metrics import adjusted_rand_score

from somite.core.errors import InputError
from somite.estimators.interaction import pair_matrix
from somite.modularity import is_modular, score_given
from somite.sampling import interaction_energy
from somite.truths.linear import block_linear
from somite.truths.sampled import additivity, curvature, sampled_interactions
from somite.truths.streams import two_streams
from somite.truths.transformed import transformed
from somite.truths.truth import GroundTruth

SEEDS = 5
BLOCK_SCALE = (1e4, 100.0)
"""n_beta and localization of linear networks: flat directions move by 0.1."""
SHORT = {"chains": 2, "burn_in": 50, "draws": 100, "thin": 1}
LONG = {"chains": 4, "burn_in": 100, "draws": 400, "thin": 1}
MOVES, REPEATS, ENERGY_ROWS = 0.02, 8, 16
"""Standard deviation and number of displacements, and rows of tokens, of interaction energies."""
TRAINED = 60
"""Steps of training of a stream."""
WORK = Path("runs/sampled_truths")
COLUMNS = ("truth", "method", "seed", "z", "p", "given_z", "ari", "within", "across")
Row = dict[str, Any]


def judged(matrix: xr.DataArray, truth: GroundTruth, seed: int) -> Row:
    """Verdict on a matrix, and the known partition in it."""
    names = matrix.component.values.tolist()
    labels = np.unique([truth.labels[name] for name in names], return_inverse=True)[1]
    same = labels[:, None] == labels
    off = ~np.eye(len(names), dtype=bool)
    values = matrix.values
    row = {"within": float(values[same & off].mean()), "across": float(values[~same].mean())}
    row["largest_across"] = float(np.abs(values[~same]).max())
    given = score_given(matrix.fillna(0.0), labels, "contrast", seed)
    row |= {"given_z": float(given.z), "given_p": float(given.p_value)}
    found = is_modular(matrix, seed)
    return row | {
        "z": float(found.z), "p": float(found.p_value),
        "ari": float(adjusted_rand_score(labels, found.label.values)),
    }  # fmt: skip


def linear(seed: int) -> list[Row]:
    """Two blocks, the dense network at their weights, and the same in other hidden bases."""
    rows = []
    apart = block_linear(seed)
    sums = additivity(apart, apart.model.components()["blocks"], BLOCK_SCALE, seed, **LONG)
    rows.append({"truth": apart.name, "method": "additivity", "exact": apart.exact["all"]} | sums)
    control = block_linear(seed, dense=True)
    for truth in (apart, control, transformed(control, "rotated", seed)):
        table = sampled_interactions(truth, BLOCK_SCALE, seed, **SHORT)
        matrices = {
            "Gauss-Newton": curvature(truth).coupling(*BLOCK_SCALE).interaction,
            "sampled": pair_matrix(table.interaction),
        }
        errors = {"Gauss-Newton": 0.0, "sampled": float(table.mcse.median())}
        for method, matrix in matrices.items():
            row = {"truth": truth.name, "method": method, "error": errors[method]}
            rows.append(row | attempt(lambda m=matrix, t=truth: judged(m, t, seed)))
    return rows


def streams(seed: int) -> list[Row]:
    """Two streams, apart and under one softmax, by interaction energies."""
    rows = []
    for union in (False, True):
        truth = two_streams(seed, union=union, steps=TRAINED)
        energy = interaction_energy(
            truth.model, truth.loss, truth.data[:ENERGY_ROWS], truth.components, MOVES,
            repeats=REPEATS, seed=seed,
        )  # fmt: skip
        names = list(truth.labels.values())
        across = np.array([[a != b for b in names] for a in names])
        row = {"truth": truth.name, "method": "energy"}
        row |= attempt(lambda e=energy, t=truth: judged(np.sqrt(e.statistic), t, seed))
        z = (energy.square / energy.square_error).values[across]
        row["square_z"] = float(np.median(z))
        row["root_square"] = float(np.sqrt(energy.square.values[across].max()))
        rows.append(row)
    return rows


def attempt(make: Callable[[], Row]) -> Row:
    """A row, or why there is none."""
    try:
        return make()
    except InputError as error:
        return {"refused": str(error)}


def main() -> None:
    """Measure what is missing; print and store."""
    parser = options(__doc__)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--only", choices=("linear", "streams"))
    parser.add_argument("--work", type=Path, default=WORK, help="folder of what is done")
    given = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    given.work.mkdir(parents=True, exist_ok=True)
    kinds, rows = {"linear": linear, "streams": streams}, []
    for kind, measure in kinds.items():
        for seed in range(1 if given.tiny else given.seeds):
            path = given.work / f"{kind}-{seed}.json"
            if not path.is_file() and given.only in (None, kind):
                found = [row | {"seed": seed} for row in measure(seed)]
                path.write_text(json.dumps(finite(found)))
                print(kind, seed, flush=True)
            rows += json.loads(path.read_text()) if path.is_file() else []
    show(rows, COLUMNS)
    print(store("sampled_truths", {"rows": rows}, given.out), flush=True)


if __name__ == "__main__":
    main()
