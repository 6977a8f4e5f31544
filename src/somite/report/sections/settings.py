"""Settings, provenance, and what each number means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from somite.report.page import Block, Section, Table
from somite.report.reading import tracked
from somite.report.roles import CLEAR

if TYPE_CHECKING:
    from somite.study.results import Results

DEFINITIONS = (
    (
        "rLLC",
        "Refined local learning coefficient of a component: n_beta · (E[L] − L(w*)), the mean over "
        "draws from the posterior near the checkpoint w* in which only the component's weights "
        "move. No unit. High: the loss depends on the component in many, finely tuned ways; low: "
        "it is degenerate. Baselines are paired: both losses on the same examples.",
    ),
    (
        "data-refined rLLC",
        "The same with the loss of one domain's text in place of the training mixture.",
    ),
    (
        "n_beta",
        "Inverse temperature times number of samples: the factor in front of the mean loss.",
    ),
    (
        "localization",
        "Precision of the Gaussian that holds a chain near its checkpoint.",
    ),
    (
        "step_size",
        "Step of the sampler: ε of SGLD (drift ε/2, noise variance ε), h of BAOAB (h² compares "
        "with ε).",
    ),
    (
        "MCSE",
        "Monte Carlo standard error of a mean over draws, from the chains' autocorrelation. Bands "
        "are ± 2 MCSE. It does not contain the spread between training runs.",
    ),
    (
        "R-hat",
        "Rank-normalised split R-hat (Vehtari et al. 2021): spread of all chains together against "
        "spread within chains. 1 when chains agree; above 1.05 they have not mixed.",
    ),
    ("ESS", "Effective sample size: independent draws that would carry as much information."),
    (
        "verdict",
        "Of the chains: good, usable with care or don't use, from R-hat, ESS, error, trend, "
        "temperature, step bias, minibatch noise, distance and acceptance, with its reason. Of the "
        "center, apart: from the slope of the loss there and from draws that lie below it.",
    ),
    (
        "temperature",
        "Mean of Δw·∂U over the number of moved weights; 1 for the exact posterior. Long steps and "
        "minibatch noise raise it; a chain that has not filled its basin is below.",
    ),
    ("probe", "A small fixed set of examples whose loss is recorded every few draws."),
    (
        "previous-, current-, first-token score",
        "Mean attention paid to the token before, to the token itself, to the first token. 0 to 1.",
    ),
    (
        "duplicate-token score",
        "Mean attention paid to earlier tokens equal to the present one, where there are any.",
    ),
    (
        "induction score",
        "On random strings that repeat: mean attention paid to the tokens that followed earlier "
        "occurrences of the present token.",
    ),
    (
        "role, formed",
        f"A head has a role if its highest score ends at {CLEAR:g} or more. It formed at the "
        "step at which that score first passed the middle between its first and its last value; a "
        "head that was clear at every checkpoint, or whose score fell, had it from the start.",
    ),
    (
        "stage, boundary",
        "A stretch of training in which all rLLC curves are straight lines in log(step + 1); where "
        "two such stretches meet.",
    ),
    (
        "ARI, AMI",
        "Adjusted Rand index and adjusted mutual information between two groupings: 1 for equal "
        "ones, 0 on average for unrelated ones. p: share of shuffles, within layers, that agree as "
        "well.",
    ),
    (
        "mean, resample ablation",
        "Change of the loss when a head's output is replaced by its mean over the text, or by its "
        "output on another row.",
    ),
    ("nat", "Unit of loss: natural logarithm; 1 nat = 1.44 bits."),
)
OF_TRANSFORMERS = frozenset(
    {
        *("previous-, current-, first-token score", "duplicate-token score", "induction score"),
        *("role, formed", "mean, resample ablation", "nat"),
    }
)
"""Words that the report of a tracked series does without."""


def section(results: Results) -> Section:
    """Tables of everything that made the numbers, and definitions."""
    left_out = OF_TRANSFORMERS if tracked(results) else frozenset()
    words = [(word, meaning) for word, meaning in DEFINITIONS if word not in left_out]
    blocks: list[Block] = [
        Table("What the numbers mean", ("word", "meaning"), words),
        Table("Settings", ("setting", "value"), flat(results.settings)),
        Table("Sampler", ("setting", "value"), flat(results.llc.attrs)),
        Table("Provenance", ("what", "value"), flat(results.provenance)),
    ]
    lead = (
        "Everything that made these numbers. The same settings on the same machine give the same."
    )
    return Section("settings", "Settings and provenance", "Settings", lead, blocks)


def flat(settings: Mapping[str, object], prefix: str = "") -> list[tuple[str, str]]:
    """Nested settings as rows of dotted name and value.

    Example:
        >>> flat({"model": {"n_heads": 8}, "seed": 0})
        [('model.n_heads', '8'), ('seed', '0')]
    """
    rows: list[tuple[str, str]] = []
    for name, value in settings.items():
        if isinstance(value, Mapping):
            rows += flat(value, f"{prefix}{name}.")
        else:
            rows.append((f"{prefix}{name}", shown(value)))
    return rows


def shown(value: object) -> str:
    """A setting's value as text.

    Example:
        >>> shown((1, 2)), shown(None), shown(0.001)
        ('1, 2', '–', '0.001')
    """
    if value is None:
        return "–"
    if isinstance(value, list | tuple):
        return ", ".join(shown(item) for item in value)
    return str(value)
