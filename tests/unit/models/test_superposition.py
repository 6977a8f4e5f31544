import pytest
import torch

import somite as so
from somite.core.errors import InputError
from somite.core.random import stream
from somite.models import Superposition, superposition_population_loss
from somite.theory import kgon, population_loss

DUMMY = torch.zeros(1, 1)


def test_forward_is_the_formula():
    model = Superposition(6, seed=3)
    x = torch.rand(4, 6, generator=stream("x"))
    expected = torch.relu(x @ (model.W.T @ model.W) + model.b)
    torch.testing.assert_close(model(x), expected)


@pytest.mark.parametrize("name", [(5, 0), (5, 1), (6, 0)])
def test_loss_is_the_mean_error_of_the_model(name):
    k, positive = name
    model = Superposition.from_weights(*kgon(k, 6, positive))
    draws = 100_000
    generator = stream("features", k, positive)
    mu = torch.rand(draws, generator=generator, dtype=torch.float64)
    x = torch.zeros(draws, 6, dtype=torch.float64)
    x[torch.arange(draws), torch.randint(6, (draws,), generator=generator)] = mu
    with torch.no_grad():
        errors = (model(x) - x).square().sum(-1)
        exact = superposition_population_loss(model, DUMMY)
        other = population_loss(*kgon(4, 6))
    error = errors.std() / draws**0.5
    assert abs(float((errors.mean() - exact) / error)) < 4
    assert abs(float((errors.mean() - other) / error)) > 6


def test_one_loss_for_each_row():
    model = Superposition(3)
    found = superposition_population_loss(model, torch.zeros(4, 1))
    assert found.shape == (4,)
    assert len(set(found.tolist())) == 1


def test_kgons_keep_their_precision_and_are_copied():
    weights, bias = kgon(5, 6)
    model = Superposition.from_weights(weights, bias)
    assert model.W.dtype == torch.float64
    with torch.no_grad():
        model.W.zero_()
    assert weights.abs().max() > 1


def test_it_can_be_sampled():
    model = Superposition.from_weights(*kgon(5, 6))
    target = so.Target(superposition_population_loss, DUMMY, n_beta=500.0, localization=50.0)
    draws = so.sample(
        model, target, so.SGLD(1e-4), components="full", batch_size=1, chains=1, burn_in=0, draws=3
    )
    assert (draws.distance[..., 1] > 0).all()


def test_streams_name_the_first_weights():
    assert torch.equal(Superposition(4, seed=1).W, Superposition(4, seed=1).W)
    assert not torch.equal(Superposition(4, seed=1).W, Superposition(4, seed=2).W)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: Superposition(0), "columns must be a whole number of at least 1, got 0"),
        (
            lambda: Superposition.from_weights(torch.zeros(3, 4), torch.zeros(4)),
            r"weights and bias must have shapes \(2, c\) and \(c,\), got \(\(3, 4\), \(4,\)\)",
        ),
        (
            lambda: Superposition.from_weights(torch.zeros(2, 4), torch.zeros(3)),
            r"weights and bias must have shapes \(2, c\) and \(c,\)",
        ),
    ],
)
def test_bad_input(call, words):
    with pytest.raises(InputError, match=words):
        call()
