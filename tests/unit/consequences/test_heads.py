import numpy as np
import pytest

from somite.consequences import head_pruning, random_removal
from somite.core.errors import InputError

COST = {"a": 3.0, "b": 0.0, "c": 1.0}


def additive(withheld):
    return {"x": np.array([1.0, 2.0]) + sum(COST[name] for name in withheld), "y": np.zeros(1)}


def test_the_least_missed_go_first():
    found = head_pruning(additive, ["a", "b", "c"])
    assert found.attrs["order"] == ["b", "c", "a"]
    assert found.isel(example=0).values.tolist() == [4.0, 1.0, 0.0, 0.0]
    assert not found.isel(example=2).any()


def test_random_sets_have_the_size_asked_for():
    counted = []

    def evaluate(withheld):
        counted.append(len(set(withheld)))
        return {"x": np.array([float(len(withheld))])}

    assert random_removal(evaluate, list("abcdef"), 4, sets=5).values.tolist() == [4.0]
    assert counted == [0, 4, 4, 4, 4, 4]


def test_all_components_can_be_removed_and_the_mean_over_sets_counts():
    assert random_removal(additive, list("abc"), 3).values.tolist() == [4.0, 4.0, 0.0]
    one = random_removal(additive, list("abc"), 1, sets=300, seed=1).values[0]
    assert abs(one - 4 / 3) < 4 * np.std([3, 0, 1]) / 300**0.5


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: head_pruning(additive, ["a", "a"]), "names must name at least one component"),
        (lambda: head_pruning(additive, []), "names must name at least one component"),
        (lambda: random_removal(additive, ["a"], 2), "number must be at most 1"),
        (lambda: random_removal(additive, ["a"], 0), "number must be a whole number"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(InputError, match=message):
        call()
