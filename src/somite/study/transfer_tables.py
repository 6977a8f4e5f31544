"""What each trained part learned and forgot, modules against random sets, and what predicts it."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import xarray as xr

from somite.components.unions import FULL
from somite.consequences import against_sets, related, transfer_scores
from somite.estimators import llc
from somite.modularity.specialization import profiles, scores

WHOLE = "all weights"
ALL_HEADS = "all heads"
PREDICTORS = ("llc", "lesion", "selectivity")
"""What is known of heads before they are trained."""
Draw = Callable[[Sequence[str], Mapping[str, str]], tuple[list[tuple[str, ...]], bool]]


@dataclass(frozen=True)
class Arms:
    """The parts of a model that are trained, each alone.

    Args:
        members: By name, the components that are trained together.
        heads: Names that are single heads.
        random: By name of a module, the names of its random sets.
        exact: By name of a module, whether these are all that there are.
    """

    members: dict[str, list[str]]
    heads: list[str]
    random: dict[str, list[str]] = field(default_factory=dict)
    exact: dict[str, bool] = field(default_factory=dict)

    @classmethod
    def of(cls, modules: Mapping[str, Sequence[str]], heads: Sequence[str], draw: Draw) -> "Arms":
        """All weights, all heads, whole layers, single heads, modules and their random sets.

        Args:
            modules: Heads of each by name.
            heads: All heads.
            draw: Gives random sets for a module, and whether these are all.
        """
        layers = {name: name.partition(":")[0] for name in heads}
        members = {WHOLE: [FULL], ALL_HEADS: list(heads)}
        members |= {f"layer {layer}": [layer] for layer in dict.fromkeys(layers.values())}
        members |= {name: [name] for name in heads}
        random, exact = {}, {}
        for name, own in modules.items():
            drawn, exact[name] = draw(own, layers)
            sets = {f"{name}, random {i}": list(one) for i, one in enumerate(drawn)}
            members |= {name: list(own)} | sets
            random[name] = list(sets)
        return cls(members, list(heads), random, exact)


def transfer_tables(
    tuned: Mapping[str, xr.Dataset],
    arms: Arms,
    domain: str,
    early: int,
    heads: xr.Dataset,
) -> xr.Dataset:
    """All that the report says about transfer.

    Args:
        tuned: For each part, `loss` (seed, step, domain, row).
        arms: The parts.
        domain: The new domain.
        early: The step at which speed is read off.
        heads: Of `head_table`.

    Returns:
        What is known of heads. Over (set, step): `learned` and `forgotten`, mean losses of the new
        domain and of the others. Over (measure, set): `value`, `standard_error`, see
        `transfer_scores`; over set `weights`, how many are trained. Over (module, measure): `mean`,
        `low`, `high`, `z`, `p_value`, `q_value`, see `against_sets`; over module `sets`, `exact`.
        Over row: `subject`, `outcome`, `against`, the numbers of `somite.consequences.Relation`,
        and `remark`.
    """
    losses = xr.concat([part.loss for part in tuned.values()],
                       xr.DataArray(list(tuned), dims="set", name="set"))  # fmt: skip
    scored = transfer_scores(losses, domain, WHOLE, early)
    means = losses.mean(("seed", "row"))
    old = means.sel(domain=means.domain != domain).mean("domain")
    curves = {"learned": means.sel(domain=domain, drop=True), "forgotten": old}
    compared = [_named(against_sets(scored, name, sets, arms.exact[name]))
                for name, sets in arms.random.items()]  # fmt: skip
    modules = xr.concat(compared, xr.DataArray(list(arms.random), dims="module", name="module"))
    found = xr.merge([scored, xr.Dataset(curves), modules, heads], combine_attrs="drop")
    found = found.assign(
        weights=("set", [part.attrs["weights"] for part in tuned.values()]),
        sets=("module", [len(sets) for sets in arms.random.values()]),
        exact=("module", list(arms.exact.values())),
    )
    return xr.merge([found, _relations(found, arms)]).assign_attrs(early=early)


def _named(found: xr.Dataset) -> xr.Dataset:
    """What compares a module with its random sets; its own numbers are among those of all sets."""
    return found[["mean", "low", "high", "z", "p_value", "q_value"]]


def head_table(draws: xr.Dataset, on_domains: xr.Dataset | None, lesions: xr.Dataset) -> xr.Dataset:
    """What is known of each head before any fine-tuning.

    Args:
        draws: Of the heads on the new domain.
        on_domains: Estimates of the heads on the domains of training, at some steps.
        lesions: Of the heads, on the new domain, see `somite.baselines.lesion_matrix`.

    Returns:
        Over head: `llc` and `mcse` on the new domain, `lesion`, the rise of its loss without the
        head, and `selectivity` for one domain of training (NaN where that is not known).
    """
    own = llc(draws, on_failure="leave out")[["llc", "mcse"]].drop_attrs()
    names, step = own.component.values, int(draws.attrs["checkpoint"])
    selective = np.full(len(names), math.nan)
    if on_domains is not None and step in on_domains.step:
        values = on_domains.llc.sel(step=step, component=names).transpose("component", "domain")
        selective = scores(profiles(values.values))["selectivity"]
    rises = lesions.loss_change.sel(component=names).isel(domain=0).values
    columns = {"lesion": ("component", rises), "selectivity": ("component", selective)}
    return own.assign(columns).rename(component="head")


def _relations(found: xr.Dataset, arms: Arms) -> xr.Dataset:
    """How far what heads are on the new text goes with what training them alone achieves."""
    known = [name for name in arms.heads if name in found["head"].values]
    subjects = {"single heads": known} | {f"sets like {m}": s for m, s in arms.random.items()}
    rows = []
    for subject, names in subjects.items():
        value = found.value.sel({"set": names})
        gain = found.learned.sel({"set": names}).isel(step=0) - value.sel(measure="final")
        outcomes = {"gain": gain.values, "forgetting": value.sel(measure="forgetting").values}
        for predictor in PREDICTORS:
            means = [float(found[predictor].sel(head=arms.members[n]).mean()) for n in names]
            rows += [
                {"subject": subject, "outcome": measure, "against": predictor}
                | related(np.array(means), outcome)
                for measure, outcome in outcomes.items()
            ]
    return xr.Dataset({name: ("row", [row[name] for row in rows]) for name in rows[0]})
