"""What every kernel must honour when it walks: thinning, burn-in, prior, box, mask, precision."""

import dataclasses
import math
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from laws.gaussian import recording, z_score
from laws.stationary import Pull, law
from somite.components import Mask
from somite.core.errors import InputError
from somite.core.random import stream
from somite.sampling import sample
from somite.sampling.kernels import BAOAB, HMC, MALA, SGLD, SGNHT, AdamSGLD, Kernel, RMSpropSGLD
from somite.sampling.kernels.baoab import reflect
from somite.sampling.kernels.kernel import Scene
from somite.sampling.target import Target

KERNELS = [
    SGLD(0.04),
    RMSpropSGLD(0.012, decay=0.9, offset=0.3),
    AdamSGLD(0.012, momentum=0.5, decay=0.9, offset=0.3),
    BAOAB(0.2, friction=3.0),
    SGNHT(0.2, friction=3.0),
    MALA(0.04),
    HMC(0.2, leapfrogs=3),
]
every = pytest.mark.parametrize("kernel", KERNELS, ids=lambda k: type(k).__name__)
TRUE = torch.tensor([1.0, -0.5, 0.0, 2.0, 0.7, -1.2], dtype=torch.float64)


class Line(nn.Module):
    """y = w·x, the weights in two tensors, at the truth."""

    def __init__(self) -> None:
        super().__init__()
        self.low, self.high = nn.Parameter(TRUE[:3].clone()), nn.Parameter(TRUE[3:].clone())

    def forward(self, x: Tensor) -> Tensor:
        return x @ torch.cat([self.low, self.high])


def rows(n: int = 12) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(3)
    x = torch.randn(n, 6, generator=generator, dtype=torch.float64)
    return x, x @ TRUE + 0.3 * torch.randn(n, generator=generator, dtype=torch.float64)


def squares(model: Line, batch: tuple[Tensor, Tensor]) -> Tensor:
    return 0.5 * (model(batch[0]) - batch[1]) ** 2


def walk(kernel: Kernel, loss: Callable = squares, scale: dict | None = None, **plan: object):
    data = rows()
    target = Target(loss, data, **{"n_beta": 4.0, "localization": 3.0} | (scale or {}))
    plan = {"batch_size": None if kernel.exact else 4, "components": "full"} | plan
    return sample(Line(), target, kernel, **{"chains": 2, "burn_in": 6, "draws": 12} | plan)


def always(kernel: Kernel) -> Kernel:
    """Its form whose steps do not depend on where the burn-in ends."""
    return dataclasses.replace(kernel, adapt="always") if kernel.preconditioned else kernel


@every
def test_thinning_keeps_every_so_many_draws_of_the_same_walk(kernel):
    whole, thinned = walk(kernel, draws=13), walk(kernel, draws=5, thin=3)
    np.testing.assert_array_equal(thinned.loss, whole.loss[..., ::3])
    np.testing.assert_array_equal(thinned.distance, whole.distance[..., ::3])


@every
def test_burn_in_is_left_out_of_the_same_walk(kernel):
    kernel = always(kernel)
    whole, later = walk(kernel, burn_in=0, draws=14), walk(kernel, burn_in=6, draws=8)
    np.testing.assert_array_equal(later.loss, whole.loss[..., 6:])
    assert (whole.distance[..., 0] == 0).all()


@pytest.mark.parametrize("kind", [RMSpropSGLD, AdamSGLD])
def test_steps_are_frozen_for_the_kept_draws(kind):
    kernel, _, states = recording(kind(0.01))
    walk(kernel, chains=1, burn_in=6, draws=12)
    steps = [kernel.diffusion(state) for state in states]
    learning = [torch.equal(a, b) for a, b in pairwise(steps[:7])]
    assert not any(learning)
    assert all(torch.equal(step, steps[6]) for step in steps[6:])
    with pytest.raises(InputError, match=f"burn_in must be at least 1 for {kind.__name__}, got 0"):
        walk(kind(0.01), burn_in=0)
    walk(kind(0.01, adapt="always"), burn_in=0)


@pytest.mark.parametrize("kernel", [MALA(0.1), HMC(0.1)], ids=["MALA", "HMC"])
def test_acceptance_on_minibatches_is_refused(kernel):
    with pytest.raises(
        InputError, match=r"batch_size must be None for .* on the whole data.* got 4"
    ):
        walk(kernel, batch_size=4)


