"""Lesions of the modules of a run: what each does, and on which text it matters most."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import xarray as xr
from torch import Tensor

from somite.baselines.lesions import Evaluate
from somite.behavior import repeated_rows
from somite.consequences import (
    Text,
    behavior_losses,
    kept_evaluations,
    module_lesion,
    ngram_kinds,
    repeated_kind,
    token_losses_without,
)
from somite.core.checks import at_least
from somite.core.errors import InputError
from somite.core.fingerprint import fingerprint
from somite.models.transformer import Transformer, head_names
from somite.study.analysis import Planned
from somite.study.cells import Cell, sweep_partial
from somite.study.context import Context
from somite.study.folder import LESIONS, claimed, listed_lesions, write_whole
from somite.study.jobs import THREADS, induction_period, made_with, place
from somite.study.modules import make_cell
from somite.study.results import load_results
from somite.study.run import Silent, Watch

LESION_ROWS = ("core", "models", "data", "behavior", "baselines", "consequences", "study")
ROWS = 32
"""Rows of each domain."""
SHOWN, BEFORE = 6, 24
"""Tokens that are shown for a module, and tokens before each."""
HEADS, STRINGS = "heads", "random strings"


@dataclass(frozen=True)
class Module:
    """A module of a run.

    Args:
        kind: "redundant" or "cooperating".
        number: As the report counts them.
        members: Its heads.
    """

    kind: str
    number: int
    members: list[str]


def study_lesions(
    context: Context, step: int | None = None, sets: int = 200, watch: Watch | None = None
) -> Path:
    """Lesion each module of heads of a run, and random sets of the same layers and size.

    What is there already is used again; stopped at any moment, the same call goes on.

    Args:
        context: A run whose modules were measured.
        step: Checkpoint; None for the last one with modules.
        sets: Most random sets.
        watch: Is told of the progress.

    Returns:
        The file that lists the results.

    Raises:
        InputError: If there are no modules of heads, at that checkpoint or at all, or the run is in
            use or cannot be written.
    """
    watch, run = watch or Silent(), context.run
    at_least("sets", sets, 1)
    at, modules = found_modules(run, step)
    with claimed(run, context.recipe.name):
        sweep_partial(run)
        subject, made = _Subject(context, at), {}
        for module in modules:
            planned = _planned(subject, module, sets)
            name = f"{module.kind} module {module.number}"
            make_cell(planned, run, f"lesion of {name}", watch)
            made[name] = planned.cell.listed(run)
        write_whole(run / LESIONS, {"steps": listed_lesions(run) | {str(at): made}})
    return run / LESIONS


def found_modules(run: Path, step: int | None = None) -> tuple[int, list[Module]]:
    """Step, and the modules of two heads or more of each kind found there.

    Raises:
        InputError: If there are none.
    """
    modules = load_results(run).modules
    by_step = modules[HEADS].by_step if HEADS in modules else {}
    at = max(by_step, default=-1) if step is None else step
    if at not in by_step:
        remedy = f"Give `somite modules {run}` first, for that step; there are {sorted(by_step)}."
        raise InputError("step", "must have modules of heads", step, remedy)
    found = []
    for relation in by_step[at].relation.values.tolist():
        one = by_step[at].sel(relation=relation)
        for label in np.unique(one.label.values):
            members = one.component.values[one.label.values == label].tolist()
            if len(members) > 1:
                found.append(Module(str(relation), int(label) + 1, members))
    if not found:
        remedy = "Choose another checkpoint: every head is alone at this one."
        raise InputError("step", "must have a module of two heads", at, remedy)
    return at, found


@dataclass(frozen=True)
class _Subject:
    """A checkpoint whose heads are withheld; models are run when first asked for."""

    context: Context
    step: int

    @cached_property
    def model(self) -> Transformer:
        return self.context.model(self.step)

    @cached_property
    def texts(self) -> dict[str, Text]:
        """Rows of each domain with kinds of tokens, and random strings that repeat."""
        context, config = self.context, self.model.config
        seed = context.recipe.behavior.seed
        found = {}
        for domain in context.corpus.natural:
            rows = context.rows(domain, ROWS, "validation", seed)
            found[domain] = Text(rows, ngram_kinds(rows, context.ngrams, config.vocab_size))
        period = induction_period(context) or config.context // 4
        strings = repeated_rows(config, ROWS, period, seed)
        return found | {STRINGS: Text(strings, repeated_kind(strings, period))}

    @cached_property
    def evaluate(self) -> Evaluate:
        return kept_evaluations(behavior_losses(self.model, self.texts))

    @cached_property
    def losses(self) -> Callable[[Collection[str]], dict[str, Tensor]]:
        natural = [name for name in self.texts if name != STRINGS]
        return token_losses_without(self.model, {n: self.texts[n].rows for n in natural})

    @cached_property
    def clean(self) -> dict[str, Tensor]:
        return self.losses([])


def _planned(subject: _Subject, module: Module, sets: int) -> Planned:
    """What is lost without a module, and the tokens that suffer most."""
    context, step = subject.context, subject.step
    identity = {
        "weights": fingerprint(context.series.weights(step)),
        "corpus": context.corpus.fingerprint,
        "members": module.members,
        "sets": sets,
        "rows": [ROWS, SHOWN, BEFORE],
        "seed": context.recipe.behavior.seed,
        "device": context.device,
        "threads": THREADS,
        **made_with(*LESION_ROWS),
    }

    def make() -> xr.Dataset:
        layers = {name: name.partition(":")[0] for name in head_names(subject.model.config)}
        seed = context.recipe.behavior.seed
        found = module_lesion(subject.evaluate, module.members, layers, sets, seed)
        shown = _examples(subject, subject.losses(module.members))
        told = {"step": step, "kind": module.kind, "number": module.number}
        return found.merge(shown).assign_attrs({**found.attrs, **told, "members": module.members})

    return Planned(Cell("lesions", f"{place(step)}-{module.kind}-{module.number}", identity), make)


def _examples(subject: _Subject, without: Mapping[str, Tensor]) -> xr.Dataset:
    """Tokens of natural text whose loss rises most without a module, at most one of a row."""
    found: list[tuple[float, str, int, int]] = []
    for domain, losses in without.items():
        best = (losses - subject.clean[domain]).max(1)
        found += [
            (value, domain, row, place + 1)
            for row, (value, place) in enumerate(
                zip(best.values.tolist(), best.indices.tolist(), strict=True)
            )
        ]
    found.sort(key=lambda one: -one[0])
    words = subject.context.corpus.tokenizer.token_text
    columns: dict[str, list[object]] = {"top_rise": [], "top_domain": [], "top_before": [],
                                        "top_token": []}  # fmt: skip
    for value, domain, row, at in found[:SHOWN]:
        tokens = subject.texts[domain].rows[row].tolist()
        shown = "".join(words(token) for token in tokens[max(0, at - BEFORE) : at])
        for name, part in zip(columns, (value, domain, shown, words(tokens[at])), strict=True):
            columns[name].append(part)
    return xr.Dataset({name: ("example", part) for name, part in columns.items()})
