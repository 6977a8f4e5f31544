import pytest

from somite.core.errors import InputError
from somite.core.random import stream
from somite.data import double_addition


def test_both_sums_are_right():
    x, results = double_addition(7, 200, stream("x"))
    numbers = x.view(200, 4, 7).argmax(-1)
    assert (results[:, 0] == (numbers[:, 0] + numbers[:, 1]) % 7).all()
    assert (results[:, 1] == (numbers[:, 2] + numbers[:, 3]) % 7).all()
    assert (x.view(200, 4, 7).sum(-1) == 1).all()
    assert set(numbers.flatten().tolist()) == set(range(7))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: double_addition(1, 3, stream(0)), "modulus must be a whole number of at least 2"),
        (lambda: double_addition(3, 0, stream(0)), "count must be a whole number of at least 1"),
    ],
)
def test_bad_input(call, words):
    with pytest.raises(InputError, match=words):
        call()
