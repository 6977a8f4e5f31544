"""Heads of known roles: built by hand, or trained on the same text."""

import torch

from somite.components.mask import Mask
from somite.core.random import stream, stream_seed
from somite.data import markov_table, role_rows
from somite.data.role_rows import KINDS
from somite.models import (
    RoleTokens,
    Transformer,
    TransformerConfig,
    head_roles,
    next_token_loss,
)
from somite.models.head_roles import MODULES
from somite.truths.fit import Plan, fit, keep_zeros
from somite.truths.lesion import lesion_labels, lesion_table
from somite.truths.truth import GroundTruth, Task

TOKENS, CONTEXT, ROWS, MANY_ROWS = RoleTokens(each=6, triggers=2), 16, 24, 400
POLISH, TRAIN, SELECTIVE = 100, 1000, 0.3


def planted_roles(seed: int = 0, dense: bool = False, steps: int = POLISH) -> GroundTruth:
    """The transformer built by hand, its weights that are not zero trained to near a minimum.

    Args:
        seed: Of the bigram table and the rows.
        dense: Whether a head's component holds its zeros too, or only the weights of its circuit.
        steps: Of training; 0 leaves it as it was built.
    """
    table, tasks = _text(seed, ROWS)
    model, rows = head_roles(TOKENS, table, CONTEXT), _together(tasks)
    if steps:
        keep_zeros(model)
        fit(model, next_token_loss, rows, Plan(steps, 0.01, seed=seed))
    heads, weights = model.components()["heads"], dict(model.named_parameters())
    circuits = {
        head: Mask({name: chosen & (weights[name] != 0) for name, chosen in mask.entries.items()})
        for head, mask in heads.items()
    }
    return GroundTruth(
        name="heads of planted roles",
        model=model,
        loss=next_token_loss,
        data=rows,
        components=heads if dense else circuits,
        labels=MODULES,
        tasks=tasks,
        notes="By construction: the previous-token head serves the induction head.",
    )


def trained_roles(seed: int = 0, steps: int = TRAIN, checkpoints: int = 24) -> GroundTruth:
    """A transformer of two layers of four heads trained on the same text.

    Args:
        seed: Of table, rows and first weights.
        steps: Of training.
        checkpoints: How many are kept.
    """
    _, tasks = _text(seed, MANY_ROWS)
    rows = _together(tasks)
    shape = TransformerConfig(TOKENS.size, CONTEXT, d_model=32, n_heads=3, d_head=8)
    with torch.random.fork_rng(devices=[]):
        torch.random.manual_seed(stream_seed("role weights", seed))
        model = Transformer(shape)
    plan = Plan(steps, 0.005, batch_size=48, checkpoints=checkpoints, seed=seed)
    history = fit(model, next_token_loss, rows, plan, tasks)
    components = model.components()["heads"]
    return GroundTruth(
        name="heads of trained roles",
        model=model,
        loss=next_token_loss,
        data=rows,
        components=components,
        labels=lesion_labels(lesion_table(model, components, tasks), SELECTIVE),
        tasks=tasks,
        times={kind: history.learned_at(kind) for kind in KINDS},
        checkpoints=history.states,
        notes="Labels are the kinds of rows whose loss rises most without the head, where one "
        "stands out; bigrams need no head.",
    )


def _text(seed: int, count: int) -> tuple[torch.Tensor, dict[str, Task]]:
    """The bigram table, and rows of each kind."""
    generator = stream("role text", seed)
    table = markov_table(TOKENS.each, 1, generator)
    rows = {kind: role_rows(kind, TOKENS, table, (count, CONTEXT), generator) for kind in KINDS}
    return table, {kind: Task(next_token_loss, own) for kind, own in rows.items()}


def _together(tasks: dict[str, Task]) -> torch.Tensor:
    rows = [task.data for task in tasks.values()]
    return torch.cat([own for own in rows if isinstance(own, torch.Tensor)])
