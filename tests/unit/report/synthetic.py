"""Made-up results of a plausible study, seeded: what the report is developed and tested on."""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from itertools import product
from typing import Any

import numpy as np
import xarray as xr

from somite.estimators.verdict import CARE, GOOD, REFUSE
from somite.study.results import FoundModules, Results
from somite.study.through_time import through_time

SCORES = ("previous_token", "current_token", "first_token", "duplicate_token", "induction")
CHANCE = (0.06, 0.06, 0.06, 0.05, 0.03)
DOMAINS = ("code", "drama", "wiki", "dialogue", "legal", "repeats")
VIEWS = ("curves_ward", "curves_kmeans", "behavior", "refined")
WORDS = "the cat <script>alert(1)</script> sat · on ⏎ a mat & then went home".split(" ")
JUMPS = {"0:3": ("previous_token", 420), "1:5": ("induction", 1500), "1:2": ("induction", 1600)}


def steps(n: int = 24, last: int = 3000) -> np.ndarray:
    return np.unique(np.concatenate([[0], np.rint(np.geomspace(2, last, n - 1))])).astype(int)


def rise(at: np.ndarray, middle: float, width: float = 0.25) -> np.ndarray:
    return 1 / (1 + np.exp(-(np.log1p(at) - np.log1p(middle)) / width))


def component_names(layers: int = 2, heads: int = 8) -> list[str]:
    return [f"{layer}:{head}" for layer in range(layers) for head in range(heads)]


def group_of_head(name: str) -> int:
    return 1 if JUMPS.get(name, ("",))[0] == "previous_token" else 2 if name in JUMPS else 0


def behavior(at: np.ndarray, names: list[str], random: np.random.Generator) -> xr.Dataset:
    columns: dict[str, Any] = {}
    for score, chance in zip(SCORES, CHANCE, strict=True):
        values = chance + 0.05 * random.random(len(names)) * rise(at, 300)[:, None]
        for name, (what, middle) in JUMPS.items():
            if what == score and name in names:
                values[:, names.index(name)] += 0.8 * rise(at, middle, 0.12)
        columns[score] = (("step", "component"), values, {"chance": chance})
        error = np.full_like(values, 0.008)
        columns[f"{score}_standard_error"] = (("step", "component"), error)
    columns["in_context_score"] = ("step", 0.02 - 0.5 * rise(at, 1500, 0.2))
    columns["in_context_score_standard_error"] = ("step", np.full(len(at), 0.02))
    columns["bigram_kl"] = ("step", 2.5 - 2.2 * rise(at, 60) + 0.6 * rise(at, 900))
    columns["trigram_kl"] = ("step", 2.8 - 1.9 * rise(at, 150))
    shape = (len(at), len(names))
    columns["ngram_reliance"] = (("step", "component"), 0.02 * random.normal(size=shape))
    coords = {"step": at, "component": names}
    return xr.Dataset(columns, coords)


def llc(at: np.ndarray, names: list[str], random: np.random.Generator) -> xr.Dataset:
    shape = (len(at), len(names))
    curves = 1 + 3 * rise(at, 60)[:, None] * (1 + 0.25 * random.normal(size=len(names)))
    for name, (_, middle) in JUMPS.items():
        if name in names:
            curves[:, names.index(name)] += 6 * rise(at, middle, 0.15) - 1.2 * rise(at, 2500, 0.1)
    mcse = 0.025 * curves
    r_hat = 1 + 0.012 * random.exponential(size=shape)
    failed = np.zeros(shape, dtype=int)
    verdict, reason = np.full(shape, GOOD, dtype=object), np.full(shape, "", dtype=object)
    verdict[-2, 3], reason[-2, 3], failed[-2, 3] = CARE, "1 of 4 chains failed (diverged)", 1
    verdict[5, 2], reason[5, 2] = REFUSE, "not mixed (R-hat 1.28): raise burn_in, <b>draws</b>"
    center, why = np.full(shape, GOOD, dtype=object), np.full(shape, "", dtype=object)
    center[:3], why[:3] = REFUSE, "62 % of the draws have a lower loss than the center: train on"
    r_hat[5, 2] = 1.28
    table = {
        "llc": curves + mcse * random.normal(size=shape),
        "mcse": mcse,
        "r_hat": r_hat,
        "ess": 300 + 200 * random.random(shape),
        "r_hat_probe": r_hat + 0.004,
        "ess_probe": 60 + 80 * random.random(shape),
        "chains_failed": failed,
        "verdict": verdict.astype(str),
        "reason": reason.astype(str),
        "center_verdict": center.astype(str),
        "center_reason": why.astype(str),
    }
    attrs = {"n_beta": 30.0, "localization": 200.0, "step_size": 1e-3, "batch_size": 32}
    return xr.Dataset(
        {name: (("step", "component"), values) for name, values in table.items()},
        {"step": at, "component": names},
        attrs | {"chains": 4, "burn_in": 50, "draws": 150},
    )


