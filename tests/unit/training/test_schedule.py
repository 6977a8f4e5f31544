import pytest

from somite.core.errors import InputError
from somite.training import checkpoint_steps


def test_begins_and_ends_and_rises():
    steps = checkpoint_steps(2500, n_log=16, n_linear=10)
    assert steps[0] == 0
    assert steps[-1] == 2500
    assert steps == sorted(set(steps))
    assert {250 * i for i in range(11)} <= set(steps)


def test_log_spaced_steps_have_even_ratios():
    assert checkpoint_steps(10_000, n_log=5, n_linear=0) == [0, 1, 10, 100, 1000, 10_000]


def test_steps_that_round_to_the_same_count_once():
    assert checkpoint_steps(3, n_log=20, n_linear=20) == [0, 1, 2, 3]


def test_one_step():
    assert checkpoint_steps(1, n_log=0, n_linear=0) == [0, 1]


@pytest.mark.parametrize(
    ("numbers", "argument"),
    [((0, 1, 1), "steps"), ((5, -1, 1), "n_log"), ((5, 1, -1), "n_linear"), ((5.0, 1, 1), "steps")],
)
def test_refuses_other_numbers(numbers, argument):
    with pytest.raises(InputError, match=f"^{argument} must be a whole number of at least"):
        checkpoint_steps(*numbers)
