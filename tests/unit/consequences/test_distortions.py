import math

import pytest
import torch

from somite.consequences import DISTORTIONS, low_rank, noisy, pruned, quantized
from somite.core.errors import InputError
from somite.core.random import stream


def uniform(bits, count=200_000):
    """Weights that are uniform over all that rounds to the values from −1 to 1."""
    spacing = 2 / (2**bits - 1)
    half = 1 + spacing / 2
    return (2 * torch.rand(count, generator=stream("uniform"), dtype=torch.float64) - 1) * half


def floored(weights, bits, reach):
    """Wrong on purpose: rounds down, not to the nearest."""
    spacing = 2 * reach / (round(2**bits) - 1)
    return ((weights.clamp(-reach, reach) + reach) / spacing).floor() * spacing - reach


def squared_error_is_a_twelfth(quantize, bits):
    """Whether the mean squared error is Δ²/12, within 4 standard errors: Δ⁴ (1/80 − 1/144)."""
    weights, spacing = uniform(bits), 2 / (2**bits - 1)
    error = (quantize(weights, bits, 1.0) - weights).square()
    allowed = 4 * spacing**2 * math.sqrt((1 / 80 - 1 / 144) / len(weights))
    return abs(float(error.mean()) - spacing**2 / 12) < allowed


@pytest.mark.parametrize("bits", [1, 2, 3, 5, 8])
def test_error_of_a_uniform_law_is_a_twelfth_of_the_squared_spacing(bits):
    assert squared_error_is_a_twelfth(quantized, bits)
    assert not squared_error_is_a_twelfth(floored, bits)


@pytest.mark.parametrize("bits", [1, 2, 3.5, 6])
def test_there_are_as_many_values_as_bits_say(bits):
    found = quantized(uniform(3), bits, 1.0).unique()
    assert len(found) == round(2**bits)
    torch.testing.assert_close(found, -found.flip(0))
    assert float(found.max()) == pytest.approx(1.0)


def test_quantising_twice_changes_nothing():
    once = quantized(uniform(3), 3, 0.7)
    torch.testing.assert_close(quantized(once, 3, 0.7), once)


def test_a_planted_low_rank_matrix_needs_its_rank():
    generator = stream("planted rank")
    left, right = (torch.randn(9, 3, generator=generator, dtype=torch.float64) for _ in range(2))
    planted = left @ right.T
    torch.testing.assert_close(low_rank(planted, 3), planted)
    missed = float((low_rank(planted, 2) - planted).norm())
    assert missed == pytest.approx(float(torch.linalg.svdvals(planted)[2]))
    assert missed > 0.1


def test_the_largest_weights_stay():
    weights = torch.tensor([[0.1, -4.0], [2.0, -0.3]])
    assert pruned(weights, 0.5).tolist() == [[0.0, -4.0], [2.0, 0.0]]
    torch.testing.assert_close(pruned(weights, 1.0), weights)
    assert not pruned(weights, 0.0).any()


def test_noise_has_the_size_asked_for_and_comes_from_its_stream():
    weights = 3 * torch.ones(100_000)
    drawn = [noisy(weights, 0.5, stream("noise", 1)) - weights for _ in range(2)]
    torch.testing.assert_close(drawn[0], drawn[1])
    assert float(drawn[0].std()) == pytest.approx(1.5, rel=4 / math.sqrt(2 * 100_000))


@pytest.mark.parametrize("name", DISTORTIONS)
def test_finer_levels_of_all_change_weights_less(name):
    each, weights = DISTORTIONS[name], torch.randn(12, 8, generator=stream("weights"))
    gaps = []
    for level in each.levels:
        errors = [
            float((each.change(weights, level, v, stream("noise", v)) - weights).norm())
            for v in range(each.variants)
        ]
        gaps.append(min(errors) if each.best else sum(errors))
    assert gaps == sorted(gaps, reverse=True)
    assert gaps[0] > 5 * gaps[-1]


def test_zero_weights_are_left_alone():
    zero, generator = torch.zeros(2, 2), stream("noise")
    for each in DISTORTIONS.values():
        assert not each.change(zero, each.levels[0], 0, generator).any()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda w: quantized(w, 0.5, 1.0), "bits must be at least 1, got 0.5"),
        (lambda w: quantized(w, 3, 0.0), "reach must be positive"),
        (lambda w: low_rank(w, 0), "rank must be a whole number of at least 1"),
        (lambda w: low_rank(w[0], 1), "weights must be a matrix"),
        (lambda w: pruned(w, 1.2), "kept must be from 0 to 1"),
        (lambda w: noisy(w, -1.0, stream("noise")), "size must be zero or more"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(InputError, match=message):
        call(torch.ones(2, 2))
