"""What every kernel must keep: it is its hyperparameters, and a step is a pure function."""

import copy
import dataclasses
import math

import pytest
import torch
from torch import Tensor

from contracts.bowl import CENTER, KERNELS, bowl, every, scene
from somite.core.errors import InputError
from somite.core.fingerprint import fingerprint
from somite.sampling import kernels
from somite.sampling.kernels import BAOAB, HMC, SGLD, SGNHT, AdamSGLD, RMSpropSGLD
from somite.sampling.kernels.kernel import Point, Scene


def numbers(state: object) -> list[float]:
    """All numbers in a state."""
    if state is None:
        return []
    if isinstance(state, Tensor):
        return state.tolist()
    if dataclasses.is_dataclass(state):
        fields = dataclasses.fields(state)
        return [n for field in fields for n in numbers(getattr(state, field.name))]
    return [float(state)]


def test_every_kernel_is_under_contract():
    assert {type(kernel).__name__ for kernel in KERNELS} == set(kernels.__all__) - {"Kernel"}


@every
def test_it_is_a_frozen_value(kernel):
    twin = dataclasses.replace(kernel)
    assert twin == kernel
    assert hash(twin) == hash(kernel)
    assert eval(repr(kernel), {type(kernel).__name__: type(kernel)}) == kernel
    assert fingerprint(twin) == fingerprint(kernel)
    assert fingerprint(dataclasses.replace(kernel, step_size=2e-3)) != fingerprint(kernel)
    with pytest.raises(dataclasses.FrozenInstanceError):
        kernel.step_size = 1.0


@every
@pytest.mark.parametrize("adapting", [True, False])
def test_a_step_leaves_its_inputs_alone(kernel, adapting):
    here, state = bowl(CENTER + 0.3), kernel.start(scene(seed=1))
    before = copy.deepcopy((here.weights, here.gradient, numbers(state)))
    places = [kernel.step(here, state, scene(adapting=adapting)) for _ in range(2)]
    torch.testing.assert_close(here.weights, before[0], rtol=0, atol=0)
    torch.testing.assert_close(here.gradient, before[1], rtol=0, atol=0)
    assert numbers(state) == before[2]
    moved, again = (p.weights if isinstance(p, Point) else p for p, _ in places)
    assert moved.dtype == torch.float64
    assert not torch.equal(moved, here.weights)
    torch.testing.assert_close(moved, again, rtol=0, atol=0)
    assert numbers(places[0][1]) == numbers(places[1][1])


@every
def test_only_an_exact_kernel_hands_over_the_point_it_evaluated(kernel):
    place, _ = kernel.step(bowl(CENTER), kernel.start(scene()), scene())
    assert isinstance(place, Point) == kernel.exact


@every
def test_the_prior_enters_as_the_gradient_of_its_potential(kernel):
    # localization 2 and weight decay 1 around w*, without any loss, against a loss of that gradient
    prior = scene(n_beta=0.0, localization=2.0, weight_decay=1.0)
    quiet = dataclasses.replace(prior, evaluate=lambda w: Point(w, 0.0, torch.zeros(3)))

    def same(weights: Tensor) -> Point:
        potential = quiet.potential(Point(weights, 0.0, torch.zeros(3)))
        return Point(weights, potential, quiet.target.drift(torch.zeros(3), weights, CENTER))

    plain = dataclasses.replace(scene(n_beta=1.0, localization=0.0), evaluate=same)
    by_prior, by_loss = (frozen_step(kernel, s.evaluate(CENTER + 0.3), s) for s in (quiet, plain))
    torch.testing.assert_close(by_prior, by_loss)


def frozen_step(kernel, here: Point, scene: Scene) -> Tensor:
    """Where a step leads whose averages start from nothing and learn nothing."""
    place, _ = kernel.step(here, kernel.start(scene), dataclasses.replace(scene, adapting=False))
    return place.weights if isinstance(place, Point) else place