def draws_at(table: xr.Dataset, index: int, seed: int) -> xr.Dataset:
    random = np.random.default_rng([seed, index])
    names = table["component"].values
    middle = table["llc"].values[index] / table.attrs["n_beta"]
    loss = middle[:, None, None] * (1 + 0.3 * random.normal(size=(len(names), 4, 150)))
    probe = middle[:, None, None] * (1 + 0.1 * random.normal(size=(len(names), 4, 50)))
    status = np.full((len(names), 4), "converged", dtype=object)
    failed_at = np.full((len(names), 4), -1)
    for component in np.flatnonzero(table["chains_failed"].values[index]):
        status[component, 1] = "diverged at step 88: lower step_size"
        failed_at[component, 1] = 88
        loss[component, 1, 38:] = np.nan
    return xr.Dataset(
        {
            "loss": (("component", "chain", "draw"), loss),
            "probe_loss": (("probe", "component", "chain", "probe_draw"), probe[None]),
            "status": (("component", "chain"), status.astype(str)),
            "failed_at": (("component", "chain"), failed_at),
        },
        {"component": names, "chain": range(4), "draw": range(150), "probe_draw": range(50)}
        | {"probe": ["reference"]},
        {"n_beta": table.attrs["n_beta"]},
    )


class Draws(Mapping[tuple[int, str], xr.Dataset]):
    """Draws made when asked for."""

    def __init__(self, table: xr.Dataset, refined: xr.Dataset, seed: int) -> None:
        self.table, self.refined, self.seed = table, refined, seed
        self.steps = table["step"].values.tolist()

    def __getitem__(self, place: tuple[int, str]) -> xr.Dataset:
        step, domain = place
        if domain == "train":
            return draws_at(self.table, self.steps.index(step), self.seed)
        one = self.refined.sel(domain=domain).assign_attrs(self.table.attrs)
        return draws_at(one, one.step.values.tolist().index(step), self.seed)

    def __contains__(self, place: object) -> bool:
        return place in list(self)

    def __iter__(self) -> Any:
        whole = [(step, "train") for step in self.steps]
        return iter(whole + list(product(self.refined.step.values, self.refined.domain.values)))

    def __len__(self) -> int:
        return len(list(iter(self)))


def stages(at: np.ndarray, names: list[str], positions: tuple[float, ...]) -> xr.Dataset:
    position = np.array(positions, dtype=float)
    columns = {
        "position": position,
        "low": position * 0.92,
        "high": position * 1.07,
        "support": np.full(len(position), 0.96),
    }
    found = xr.Dataset({name: ("boundary", values) for name, values in columns.items()})
    found["bic"] = ("k", np.abs(np.arange(6) - len(position)) * 140.0 - 900)
    found["fit"] = (("step", "component"), np.ones((len(at), len(names))))
    ends = {"first_step": float(at[0]), "last_step": float(at[-1])}
    coords = {"step": at, "component": names, "k": range(6)}
    return found.assign_coords(coords).assign_attrs(n_boundaries=len(position), **ends)


def groups(names: list[str], p_value: float) -> xr.Dataset:
    planted = np.array([group_of_head(name) for name in names])
    labels = np.stack([planted, planted, planted, planted])
    labels[1, -1], labels[3, :4] = 1, 1
    size = len(VIEWS)
    agreement = np.where(np.eye(size, dtype=bool), 1.0, 0.71 if p_value < 0.05 else 0.03)
    return xr.Dataset(
        {
            "label": (("view", "component"), labels),
            "n_groups": ("view", labels.max(1) + 1),
            "stability": ("view", [0.97, 0.91, 0.88, 0.62]),
            "note": ("view", ["", "", "", "stability below 0.75"]),
            "ari": (("view", "view_other"), agreement),
            "ami": (("view", "view_other"), agreement * 0.95),
            "p_value": (("view", "view_other"), np.full((size, size), p_value)),
        },
        {"view": list(VIEWS), "view_other": list(VIEWS), "component": names},
    )


