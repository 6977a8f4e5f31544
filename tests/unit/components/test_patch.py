import pytest
import torch

from somite import Mask
from somite.components.cuts import Cut
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


FUSED = {"qkv": torch.arange(24.0).reshape(6, 4), "out": torch.arange(12.0).reshape(3, 4) - 50}
CUTS = {"qkv": Cut(0, (0, 1, 0, 1, 0, 1)), "out": Cut(1, (0, 0, 1, 1))}


def fused_head(*numbers: int) -> Mask:
    return Mask({name: cut.mask(FUSED[name].shape, *numbers) for name, cut in CUTS.items()})


def laid_out(patch: Patch, flat: torch.Tensor) -> dict[str, torch.Tensor]:
    return {name: weight - FUSED[name] for name, weight in patch.weights(flat).items()}


def test_a_head_inside_fused_tensors_has_noise_of_its_own_size_alone():
    patch = Patch(fused_head(1), FUSED, CUTS)
    assert [(p.tensor, p.index, p.chosen) for p in patch.pieces] == [
        ("qkv", 1, None),
        ("out", 1, None),
    ]
    assert [piece.size for piece in patch.pieces] == [12, 6]
    assert torch.equal(patch.center, patch.flatten(FUSED))
    for name, weight in patch.weights(patch.center).items():
        assert torch.equal(weight, FUSED[name])


def test_heads_inside_fused_tensors_share_noise_with_their_union():
    parts = {n: Patch(fused_head(*n), FUSED, CUTS) for n in ((0,), (1,), (0, 1))}
    full = Mask({name: whole(weight) for name, weight in FUSED.items()})
    parts[2,] = Patch(full, FUSED, CUTS)
    noise = {n: laid_out(p, p.center + Noise(p, NAMES).draw()) for n, p in parts.items()}
    for name in FUSED:
        both = noise[0,][name] + noise[1,][name]
        torch.testing.assert_close(both, noise[0, 1][name])
        assert torch.equal(noise[0, 1][name], noise[2,][name])
        assert len(both.unique()) == both.numel()


def test_half_a_head_keeps_its_part_of_the_noise_of_the_unit():
    half = fused_head(1).entries["qkv"] & (torch.arange(4) < 2)
    patch, head = Patch(Mask({"qkv": half}), FUSED, CUTS), Patch(fused_head(1), FUSED, CUTS)
    part = laid_out(patch, patch.center + Noise(patch, NAMES).draw())["qkv"]
    noise = laid_out(head, head.center + Noise(head, NAMES).draw())["qkv"]
    assert torch.equal(part, noise * half)


def test_slices_along_the_first_axis_have_the_same_numbers_by_name_and_by_cut():
    mask = MASKS["two heads"]
    by_name, by_cut = Patch(mask, CENTER, UNITS), Patch(mask, CENTER, {"heads": Cut()})
    assert torch.equal(Noise(by_name, NAMES).draw(), Noise(by_cut, NAMES).draw())