@every
def test_stability_is_stated_in_one_way(kernel):
    largest = kernel.largest_step(50.0)
    if math.isinf(largest):
        assert math.isinf(kernel.highest_precision)
        return
    at_limit = dataclasses.replace(kernel, step_size=largest)
    assert at_limit.highest_precision == pytest.approx(50.0)
    assert 0 < at_limit.variance(49.0) < math.inf
    if not kernel.exact:
        assert at_limit.variance(50.0 * (1 + 1e-9)) == math.inf


@pytest.mark.parametrize(
    "kernel",
    [
        SGLD(0.1),
        RMSpropSGLD(0.1, decay=0.1),
        AdamSGLD(0.1, decay=0.1),
        BAOAB(0.1, 2.0),
        BAOAB(0.1, math.inf),
    ],
    ids=str,
)
def test_beyond_its_highest_precision_a_chain_without_noise_runs_away(kernel):
    for factor, stable in ((0.98, True), (1.02, False)):
        still = scene(n_beta=0.0, localization=factor * kernel.highest_precision, adapting=True)
        still = dataclasses.replace(
            still,
            noise=lambda: torch.zeros(3, dtype=torch.float64),
            evaluate=lambda w: Point(w, 0.0, torch.zeros_like(w)),
        )
        state, weights = kernel.start(still), CENTER + 1.0
        for _ in range(500):
            weights, state = kernel.step(still.evaluate(weights), state, still)
        assert (float((weights - CENTER).norm()) < 1.0) == stable


@every
@pytest.mark.parametrize("step_size", [0, -1e-3, float("nan"), float("inf")])
def test_a_step_size_that_is_not_positive_is_refused(kernel, step_size):
    with pytest.raises(InputError, match="step_size must be positive, got"):
        dataclasses.replace(kernel, step_size=step_size)


BAD = [
    (RMSpropSGLD, {"decay": 1.0}, "decay must lie between 0 and 1, got 1.0"),
    (RMSpropSGLD, {"offset": 0.0}, "offset must be positive, got 0.0"),
    (RMSpropSGLD, {"adapt": "never"}, "adapt must be a known name, got 'never'"),
    (AdamSGLD, {"decay": 0.0}, "decay must lie between 0 and 1, got 0.0"),
    (AdamSGLD, {"momentum": 1.0}, "momentum must lie between 0 and 1, got 1.0"),
    (AdamSGLD, {"offset": -1.0}, "offset must be positive, got -1.0"),
    (AdamSGLD, {"adapt": "no"}, "adapt must be a known name, got 'no'"),
    (BAOAB, {"friction": 0.0}, "friction must be positive, got 0.0"),
    (BAOAB, {"friction": float("nan")}, "friction must be positive, got nan"),
    (SGNHT, {"friction": float("inf")}, "friction must be positive, got inf"),
    (HMC, {"leapfrogs": 0}, "leapfrogs must be a whole number of at least 1, got 0"),
    (HMC, {"leapfrogs": 2.5}, "leapfrogs must be a whole number of at least 1, got 2.5"),
]


@pytest.mark.parametrize(("kind", "setting", "words"), BAD)
def test_a_bad_setting_is_refused(kind, setting, words):
    with pytest.raises(InputError, match=words):
        kind(step_size=0.01, **setting)


def test_a_step_of_sgld_is_its_formula():
    here = bowl(CENTER + 0.3)
    noise = scene().noise()
    moved, _ = SGLD(step_size=0.04).step(here, None, scene(localization=5.0))
    drift = 3 * (0.3 + 1) + 5 * 0.3
    torch.testing.assert_close(moved, here.weights - 0.02 * drift + 0.2 * noise)


def test_the_first_learned_step_is_its_formula():
    kernel = RMSpropSGLD(step_size=0.01, decay=0.9, offset=0.1)
    state = kernel.start(scene())
    _, state = kernel.step(bowl(CENTER + 0.3), state, scene())
    learned = 0.01 / (math.sqrt((0.9 + 0.1 * 1.3**2) / (1 - 0.9)) + 0.1)
    torch.testing.assert_close(kernel.diffusion(state), torch.full_like(CENTER, learned))