def refined(names: list[str], random: np.random.Generator) -> xr.Dataset:
    shape = (3, len(DOMAINS), len(names))
    values = 3 + random.random(shape)
    values[-1, -1, [names.index(n) for n in JUMPS if n in names]] += 9
    coords = {"step": [420, 1500, 3000], "domain": list(DOMAINS), "component": names}
    dims = ("step", "domain", "component")
    words = {"verdict": GOOD, "reason": "", "center_verdict": GOOD, "center_reason": ""}
    error = 0.03 * values
    table = {"llc": values, "mcse": error, "r_hat": 1 + 0 * values, "ess": 90 + 0 * values}
    table["chains_failed"] = np.zeros(shape, dtype=int)
    columns: dict[str, Any] = {name: (dims, column) for name, column in table.items()}
    said = {name: (dims, np.full(shape, word)) for name, word in words.items()}
    return xr.Dataset(columns | said, coords)


def ablation(names: list[str], random: np.random.Generator) -> xr.Dataset:
    shape = (3, 2, len(DOMAINS), len(names))
    change = 0.02 * random.random(shape) - 0.004
    change[-1, :, -1, [names.index(n) for n in JUMPS if n in names]] += 1.3
    dims = ("step", "method", "domain", "component")
    return xr.Dataset(
        {"loss_change": (dims, change), "standard_error": (dims, np.full(shape, 0.004))},
        {
            "step": [420, 1500, 3000],
            "method": ["mean", "resample"],
            "domain": list(DOMAINS),
            "component": names,
        },
    )


def attention(names: list[str], random: np.random.Generator, length: int = 64) -> xr.Dataset:
    chosen = [name for name in names if name in JUMPS] or names[:1]
    pattern = np.tril(random.exponential(size=(len(DOMAINS), len(chosen), length, length)) ** 5)
    pattern /= pattern.sum(-1, keepdims=True)
    tokens = [[WORDS[(i + 5 * j) % len(WORDS)] for i in range(length)] for j in range(len(DOMAINS))]
    return xr.Dataset(
        {
            "pattern": (("example", "component", "query", "key"), pattern.astype(np.float16)),
            "token": (("example", "position"), np.array(tokens)),
            "domain": ("example", list(DOMAINS)),
        },
        {"component": chosen},
    )


def training(at: np.ndarray) -> xr.Dataset:
    loss = np.stack([5.5 - 2.6 * rise(at, 50) - 0.3 * k * rise(at, 1200) for k in range(6)], 1)
    return xr.Dataset(
        {"loss": (("step", "domain"), loss), "train_loss": ("step", loss.mean(1) - 0.05)},
        {"step": at, "domain": list(DOMAINS)},
    )


def synthetic_results(
    layers: int = 2,
    seed: int = 0,
    boundaries: tuple[float, ...] = (38.0, 405.0, 1480.0),
    p_value: float = 0.0002,
    **changes: Any,
) -> Results:
    """Results with three formed heads; `changes` replace fields."""
    random, at, names = np.random.default_rng(seed), steps(), component_names(layers)
    table, measured = llc(at, names, random), refined(names, random)
    by_step, through = followed(layers)
    results = Results(
        settings={"name": "synthetic", "model": {"n_layers": layers, "n_heads": 8}, "seed": seed},
        provenance={"somite": "0.1.0", "code": "wheel <sha256>", "seconds": 612.0},
        training=training(at),
        llc=table,
        draws_by_place=Draws(table, measured, seed),
        behavior=behavior(at, names, random),
        stages=stages(at, names, boundaries),
        groups=groups(names, p_value),
        refined=measured,
        ablation=ablation(names, random),
        attention=attention(names, random),
        modules={"heads": FoundModules(by_step, through)},
    )
    return replace(results, **changes)


