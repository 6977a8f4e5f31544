import pytest
import torch

from somite import Mask
from somite.components.mask import whole
from somite.core.errors import InputError

A = torch.tensor([True, False, False])
B = torch.tensor([False, False, True])
NONE = torch.zeros(3, dtype=torch.bool)


def test_union_is_by_tensor_and_entry():
    union = Mask({"u": A, "v": A}) | Mask({"v": B, "w": B})
    assert list(union.entries) == ["u", "v", "w"]
    assert union.entries["v"].tolist() == [True, False, True]
    assert union.size == 4


def test_untouched_tensors_are_dropped():
    assert list(Mask({"u": NONE, "v": whole(torch.zeros(2, 3))}).entries) == ["v"]


@pytest.mark.parametrize("entries", [{}, {"u": NONE}])
def test_an_empty_selection_is_refused(entries):
    with pytest.raises(InputError, match=r"component must select at least one weight.*patterns"):
        Mask(entries)


def test_a_mask_that_is_not_boolean_is_refused():
    with pytest.raises(InputError, match=r"mask of u must be boolean, got 'torch.float32'"):
        Mask({"u": torch.ones(3)})


def test_expanded_selections_are_counted_whole():
    rows = torch.tensor([True, False, True])
    assert Mask({"w": rows[:, None].expand(3, 4)}).size == 8
    assert Mask({"w": rows.expand(5, 3)}).size == 10
    assert Mask({"w": whole(torch.zeros(2, 3)), "v": whole(torch.zeros(())), "u": rows}).size == 9
    assert whole(torch.zeros(100, 100)).untyped_storage().nbytes() == 1
    with pytest.raises(InputError, match="must select at least one weight"):
        Mask({"w": NONE[:, None].expand(3, 4)})
