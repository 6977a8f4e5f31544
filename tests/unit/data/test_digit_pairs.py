import pytest
import torch
from sklearn.datasets import load_digits

from somite.core.errors import InputError
from somite.core.random import stream
from somite.data import digit_pairs


def test_each_half_is_a_digit_of_its_label():
    x, labels = digit_pairs(20, stream("x"))
    bunch = load_digits()
    for half in range(2):
        for row, label in zip(x[:, 64 * half : 64 * half + 64], labels[:, half], strict=True):
            found = (bunch.data == (row * 16).numpy()).all(1)
            assert found.any()
            assert (bunch.target[found] == int(label)).any()


@pytest.mark.parametrize("correlation", [0.0, 0.5, 1.0])
def test_second_digits_follow_the_first_as_often_as_asked(correlation):
    count = 3000
    _, labels = digit_pairs(count, stream("x", correlation), correlation)
    share = float((labels[:, 0] == labels[:, 1]).double().mean())
    expected = correlation + (1 - correlation) / 10
    assert abs(share - expected) <= 4 * (expected * (1 - expected) / count) ** 0.5 + 0.002


def test_parity_asks_for_odd_and_even():
    x, labels = digit_pairs(50, stream("x"))
    again, parity = digit_pairs(50, stream("x"), question="parity")
    assert torch.equal(x, again)
    assert torch.equal(parity, labels % 2)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"count": 0}, "count must be a whole number of at least 1"),
        ({"correlation": -0.1}, "correlation must be between 0 and 1"),
        ({"question": "colour"}, "question must be a known name"),
    ],
)
def test_bad_input(settings, words):
    with pytest.raises(InputError, match=words):
        digit_pairs(**{"count": 5, "generator": stream("x"), **settings})