@every
@pytest.mark.parametrize("parts", [2, 3])
def test_accumulation_changes_nothing(kernel, parts):
    whole, cut = walk(kernel), walk(kernel, accumulate=parts)
    np.testing.assert_allclose(cut.loss, whole.loss, rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(cut.acceptance.notnull(), whole.acceptance.notnull())


@every
def test_only_the_entries_of_the_mask_move(kernel):
    seen = []

    def spy(model: Line, batch: tuple[Tensor, Tensor]) -> Tensor:
        seen.append(torch.cat([model.low, model.high]).detach() - TRUE)
        return squares(model, batch)

    chosen = torch.tensor([True, False, True])
    walk(kernel, spy, components={"part": Mask({"low": chosen})})
    away = torch.stack(seen)
    assert (away[:, ~torch.cat([chosen, torch.zeros(3, dtype=torch.bool)])] == 0).all()
    assert (away[-1, [0, 2]] != 0).all()


def without_loss(kernel: Kernel, scale: dict) -> tuple[np.ndarray, Tensor, list[object]]:
    """Mean ‖w − w*‖² of every chain, all places, and the last states."""
    kernel, seen, states = recording(kernel)
    draws = walk(kernel, scale={"n_beta": 0.0} | scale, chains=16, burn_in=40, draws=100)
    return draws.distance[0].mean("draw").values, torch.stack(seen), states[139::140]


@every
def test_localization_and_weight_decay_hold_the_weights(kernel):
    found, _, states = without_loss(kernel, {"localization": 4.0, "weight_decay": 6.0})
    nothing = np.zeros((6, 6))
    pulled = (6 / 10) ** 2 * float(TRUE.square().sum())
    exact = [np.trace(law(kernel, Pull(nothing, 10.0, nothing), s)) + pulled for s in states]
    assert abs(z_score(found, np.array(exact))) < 4
    assert abs(z_score(found, np.array(exact) - pulled)) > 6


@every
def test_a_bounding_box_is_filled_evenly(kernel):
    box = 0.3
    found, seen, _ = without_loss(kernel, {"localization": 0.0, "bounding_box": box})
    assert 0.95 * box < float((seen - TRUE).abs().max()) <= box * (1 + 1e-12)
    assert abs(z_score(found, 6 * box**2 / 3)) < 4


@pytest.mark.parametrize("far", [0.5, -0.9, 1.1, -1.4, 2.9, 3.1, -3.5, 5.2])
def test_a_momentum_turns_around_at_every_wall(far):
    """A straight flight over several walls, against one in small steps that meet one at most."""
    target = Target(squares, rows(), n_beta=1.0, bounding_box=1.0)
    zero = torch.zeros(1, dtype=torch.float64)
    place = Scene(target, zero, noise=lambda: zero, uniform=float, evaluate=lambda w: None)
    weights, momentum = zero, torch.full_like(zero, far)
    for _ in range(100):
        weights, momentum = reflect(weights + momentum / 100, momentum, place)
    there, turned = reflect(zero + far, torch.full_like(zero, far), place)
    torch.testing.assert_close((there, turned), (weights, momentum), rtol=0, atol=1e-12)


FIRST_MOVE = [
    (SGLD(1e-6), 1e-6),
    (RMSpropSGLD(1e-6, decay=0.5, offset=1.0), 1e-6 / 2),  # v̂ = 1 after one vanishing gradient
    (AdamSGLD(1e-6, decay=0.5, offset=1.0), 1e-6 / 2),
    (BAOAB(1e-3, math.inf), 1e-6 / 2),  # half a step of the first momentum, half of the next
    (SGNHT(1e-3, 1.0), 1e-6),
    (MALA(1e-6), 1e-6),
    (HMC(1e-3, leapfrogs=1), 1e-6),
]


@pytest.mark.parametrize(("kernel", "variance"), FIRST_MOVE, ids=lambda v: type(v).__name__)
def test_a_half_precision_model_moves_in_single_precision(kernel, variance):
    """Near 1 half precision resolves 8e-3: moves of 1e-3 would mostly be rounded away."""
    size, burn_in = 20_000, kernel.least_burn_in
    model = nn.Linear(size, 1, bias=False).to(torch.bfloat16)
    nn.init.ones_(model.weight)
    data = torch.zeros(2, size, dtype=torch.bfloat16)
    target = Target(lambda m, x: m(x)[:, 0], data, n_beta=0.0, localization=1.0)
    draws = sample(
        model, target, kernel, components="full",
        chains=1, burn_in=burn_in, draws=2, batch_size=None,
    )  # fmt: skip
    first = float(draws.distance[0, 0, 1 - burn_in]) / size
    assert first == pytest.approx(variance, rel=5 * math.sqrt(2 / size))
    noise = torch.randn(size, generator=stream("rounding"))
    rounded = (1 + math.sqrt(variance) * noise).bfloat16().float() - 1
    assert float(rounded.square().mean()) != pytest.approx(variance, rel=0.3)
