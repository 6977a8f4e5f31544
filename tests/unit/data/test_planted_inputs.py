import pytest
import torch

from somite.core.errors import InputError
from somite.core.random import stream
from somite.data import correlated_inputs, mirrored_inputs


@pytest.mark.parametrize("correlation", [0.0, 0.6, 1.0])
def test_modules_correlate_as_asked_rank_by_rank(correlation):
    count = 40_000
    x = correlated_inputs(count, [2, 3], correlation, stream("x", correlation))
    expected = torch.eye(5, dtype=torch.float64)
    for i in range(2):
        expected[i, 2 + i] = expected[2 + i, i] = correlation
    assert (torch.corrcoef(x.T) - expected).abs().max() < 4 / count**0.5
    assert (x.var(0) - 1).abs().max() < 4 * (2 / count) ** 0.5


def test_odd_functions_of_separate_modules_are_orthogonal_on_mirrored_examples():
    x = mirrored_inputs(7, [2, 1, 2], stream("x"))
    assert x.shape == (56, 5)
    odd = torch.stack([x[:, 0].tanh(), x[:, 1] ** 3, x[:, 2].sin(), x[:, 3:].sum(1)], 1)
    gram = odd.T @ odd
    assert odd.sum(0).abs().max() < 1e-12
    assert gram[:2, 2:].abs().max() < 1e-12
    assert abs(gram[2, 3]) < 1e-12
    assert abs(gram[0, 1]) > 1e-3  # of one module: signs go together


def test_the_next_odd_function_fails_on_plain_examples():
    x = torch.randn(56, 5, generator=stream("plain"), dtype=torch.float64)
    assert x.tanh().sum(0).abs().max() > 1


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda g: correlated_inputs(0, [1], 0.0, g), "count must be a whole number of at least 1"),
        (lambda g: correlated_inputs(1, [], 0.0, g), "widths must hold at least one width"),
        (lambda g: correlated_inputs(1, [0], 0.0, g), "widths must be a whole number"),
        (lambda g: correlated_inputs(1, [1], 1.5, g), "correlation must be between 0 and 1"),
        (lambda g: mirrored_inputs(0, [1], g), "count must be a whole number of at least 1"),
    ],
)
def test_bad_input(call, words):
    with pytest.raises(InputError, match=words):
        call(stream("x"))
