"""Do known heads lie apart from the others along the first directions of the response matrix?

    python benchmarks/known_heads.py [--seeds S ...] [--rows N] [--work FOLDER] [--tiny]

The test of docs/response.md, "Known heads", on `language-small` at the last checkpoint, seed by
seed: losses of N rows of every domain are recorded as `somite respond` does, around the checkpoint
and without any loss; heads are named by their scores. Trains what is not in the work folder, which
may hold finished runs as well; what is there is not done again.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from circuit import scores
from record import options, show, store

from somite.cli.trained import trained_run
from somite.core.errors import InputError
from somite.modularity import separation
from somite.modularity.groups import layer_types
from somite.report.figures.response import SHOWN
from somite.report.roles import roles
from somite.report.sections.response import KNOWN, TESTED
from somite.study.context import Context
from somite.study.recipe import load_recipe
from somite.study.response import response_cell, study_response
from somite.study.response_jobs import response_jobs
from somite.study.run import Silent, train_study

SEEDS, ROWS, TINY = (0, 1, 2), 16, 2
WORK = Path("runs/circuit")
COLUMNS = ("seed", "heads", "p_any", "control_p_any", "token_null_share", "control_z")


class Said(Silent):
    """Prints what is said, the cost before all."""

    def say(self, text: str) -> None:
        """Print it."""
        print(text, flush=True)


def measure(seed: int, work: Path, rows: int, tiny: bool) -> dict[str, Any]:
    """The test of one seed, with its nulls and the control."""
    context = opened(seed, work, tiny)
    response = replace(context.recipe.response, rows=rows)
    context = replace(context, recipe=replace(context.recipe, response=response))
    step = context.series.steps()[-1]
    study_response(context, [step], 1, Said())
    table = response_cell(context, step, response_jobs(context, step)).cell.read(context.run)
    behavior = scores(context, step).expand_dims(step=[step])
    known = {n: role.score for n, role in roles(behavior).items()}
    names = [str(name) for name in table.component.values]
    kinds = [known[name] if known.get(name) in KNOWN else "" for name in names]
    found: dict[str, Any] = {
        "seed": seed, "step": step, "tokens": table.sizes["example"] * table.sizes["token"],
        "heads": {name: kind for name, kind in zip(names, kinds, strict=True) if kind},
        "control_z": float(abs(table.control_z).max()),
        **{f"{level}_null_{what}": float(table[f"{level}_null_{what}"].mean())
           for level in ("domain", "token") for what in ("share", "found")},
        "singular_values": {str(run): table.singular_value.sel(run=run).values[:SHOWN].tolist()
                            for run in table.run.values},
        "control_correlation": float(table.control_correlation.median()),
    }  # fmt: skip
    for run, prefix in zip(TESTED, ("", "control_"), strict=True):
        loading = table.loading.sel(run=run, drop=True).isel(mode=slice(SHOWN))
        try:
            apart = separation(loading, kinds, layer_types(names), int(table.attrs["seed"]))
        except InputError as error:  # no head of a known role has others beside it
            found["refused"] = str(error)
            continue
        found |= {f"{prefix}{n}": apart[n].values.tolist() for n in ("between", "p_value", "p_any")}
    return found


def opened(seed: int, work: Path, tiny: bool) -> Context:
    """The run of a seed, trained first if it is not there."""
    recipe = load_recipe("smoke" if tiny else "language-small", {"seed": str(seed)})
    places = (work / f"{recipe.name}-{seed}", work / recipe.name)
    for folder in places[: 1 if seed else 2]:
        if folder.is_dir():
            return replace(trained_run(folder), recipe=recipe)
    return train_study(recipe, places[0])


def main() -> None:
    """Measure seed by seed; print and store."""
    parser = options(__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--rows", type=int, default=ROWS, help="of every domain")
    parser.add_argument("--work", type=Path, default=WORK, help="folder of the runs")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    found = []
    for seed in chosen.seeds:
        found.append(measure(seed, chosen.work, TINY if chosen.tiny else chosen.rows, chosen.tiny))
        show(found[-1:], COLUMNS)
        path = store("known_heads", {"rows": chosen.rows, "seeds": found}, chosen.out)
    print(path)


if __name__ == "__main__":
    main()