MODULE_STEPS, REPLICATES = 8, 60


def module_labels(at: int, names: list[str]) -> np.ndarray:
    """Two modules at first; then the heads that jump leave them, to be a module of their own."""
    halves = np.array([int(name.split(":")[1]) % 2 for name in names])
    formed = [at > 500 and name in JUMPS for name in names]
    return np.where(formed, 2, halves)


def synergy_labels(names: list[str]) -> np.ndarray:
    """The first and the last component cooperate; all others are alone."""
    alone = np.arange(len(names))
    return np.where(alone == len(names) - 1, 0, alone)


def modules(names: list[str], at: int = 3000) -> xr.Dataset:
    """Planted redundant modules; one pair across them cooperates."""
    random, label = np.random.default_rng(at), module_labels(at, names)
    same = label[:, None] == label
    values = np.where(same, 0.8 * rise(np.array([at]), 300), 0.0) + 0.05 * random.normal(
        size=same.shape
    )
    values[0, -1] = -0.6
    values = np.triu(values, 1) + np.triu(values, 1).T
    np.fill_diagonal(values, np.nan)
    pair, methods = ("component", "other"), ["composition", "cka", "attribution_correlation"]
    each, relations = ("relation", "component"), ["redundant", "cooperating"]
    labels = np.stack([label, synergy_labels(names)])
    ordered = np.stack([np.unique(row, return_inverse=True)[1] for row in labels])
    noise = np.triu(random.normal(size=(REPLICATES, *values.shape)), 1)
    again = values + 0.05 * (noise + noise.transpose(0, 2, 1))
    beyond = at > 100
    return xr.Dataset(
        {
            "interaction": (pair, values),
            "mcse": (pair, np.full(values.shape, 0.05)),
            "z": (pair, values / 0.05),
            "q_value": (pair, np.where(np.abs(values) > 0.3, 1e-6, 0.6)),
            "replicate_interaction": (("replicate", *pair), again.astype(np.float32)),
            "label": (each, ordered),
            "module_stability": (each, np.full(labels.shape, 0.93)),
            "replicate_label": (
                ("relation", "replicate", "component"),
                np.repeat(labels[:, None], REPLICATES, 1),
            ),
            "modularity": ("relation", [0.42 if beyond else 0.17, 0.2]),
            "modularity_z": ("relation", [6.0, 0.9]),
            "p_value": ("relation", [0.005 if beyond else 0.3, 0.4]),
            "p_adjusted": ("relation", [0.01 if beyond else 0.6, 0.6]),
            "null_mean": ("relation", [0.15, 0.15]),
            "null_low": ("relation", [0.1, 0.1]),
            "null_high": ("relation", [0.21, 0.21]),
            "replicate_modularity": (
                ("relation", "replicate"),
                np.stack([0.3 + 0.02 * random.normal(size=REPLICATES)] * 2),
            ),
            "n_modules": ("relation", [len(set(row)) for row in labels]),
            "stability": ("relation", [0.93, 0.93]),
            "note": ("relation", ["", ""]),
            "baseline_label": (("baseline", "head"), np.zeros((3, len(names)), int)),
            "baseline_p_value": ("baseline", [0.4, 0.01, 0.2]),
            "ari": (
                ("relation", "baseline"),
                [[0.1, 0.9 * float(beyond), 0.0], [0.0, 0.1, 0.2]],
            ),
            "ari_p_value": (("relation", "baseline"), [[0.3, 0.002, 0.7], [0.5, 0.4, 0.3]]),
        },
        {
            "component": names, "other": names, "baseline": methods, "head": names,
            "relation": relations,
        },
        {"remarks": 2, "step": at},
    )  # fmt: skip


@cache
def followed(layers: int) -> tuple[dict[int, xr.Dataset], dict[str, xr.Dataset]]:
    """Modules at several steps, and each kind of them through time."""
    names, at = component_names(layers), steps()
    chosen = at[np.linspace(0, len(at) - 1, MODULE_STEPS).round().astype(int)].tolist()
    by_step = {step: modules(names, step) for step in chosen}
    scores = behavior(at, names, np.random.default_rng(0))
    kinds = ("redundant", "cooperating")
    return by_step, {kind: through_time(by_step, kind, training(at), scores) for kind in kinds}
