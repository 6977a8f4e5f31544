import pytest
import torch

from somite.core.errors import InputError
from somite.core.random import stream
from somite.theory import population_loss


def random_point(columns, seed, rows=2):
    generator = stream("superposition test", seed)
    weights = torch.randn(rows, columns, generator=generator, dtype=torch.float64)
    bias = 0.7 * torch.randn(columns, generator=generator, dtype=torch.float64)
    return weights, bias


def by_rule(weights, bias, points=4001):
    """The loss by Simpson's rule over μ, without any closed form."""
    columns = len(bias)
    mu = torch.linspace(0, 1, points, dtype=torch.float64)
    rule = torch.full_like(mu, 2.0)
    rule[1::2], rule[0], rule[-1] = 4.0, 1.0, 1.0
    inputs = torch.einsum("m,ij->mij", mu, torch.eye(columns, dtype=torch.float64))
    outputs = (inputs @ weights.T @ weights + bias).relu()
    errors = (outputs - inputs).square().sum(-1).mean(-1)
    return (rule * errors).sum() / (3 * (points - 1))


@pytest.mark.parametrize("columns", [1, 2, 6])
@pytest.mark.parametrize("seed", range(5))
def test_closed_form_against_simpson(columns, seed):
    point = random_point(columns, seed)
    torch.testing.assert_close(population_loss(*point), by_rule(*point), rtol=1e-7, atol=0)


def test_closed_form_against_sampling():
    weights, bias = random_point(6, 9)
    generator = stream("superposition samples")
    draws = 200_000
    mu = torch.rand(draws, generator=generator, dtype=torch.float64)
    feature = torch.randint(6, (draws,), generator=generator)
    inputs = torch.zeros(draws, 6, dtype=torch.float64)
    inputs[torch.arange(draws), feature] = mu
    errors = ((inputs @ weights.T @ weights + bias).relu() - inputs).square().sum(-1)
    error = errors.std() / draws**0.5
    z = (errors.mean() - population_loss(weights, bias)) / error
    halved = (errors.mean() / 2 - population_loss(weights, bias)) / error
    assert abs(z) < 4
    assert abs(halved) > 6


@pytest.mark.parametrize("seed", range(5))
def test_gradient_against_differences(seed):
    weights, bias = random_point(6, seed)
    arguments = (weights.requires_grad_(), bias.requires_grad_())
    assert torch.autograd.gradcheck(population_loss, arguments, eps=1e-6, atol=1e-7)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("level", [0.0, -1.0, 1.0, 1e-30])
def test_gradient_is_finite_where_lines_are_flat_or_start_at_zero(dtype, level):
    tiny = torch.tensor([[1.0, 1e-17, 0.0], [0.0, 1e-17, 1.0]], dtype=dtype, requires_grad=True)
    bias = torch.full((3,), level, dtype=dtype, requires_grad=True)
    loss = population_loss(tiny, bias)
    gradients = torch.autograd.grad(loss, (tiny, bias))
    assert all(bool(torch.isfinite(gradient).all()) for gradient in (loss, *gradients))


def test_dead_columns_lose_their_feature_and_nothing_more():
    weights, bias = torch.zeros(2, 5, dtype=torch.float64), -torch.ones(5, dtype=torch.float64)
    assert float(population_loss(weights, bias)) == pytest.approx(1 / 3, rel=1e-15)
    one = bias.clone()
    one[2] = 1 / 10
    gain = float(population_loss(weights, bias) - population_loss(weights, one))
    assert gain == pytest.approx(1 / (4 * 25), rel=1e-12)


def test_many_points_at_once():
    """Stacked chains on a GPU map over the first axis."""
    points = [random_point(6, seed) for seed in range(3)]
    stacked = torch.func.vmap(population_loss)(*map(torch.stack, zip(*points, strict=True)))
    torch.testing.assert_close(stacked, torch.stack([population_loss(*point) for point in points]))


@pytest.mark.parametrize("shapes", [((2, 3), (4,)), ((3,), (3,)), ((2, 3), (3, 1))])
def test_shapes_must_fit(shapes):
    with pytest.raises(InputError, match=r"weights and bias must have shapes \(r, c\) and \(c,\)"):
        population_loss(*map(torch.zeros, shapes))
