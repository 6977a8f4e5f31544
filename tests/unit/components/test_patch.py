import pytest
import torch

from somite import Mask
from somite.components.mask import whole
from somite.components.patch import Noise, Patch

CENTER = {"heads": torch.arange(12.0).reshape(3, 2, 2), "plain": torch.arange(4.0) + 100}
UNITS = frozenset({"heads"})
NAMES = (0, 7, 3)


def head(*indices: int) -> torch.Tensor:
    chosen = torch.zeros(3, 2, 2, dtype=torch.bool)
    chosen[list(indices)] = True
    return chosen


CUT = head(1) & torch.tensor([[True, False], [False, True]])
HALF = torch.tensor([True, False, True, False])
MASKS = {
    "one head": Mask({"heads": head(1)}),
    "two heads": Mask({"heads": head(0, 2)}),
    "a cut head": Mask({"heads": CUT}),
    "a whole tensor": Mask({"plain": whole(CENTER["plain"])}),
    "a cut tensor": Mask({"plain": HALF}),
    "both": Mask({"heads": head(2) | CUT, "plain": HALF}),
}
masks = pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)


def by_entry(mask: Mask, flat: torch.Tensor) -> dict[str, torch.Tensor]:
    """A flat vector laid out over whole tensors, zero where the component is not."""
    zeros = {name: torch.zeros_like(weight) for name, weight in CENTER.items()}
    laid = Patch(mask, zeros, UNITS).weights(flat)
    return {name: laid.get(name, zeros[name]) for name in zeros}


@masks
def test_the_center_goes_back_where_it_came_from(mask):
    patch = Patch(mask, CENTER, UNITS)
    assert patch.size == mask.size == patch.center.numel()
    for name, weight in patch.weights(patch.center).items():
        assert torch.equal(weight, CENTER[name])


@masks
def test_only_the_chosen_entries_move(mask):
    patch = Patch(mask, CENTER, UNITS)
    moved = patch.weights(patch.center + 0.5)
    assert list(moved) == list(mask.entries)
    for name, chosen in mask.entries.items():
        assert torch.equal(moved[name] != CENTER[name], chosen)


@masks
def test_gradients_arrive_at_the_chosen_entries_alone(mask):
    patch = Patch(mask, CENTER, UNITS)
    flat = patch.center.clone().requires_grad_()
    score = sum((i + 1) * (w**2).sum() for i, w in enumerate(patch.weights(flat).values()))
    (gradient,) = torch.autograd.grad(score, flat)
    scale = {name: 2.0 * (i + 1) for i, name in enumerate(mask.entries)}
    laid = by_entry(mask, gradient)
    for name, chosen in mask.entries.items():
        assert torch.equal(laid[name], scale[name] * CENTER[name] * chosen)


@masks
def test_noise_belongs_to_the_weights(mask):
    everything = Mask({name: whole(weight) for name, weight in CENTER.items()})
    full = Noise(Patch(everything, CENTER, UNITS), NAMES)
    part = Noise(Patch(mask, CENTER, UNITS), NAMES)
    for _ in range(3):
        all_noise, noise = by_entry(everything, full.draw()), by_entry(mask, part.draw())
        for name in CENTER:
            chosen = mask.entries.get(name, torch.zeros(CENTER[name].shape, dtype=torch.bool))
            assert torch.equal(noise[name], all_noise[name] * chosen)


def test_units_chains_and_steps_have_noise_of_their_own():
    patch = Patch(MASKS["two heads"], CENTER, UNITS)
    noise, other_chain = Noise(patch, NAMES), Noise(patch, (0, 7, 4))
    draws = torch.cat([noise.draw(), noise.draw(), other_chain.draw()])
    assert len(draws.unique()) == draws.numel() == 24


def test_noise_is_standard_normal_in_the_precision_of_the_weights():
    center = {"w": torch.zeros(4000, dtype=torch.float64)}
    drawn = Noise(Patch(Mask({"w": whole(center["w"])}), center), NAMES).draw()
    assert drawn.dtype == torch.float64
    assert abs(drawn.mean()) < 4 / 4000**0.5
    assert abs(drawn.var() - 1) < 4 * (2 / 4000) ** 0.5


@pytest.mark.parametrize("half", [torch.bfloat16, torch.float16])
def test_half_precision_weights_are_moved_in_single_precision(half):
    center = {"w": torch.tensor([1.0, 2.0, 3.0]).to(half)}
    patch = Patch(Mask({"w": torch.tensor([True, False, True])}), center)
    assert patch.center.dtype == torch.float32
    moved = patch.center + torch.tensor([1e-6, 1.0])
    assert moved[0] != 1  # which half precision cannot tell from 1
    weight = patch.weights(moved)["w"]
    assert weight.dtype == half
    assert weight.tolist() == [1.0, 2.0, 4.0]
    assert Noise(patch, NAMES).draw().dtype == torch.float32
