"""A sweep from its design to its table: every model is found again or made."""

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from somite.core.checks import at_least
from somite.core.errors import InputError
from somite.core.fingerprint import code_fingerprint, fingerprint
from somite.core.threads import torch_threads
from somite.study.cost import duration
from somite.study.engine import Engine, Local, Runner
from somite.study.folder import claimed, write_whole
from somite.study.run import Silent, Watch
from somite.sweeps.design import Settings, SweepDesign
from somite.sweeps.subject import subject_of
from somite.sweeps.table import DESIGN, MODEL, tabulated, write_table

if TYPE_CHECKING:
    import pandas as pd

FAILURES = (ArithmeticError, ValueError, RuntimeError, MemoryError)
"""What can go wrong with one model; the others are made all the same."""


@dataclass(frozen=True, eq=False)
class Model:
    """One model of a sweep.

    Args:
        number: Place of its settings in the design.
        seed: Of everything random.
        settings: Of the factors.
    """

    number: int
    seed: int
    settings: Settings

    def folder(self, out: Path, design: SweepDesign) -> Path:
        """Where it is kept; the name holds everything that makes it."""
        made_from = {
            "subject": design.subject,
            "recipe": design.recipe,
            "settings": {**design.base, **self.settings},
            "seed": self.seed,
            "tolerance": design.tolerance,
            "code": code_fingerprint(),
        }
        return out / "models" / f"{self.number:03d}-seed{self.seed}-{fingerprint(made_from)}"


def models_of(design: SweepDesign) -> list[Model]:
    """All models, seed by seed, so that a sweep that is stopped has whole replicates."""
    return [
        Model(number, seed, settings)
        for seed in design.seeds
        for number, settings in enumerate(design.settings())
    ]


def sweep(
    design: SweepDesign,
    out: Path,
    workers: int | None = None,
    watch: Watch | None = None,
    most: int | None = None,
    engine: Engine | None = None,
) -> "pd.DataFrame":
    """Make and measure the models of a design, or whatever of them is not in the folder yet.

    Killed at any moment and started again, it ends with the same table. A model that fails is
    listed in the table, and tried again by the next call.

    Args:
        design: Which models.
        out: Folder: new, empty, or of a sweep.
        workers: Models at once, of one thread each; None for as many as the engine has room for.
        watch: Is told of the cost before it is paid, and of the progress.
        most: Most models that may be made; None for any number.
        engine: Where models are made: processes of this machine, `Local()`, by default, or a
            cluster, `somite.study.cluster.Ray(...)`, from which only the rows of a model come back.

    Returns:
        One row for each model, seed and checkpoint, see `load_table`.

    Raises:
        InputError: If a setting cannot be, there are more models than `most`, or the folder holds
            something else or is in use.

    Example:
        >>> sweep(load_design("parity-minutes"), Path("runs/parity"))  # doctest: +SKIP
    """
    if workers is not None:
        at_least("workers", workers, 1)
    watch, models = watch or Silent(), models_of(design)
    check(design, models, most)
    started = (engine or Local()).start(workers, "cpu")
    with started as runner, claimed(out, f"sweep of {design.subject}"):
        write_whole(out / DESIGN, vars(design))
        missing = [m for m in models if not (m.folder(out, design) / MODEL).is_file()]
        if len(missing) < len(models):
            watch.say(f"{len(models) - len(missing)} of {len(models)} models are there already")
        failed = _make(design, missing, out, runner, watch) if missing else {}
        table = tabulated(design, {m: m.folder(out, design) for m in models}, failed)
        write_table(table, out)
    return table


def check(design: SweepDesign, models: Sequence[Model], most: int | None = None) -> None:
    """Refuse a design before anything is trained.

    Raises:
        InputError: If there are too many models; what the subject refuses is refused.
    """
    if most is not None and len(models) > most:
        rule, remedy = f"must make at most {most} models", "Raise --max-cells, or make it smaller."
        raise InputError("design", rule, len(models), remedy)
    subject = subject_of(design.subject)
    for settings in design.settings():
        if twice := set(design.base) & set(settings):
            remedy = "Leave it out of [base]."
            raise InputError("base", "must not set a factor", sorted(twice), remedy)
        subject.check(design.recipe, {**design.base, **settings})


def _make(
    design: SweepDesign, models: Sequence[Model], out: Path, runner: Runner, watch: Watch
) -> dict[Model, str]:
    """Make models; the reasons of those that failed."""
    watch.say(_cost(design, models, min(runner.workers, len(models))))
    watch.phase("models", float(len(models)))
    places = {model.folder(out, design): (design, model) for model in models}
    failed: dict[Model, str] = {}
    for done, (folder, found) in enumerate(runner.calls(made, places), start=1):
        if reason := found.get("failed"):
            model = places[folder][1]
            failed[model] = reason
            watch.say(f"model {model.number}, seed {model.seed} failed: {reason}")
        else:
            folder.mkdir(parents=True, exist_ok=True)
            write_whole(folder / MODEL, found)
        watch.advance(float(done))
    return failed


def made(folder: Path, design: SweepDesign, model: Model) -> dict[str, Any]:
    """Make one model in a folder: its "rows" and "seconds", or why it "failed"."""
    folder.mkdir(parents=True, exist_ok=True)
    start, settings = time.monotonic(), {**design.base, **model.settings}
    try:
        rows = subject_of(design.subject).measure(
            design.recipe, settings, model.seed, folder / "run", design.tolerance
        )
    except FAILURES as error:
        return {"failed": (str(error).splitlines() or [type(error).__name__])[0]}
    return {"rows": rows, "seconds": time.monotonic() - start}


def _cost(design: SweepDesign, models: Sequence[Model], workers: int) -> str:
    """How long it takes, from a few steps of the first and of the last model."""
    ends = {model.number: model for model in (models[0], models[-1])}
    subject, found = subject_of(design.subject), list[float]()
    with torch_threads(1):
        for model in ends.values():
            with suppress(*FAILURES):  # it will fail when it is made, and be listed then
                found.append(subject.seconds(design.recipe, {**design.base, **model.settings}))
    known = duration(sum(found) / len(found) * len(models) / workers) if found else "unknown time"
    return (
        f"models to make: {len(models)}, about {known} on {workers} at once; "
        "stopped at any moment, the same command goes on"
    )
