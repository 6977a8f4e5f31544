"""Rows of a stack go back into the model as each patch would put them."""

import pytest
import torch

from somite import Mask
from somite.components.cuts import Cut
from somite.components.mask import whole
from somite.components.patch import Patch
from somite.components.patch_stack import PatchStack, form

CENTER = {"a": torch.arange(6.0).view(3, 2), "b": torch.arange(3.0) + 10}


def neuron(i: int) -> Mask:
    row, entry = torch.zeros(3, 2, dtype=torch.bool), torch.zeros(3, dtype=torch.bool)
    row[i], entry[i] = True, True
    return Mask({"a": row, "b": entry})


def stack_of(*masks: Mask, units: frozenset[str] = frozenset()) -> tuple[list[Patch], PatchStack]:
    patches = [Patch(mask, CENTER, units) for mask in masks]
    return patches, PatchStack(patches, CENTER)


def check(patches: list[Patch], stack: PatchStack) -> None:
    assert torch.equal(stack.center, torch.stack([patch.center for patch in patches]))
    for patch, places in zip(patches, stack.places, strict=True):
        moved = patch.center + 100 + torch.arange(patch.size)
        expected, found = patch.weights(moved), stack.weights(places, moved)
        assert list(found) == list(expected)
        assert all(torch.equal(found[name], expected[name]) for name in expected)


def test_rows_go_where_their_patch_puts_them():
    check(*stack_of(neuron(0), neuron(2)))


def test_units_go_where_their_patch_puts_them():
    check(*stack_of(neuron(1), neuron(0), units=frozenset({"a"})))


def test_whole_tensors_are_replaced():
    check(*stack_of(Mask({"a": whole(CENTER["a"])})))


def test_whole_and_cut_tensors_go_together():
    cut = neuron(1).entries["a"]
    patches, stack = stack_of(*(Mask({"b": whole(CENTER["b"]), "a": cut}) for _ in range(2)))
    check(patches, stack)
    assert stack.places.shape == (2, 2)


@pytest.mark.parametrize("masks", [(neuron(0), neuron(2)), (Mask({"a": whole(CENTER["a"])}),)])
def test_flatten_takes_the_entries_of_each_component(masks):
    patches, stack = stack_of(*masks)
    tensors = {name: -weight for name, weight in CENTER.items()}
    expected = torch.stack([patch.flatten(tensors) for patch in patches])
    assert torch.equal(stack.flatten(tensors), expected)


def test_forms_tell_tensors_and_sizes_apart():
    forms = [form(patch) for patch in stack_of(neuron(0), neuron(1))[0]]
    assert forms[0] == forms[1] == (("a", 2), ("b", 1))
    assert form(Patch(Mask({"a": whole(CENTER["a"])}), CENTER)) == (("a", 6),)


def test_units_out_of_order_go_where_their_patch_puts_them():
    cuts = {"a": Cut(0, (1, 0, 1)), "b": Cut(0, (1, 0, 0))}
    for chosen in (
        [whole(CENTER["a"]), whole(CENTER["b"])],
        [cuts["a"].mask(CENTER["a"].shape, 1)],
    ):
        mask = Mask(dict(zip("ab", chosen, strict=False)))
        patches = [Patch(mask, CENTER, cuts) for _ in range(2)]
        stack = PatchStack(patches, CENTER)
        check(patches, stack)
        tensors = {name: -weight for name, weight in CENTER.items()}
        expected = torch.stack([patch.flatten(tensors) for patch in patches])
        assert torch.equal(stack.flatten(tensors), expected)
