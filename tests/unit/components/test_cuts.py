import pytest
import torch

from somite.components.cuts import SLICES, Cut, cut_of

CUTS = {
    "slices": SLICES,
    "slices across": Cut(1),
    "blocks": Cut(0, (0, 0, 1, 1, 2, 2)),
    "apart": Cut(0, (0, 1, 2, 0, 1, 2)),
    "columns": Cut(1, (1, 0, 0, 1)),
}
TENSOR = torch.arange(24.0).view(6, 4)
cuts = pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS)


@cuts
def test_units_are_the_tensor_once(cut):
    parts = [cut.take(TENSOR, unit).flatten() for unit in cut.units(TENSOR.shape)]
    assert torch.cat(parts).sort().values.tolist() == TENSOR.flatten().tolist()
    in_order = torch.equal(torch.cat(parts), TENSOR.flatten())
    assert in_order == cut.in_order


@cuts
def test_units_are_put_back_where_they_were(cut):
    units = cut.units(TENSOR.shape)
    taken = {unit: cut.take(TENSOR, unit) for unit in reversed(units)}
    assert torch.equal(cut.put(torch.zeros(6, 4), taken), TENSOR)
    last = units[-1]
    moved = cut.put(TENSOR, {last: taken[last] + 100})
    assert torch.equal(moved != TENSOR, cut.mask(TENSOR.shape, last))


@cuts
def test_masks_take_no_memory_of_their_own(cut):
    mask = cut.mask(TENSOR.shape, 0, 1)
    assert mask.shape == TENSOR.shape
    assert mask.untyped_storage().nbytes() == TENSOR.shape[cut.axis]
    expected = [e for unit in (0, 1) for e in cut.take(TENSOR, unit).flatten().tolist()]
    assert sorted(TENSOR[mask].tolist()) == sorted(expected)


def test_names_alone_stand_for_slices():
    assert cut_of(frozenset({"a"}), "a") == SLICES
    assert cut_of(frozenset({"a"}), "b") is None
    assert cut_of({"a": CUTS["columns"]}, "a") == CUTS["columns"]
    assert cut_of({}, "a") is None
