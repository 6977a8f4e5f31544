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
