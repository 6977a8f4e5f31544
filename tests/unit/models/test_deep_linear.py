import numpy as np
import pytest
import torch
from torch.func import functional_call

import somite as so
from somite.components.select import DeclaresComponents, check_fit
from somite.core.errors import InputError
from somite.core.random import stream
from somite.models import (
    DeepLinear,
    block_center,
    deep_linear_loss,
    deep_linear_population_loss,
    random_center,
)
from somite.theory import (
    deep_linear_coefficient,
    hessian_spectrum,
    is_regular,
    is_smooth,
    jacobian_rank,
    regular_coefficient,
)

DUMMY = torch.zeros(1)


def moved_model(widths, input_variance=1.0, size=0.3):
    """A model away from its truth, in float64."""
    center = random_center(widths, stream("center", *widths))
    model = DeepLinear.from_weights(center, input_variance)
    generator = stream("moved", *widths)
    with torch.no_grad():
        for weight in model.parameters():
            step = torch.randn(weight.shape, generator=generator, dtype=weight.dtype)
            weight.add_(size * step)
    return model


def flat_loss(model):
    """Population loss as a function of all weights in one vector."""
    shapes = {name: weight.shape for name, weight in model.named_parameters()}

    def loss(flat):
        parts = flat.split([shape.numel() for shape in shapes.values()])
        weights = {n: p.view(s) for (n, s), p in zip(shapes.items(), parts, strict=True)}
        return functional_call(Population(model), {f"model.{n}": w for n, w in weights.items()})

    return loss, torch.cat([weight.detach().flatten() for weight in model.parameters()])


class Population(torch.nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self):
        return deep_linear_population_loss(self.model, DUMMY)[0]


@pytest.mark.parametrize(
    ("widths", "input_variance"),
    [((3, 2, 4), 1.0), ((2, 4, 3), 100 / 3), ((2, 3, 4, 2), 0.5), ((4, 2), 2.0)],
)
def test_theory_has_the_hessian_of_the_population_loss(widths, input_variance):
    center = random_center(widths, stream("hessian", *widths))
    model = DeepLinear.from_weights(center, input_variance)
    loss, point = flat_loss(model)
    dense = torch.linalg.eigvalsh(torch.autograd.functional.hessian(loss, point)).flip(0).numpy()
    found = hessian_spectrum(model.matrices(), model.loss_scale)
    whole = np.pad(found, (0, len(dense) - len(found)))
    np.testing.assert_allclose(whole, dense, atol=1e-9 * dense[0])
    assert not np.allclose(2 * found[0], dense[0], rtol=1e-3)
    assert float(loss(point)) == 0.0


@pytest.mark.parametrize(("widths", "input_variance"), [((4, 3, 5), 1.0), ((3, 4, 4, 2), 100 / 3)])
def test_minibatch_loss_has_the_population_loss_as_its_mean(widths, input_variance):
    model = moved_model(widths, input_variance)
    inputs = model.inputs(40_000, stream("inputs"))
    with torch.no_grad():
        losses = deep_linear_loss(model, inputs)
        exact = deep_linear_population_loss(model, DUMMY)
    error = losses.std() / len(losses) ** 0.5
    assert abs(float((losses.mean() - exact) / error)) < 4
    wrong = losses * len(model.truth)  # Summed over the outputs instead of averaged.
    assert abs(float((wrong.mean() - exact) / (error * len(model.truth)))) > 6


def test_inputs_are_uniform_with_the_given_variance():
    inputs = DeepLinear([3, 2], input_variance=100 / 3).inputs(30_000, stream("uniform"))
    assert inputs.abs().max() <= 10
    assert inputs.abs().max() > 9.99
    error = inputs.square().std() / inputs.numel() ** 0.5
    assert abs(float((inputs.square().mean() - 100 / 3) / error)) < 4


def test_loss_is_the_formula():
    model = moved_model((3, 5, 2), input_variance=3.0)
    first, second = model.matrices()
    squares = ((second @ first - model.truth.numpy()) ** 2).sum()
    found = deep_linear_population_loss(model, torch.zeros(4))
    np.testing.assert_allclose(found.detach().numpy(), [3.0 / 2 * squares] * 4, rtol=1e-12)


@pytest.mark.parametrize("widths", [(2, 6, 5), (5, 6, 2), (3, 4, 5, 3)])
def test_product_is_the_map(widths):
    model = moved_model(widths)
    torch.testing.assert_close(model(torch.eye(widths[0]).double()).T, model.product())


