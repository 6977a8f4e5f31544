"""Made-up losses of tokens: known heads answer to repeated strings, in the control none does."""

from functools import cache

import numpy as np
import torch
import xarray as xr

from laws.linear_response import AXES
from somite.study.influence_tables import influence_tables
from somite.study.motion import motion_tables
from somite.study.recorded_cells import Losses
from somite.study.response_tables import response_tables
from somite.study.token_clusters import cluster_tables

DOMAINS = ("code", "wiki", "repeats")
WORDS = "the cat <script>alert(1)</script> sat · on ⏎ a mat & then".split(" ")
KNOWN = ("0:3", "1:2", "1:5")
CHAINS, DRAWS = 4, 40


def component_names() -> list[str]:
    return [f"{layer}:{head}" for layer in range(2) for head in range(8)]


def losses(seed: int, n_beta: float, rows: int = 4, tokens: int = 9, planted: float = 4) -> Losses:
    """Losses of tokens that follow the loss on the reference, each component in its own way."""
    random, names = np.random.default_rng(seed), component_names()
    way = np.random.default_rng(7)  # the same in the control
    strength = 1 + 0.6 * way.normal(size=(len(names), len(DOMAINS) * rows, tokens))
    known = [names.index(name) for name in KNOWN]
    strength[known, -rows:] += planted
    spread = 1.0 if n_beta else 2.0
    shape = (len(names), CHAINS, DRAWS)
    phi = spread * random.normal(size=shape)
    values = phi[..., None, None] * strength[:, None, None]
    values = values + 0.4 * spread * random.normal(size=values.shape)
    coords = {"component": names, "chain": np.arange(CHAINS)}
    size, localization, step_size = 8, 2.0, 0.5
    variance = 1 / (localization * (1 - step_size * localization / 4))  # of SGLD
    square = random.chisquare(size, size=shape) * variance
    attrs = {"n_beta": n_beta, "localization": localization, "seed": seed, "checkpoint": 3000}
    attrs |= {"kernel": "SGLD", "step_size": step_size, "chains": CHAINS, "draws": 200}
    draws = xr.Dataset(
        {
            "probe_loss": (("probe", *AXES), phi[None]),
            "loss": (("component", "chain", "draw"), phi),
            "distance": (("component", "chain", "draw"), square),
            "status": (AXES[:2], np.full(shape[:2], "converged", dtype="U40")),
            "size": ("component", np.full(len(names), size)),
        },
        {**coords, "probe": ["reference"]},
        attrs | {"probe_every": 5},
    )
    return Losses(draws, xr.DataArray(values, coords, (*AXES, "example", "token")))


def text(rows: int, tokens: int) -> xr.Dataset:
    ids = np.add.outer(np.arange(len(DOMAINS) * rows), 3 * np.arange(tokens + 1)) % len(WORDS)
    return xr.Dataset({"token_id": (("example", "position"), ids), "text": ("id", WORDS)})


def domains(rows: int) -> list[str]:
    return [name for name in DOMAINS for _ in range(rows)]


@cache
def response(rows: int = 4, tokens: int = 9, planted: float = 4) -> xr.Dataset:
    """Responses as a run has them."""
    own = losses(0, 30.0, rows, tokens, planted)
    control = losses(1, 0.0, rows, tokens, planted=0)
    found = response_tables(own, control, domains(rows), replicates=10, seed=0)
    return xr.merge([found, text(rows, tokens)]).assign_attrs(found.attrs | {"step": 3000})


@cache
def influences(rows: int = 4, tokens: int = 9) -> xr.Dataset:
    """Influences as a run has them."""
    own, control = losses(0, 30.0, rows, tokens), losses(1, 0.0, rows, tokens, planted=0)
    found = influence_tables(own, control, [0, rows, 2 * rows], count=5)
    found["domain"] = "row", domains(rows)
    written = text(rows, tokens).rename(example="row")
    return xr.merge([found, written]).assign_attrs(found.attrs | {"step": 3000})


@cache
def motion(rows: int = 4, tokens: int = 9) -> xr.Dataset:
    """Motion of tokens as a run has it: known heads learn to answer to repeated strings."""
    series = {
        300: losses(2, 30.0, rows, tokens, planted=0),
        3000: losses(0, 30.0, rows, tokens),
    }
    ids = torch.tensor(text(rows, tokens).token_id.values)
    found = motion_tables(series, ids, WORDS.__getitem__, 0)
    return found.assign(text=("id", WORDS), domain=("example", domains(rows)))


def pictured() -> xr.Dataset:
    """The same with pictures as UMAP gives them."""
    table, random = motion(), np.random.default_rng(0)
    places = random.normal(size=(3, *table.position.shape)).astype(np.float32)
    return table.assign(umap_position=(("picture", *table.position.dims), places), umap_shared=0.5)


@cache
def clusters(rows: int = 24, tokens: int = 9) -> xr.Dataset:
    """Clusters of tokens as a run has them: known heads answer to repeated strings."""
    own, control = losses(0, 30.0, rows, tokens), losses(1, 0.0, rows, tokens, planted=0)
    ids = torch.tensor(text(rows, tokens).token_id.values)
    found = cluster_tables(own, control, ids, WORDS.__getitem__, 0)
    named = found.assign(text=("id", WORDS), domain=("example", domains(rows)))
    return named.assign_attrs(step=3000, recorded=ids[:, 1:].numel())
