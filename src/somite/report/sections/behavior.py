"""What the heads do: attention scores, in-context learning, n-gram statistics, over training."""

from __future__ import annotations

from typing import TYPE_CHECKING

from somite.report.figures.small import scores_figure, series_figure
from somite.report.page import Block, Chart, Section
from somite.report.roles import CLEAR, best_head, roles, score_name, scores_in

if TYPE_CHECKING:
    from somite.study.results import Results

MODEL_SCORES = {
    "in_context_score": ("in-context score", "loss late − early (nats/token)"),
    "bigram_kl": ("distance to bigrams", "KL (nats/token)"),
    "trigram_kl": ("distance to trigrams", "KL (nats/token)"),
}
FURTHER = {
    "ngram_reliance": "n-gram reliance",
    "loss_change_predictable": "on tokens that trigrams predict",
    "loss_change_other": "on the other tokens",
}


def section(results: Results) -> Section:
    """Behaviour scores over training, as small multiples."""
    behavior = results.behavior
    blocks: list[Block] = []
    if scores_in(behavior):
        blocks.append(_attention_chart(results))
    model_scores = [name for name in MODEL_SCORES if name in behavior]
    if model_scores:
        blocks.append(_model_chart(results, model_scores))
    further = [name for name in FURTHER if name in behavior]
    if further:
        blocks.append(_further_chart(results, further))
    return Section("behavior", "What the heads do", "Behaviour", lead(results), blocks)


def lead(results: Results) -> str:
    """How many heads have a clear role, and the best head of each score."""
    behavior = results.behavior
    known = roles(behavior)
    best = [best_head(behavior, score) for score in scores_in(behavior)]
    listed = ", ".join(f"{score_name(b.score)} {b.value:.2f} ({b.head})" for b in best)
    count = f"{len(known)} of {behavior.sizes['component']} heads"
    return f"{count} end with a score of at least {CLEAR:g}. Highest at the end: {listed}."


def _attention_chart(results: Results) -> Chart:
    """Scores read off attention patterns."""
    titles = {name: score_name(name) for name in scores_in(results.behavior)}
    note = (
        "Mean attention on the previous, same, first, or an equal earlier token, and, on random "
        "strings that repeat, on the token that came next last time (induction). 1 is perfect; "
        "dotted: uniform attention. Colours are the rLLC groups; the highest head is named."
    )
    figure = scores_figure(results, titles, "score (0 to 1)")
    figure.update_yaxes(range=[-0.04, 1.06])
    return Chart("scores", "Attention scores of every head", note, figure)


def _model_chart(results: Results, names: list[str]) -> Chart:
    """Scores of the whole model."""
    titles = {name: MODEL_SCORES[name][0] for name in names}
    units = {name: MODEL_SCORES[name][1] for name in names}
    note = (
        "In-context score: how much lower the loss is late in the text than early (below zero: "
        "context helps). Distances: KL from the corpus' bigram or trigram statistics to the model; "
        "low means that the model predicts like a table of counts."
    )
    title = "Learning from context, and from counts of neighbouring tokens"
    return Chart("model-scores", title, note, series_figure(results, titles, units))


def _further_chart(results: Results, names: list[str]) -> Chart:
    """Whether heads serve n-grams."""
    titles = {name: FURTHER[name] for name in names}
    note = (
        "Rise of the loss when a head is replaced by its mean, on tokens that the corpus' trigram "
        "statistics predict and on the others. Reliance is the difference: above zero, the head "
        "works for n-grams rather than for the rest."
    )
    figure = scores_figure(results, titles, "loss change (nats/token)")
    return Chart("ngram-reliance", "Which heads serve n-grams", note, figure)