def test_center_is_exactly_true_in_every_precision():
    for dtype in (torch.float64, torch.float32, torch.bfloat16):
        center = [weight.to(dtype) for weight in random_center((5, 7, 6, 4), stream("dtype"))]
        model = DeepLinear.from_weights(center)
        assert model.truth.dtype == dtype
        assert deep_linear_population_loss(model, DUMMY).item() == 0.0


def test_from_weights_copies():
    center = block_center((2, 2), rank=2)
    model = DeepLinear.from_weights(center)
    with torch.no_grad():
        model.weights[0].zero_()
    assert center[0].trace() == 2


def test_layers_are_components():
    model = DeepLinear([3, 4, 2])
    assert isinstance(model, DeclaresComponents)
    layers = so.components(model, "layers")
    assert {name: mask.size for name, mask in layers.items()} == {"0": 12, "1": 8}
    for name, mask in layers.items():
        check_fit(name, mask, model)


def test_it_can_be_sampled():
    model = DeepLinear.from_weights(random_center((3, 3, 3), stream("sampled")))
    target = so.Target(deep_linear_population_loss, torch.zeros(1, 1), 100.0, 10.0)
    draws = so.sample(
        model,
        target,
        so.SGLD(1e-3),
        components="layers",
        batch_size=1,
        chains=1,
        burn_in=0,
        draws=3,
    )
    assert (draws.distance[..., 1] > 0).all()


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("widths", [(4, 9, 8, 3), (6, 3, 5), (3, 4, 5, 6, 4), (5, 4)])
def test_random_centers_are_regular(widths, seed):
    chain = [weight.numpy() for weight in random_center(widths, stream("regular", seed))]
    assert [matrix.shape for matrix in chain] == [*zip(widths[1:], widths[:-1], strict=True)]
    assert is_regular(chain)
    assert regular_coefficient(chain).value == jacobian_rank(chain) / 2


def test_random_centers_often_have_reduced_ranks():
    widths, full = (4, 9, 8, 3), [4, 8, 3]
    ranks = [
        [int(torch.linalg.matrix_rank(weight)) for weight in random_center(widths, stream(seed))]
        for seed in range(40)
    ]
    reduced = sum(found != full for found in ranks)
    assert 10 < reduced < 40
    assert len({tuple(found) for found in ranks}) > 5


def test_random_centers_repeat():
    one, two = (random_center((3, 5, 2), stream("same")) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(one, two, strict=True))


def test_fixed_ranks_may_be_smooth_without_being_regular():
    center = random_center((10, 5, 10), stream("fixed"), ranks=[5, 2])
    chain = [weight.numpy() for weight in center]
    assert [np.linalg.matrix_rank(matrix) for matrix in chain] == [5, 2]
    assert is_smooth(chain)
    assert not is_regular(chain)
    assert regular_coefficient(chain).value == (5 * 10 + 2 * 10 - 5 * 2) / 2


def test_block_centers_are_the_most_degenerate():
    widths, rank = (5, 4, 6), 2
    center = block_center(widths, rank, stream("block"))
    chain = [weight.numpy() for weight in center]
    assert [np.linalg.matrix_rank(matrix) for matrix in chain] == [2, 2]
    assert not is_smooth(chain)
    assert jacobian_rank(chain) / 2 < deep_linear_coefficient(widths, rank).value
    product = center[1] @ center[0]
    torch.testing.assert_close(product.square().sum(), torch.tensor(2.0, dtype=torch.float64))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda g: DeepLinear([3]), r"widths must hold at least two widths, got \[3\]"),
        (lambda g: DeepLinear([3, 0]), "widths must be a whole number of at least 1, got 0"),
        (lambda g: DeepLinear([3, 2], torch.zeros(3, 2)), r"truth must have the shape \(2, 3\)"),
        (lambda g: DeepLinear([3, 2], input_variance=0.0), "input_variance must be positive"),
        (lambda g: DeepLinear([3, 2]).inputs(0, g), "count must be a whole number of at least 1"),
        (lambda g: DeepLinear.from_weights([]), "weights must be matrices of shapes"),
        (lambda g: DeepLinear.from_weights([torch.full((2, 2), torch.nan)]), "weights must hold"),
        (lambda g: random_center([3], g), "widths must hold at least two widths"),
        (lambda g: random_center([3, 3], g, [1, 1]), r"ranks must hold 1 ranks, got \[1, 1\]"),
        (lambda g: random_center([3, 3], g, [4]), "rank must be at most the smallest width, 3"),
        (lambda g: random_center([3, 3, 3], g, [1, 2]), r"ranks must give a smooth point"),
        (lambda g: block_center([3, 2, 3], 3), "rank must be at most the smallest width, 2, got 3"),
    ],
)
def test_bad_input(call, words):
    with pytest.raises(InputError, match=words):
        call(stream("bad input"))
