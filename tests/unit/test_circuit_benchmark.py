"""The test of the circuit ranks pairs, names heads and combines seeds as docs/modules.md says."""

import itertools
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import circuit

HEADS = ("0:0", "1:1")


def table(values):
    """Interactions of four pairs."""
    pairs = ["0:0|1:0", "0:0|1:1", "0:1|1:0", "0:1|1:1"]
    columns = {
        "interaction": values, "mcse": np.full(4, 0.1), "anharmonicity": np.ones(4),
        "remark": ["", "flat", "", ""],
    }  # fmt: skip
    return xr.Dataset({n: ("pair", list(v)) for n, v in columns.items()}, {"pair": pairs})


@pytest.mark.parametrize(
    ("values", "rank"), [([0.1, 0.9, 0.2, 0.3], 1), ([0.1, -0.9, 0.2, 0.3], 4)]
)
def test_rank_counts_from_the_largest(values, rank):
    found = circuit.ranked(table(values), HEADS)
    assert (found["rank"], found["pairs"], found["remarks"]) == (rank, 4, 1)
    assert pytest.approx(values[1]) == found["I"]


def between(layers, strong):
    """Interactions of all cross-layer pairs, below zero for some of them."""
    pairs = list(itertools.product(*layers))
    columns = {
        "interaction": [-1.0 if pair in strong else 0.0 for pair in pairs],
        "first": [a for a, _ in pairs], "second": [b for _, b in pairs],
    }  # fmt: skip
    return xr.Dataset(
        {n: ("pair", v) for n, v in columns.items()}, {"pair": ["|".join(p) for p in pairs]}
    )


def test_coupling_is_compared_with_every_other_choice_of_heads():
    layers = [[f"{i}:{h}" for h in range(4)] for i in (0, 1)]
    strong = set(itertools.product(["0:1", "0:2"], ["1:0", "1:3"]))
    found = circuit.coupled(between(layers, strong), ["0:1", "0:2", "1:0", "1:3"])
    assert (found["coupling"], found["p of coupling"]) == (-1.0, 1 / 36)
    other = circuit.coupled(between(layers, strong), ["0:0", "0:3", "1:1", "1:2"])
    assert other["p of coupling"] == 1.0
    everyone = circuit.coupled(between(layers, strong), [*layers[0], *layers[1]])
    assert np.isnan(everyone["p of coupling"])


def test_seeds_are_combined_as_announced():
    rows = [
        {"seed": s, "rank": 64, "pairs": 64, "lag": 0.1 * s, "p of coupling": 0.5 / (s + 1)}
        for s in range(4)
    ]
    found = circuit.tests(rows)
    assert found["p, most negative first"] == [1 / 64] * 3  # seeds 1 to 3
    assert found["p, largest first"] == [1.0] * 3  # seeds 0 to 2
    assert found["combined p, most negative first"] < 0.001
    assert found["combined p, largest first"] == pytest.approx(1.0)
    assert found["p of coupling"] == [0.5 / 2, 0.5 / 3, 0.5 / 4]
    assert found["within reach"] == [True] * 4


def test_the_two_heads_are_named_by_their_scores():
    names = ["0:0", "0:1", "1:0", "1:1"]
    scores = {"previous_token": [0.9, 0.1, 0.95, 0.0], "induction": [0.99, 0.0, 0.2, 0.8]}
    behavior = xr.Dataset({n: ("component", v) for n, v in scores.items()}, {"component": names})
    assert circuit.roles(behavior) == HEADS
