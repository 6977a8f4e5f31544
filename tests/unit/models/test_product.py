"""The fast product is the product, and so are its derivatives."""

import pytest
import torch
from torch import Tensor

from somite.models import product as product_module
from somite.models.product import product

ROUNDING = 4 * torch.finfo(torch.float32).eps


def matrix(*shape: int, seed: int, dtype: torch.dtype = torch.float32) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=dtype)


@pytest.fixture
def fast(monkeypatch) -> list[torch.Size]:
    """Shapes that the fast kernels made."""
    made, original = [], product_module._one_dnn

    def counting(left: Tensor, right: Tensor) -> Tensor:
        made.append(original(left, right).shape)
        return original(left, right)

    monkeypatch.setattr(product_module, "_one_dnn", counting)
    return made


def assert_product(found: Tensor, left: Tensor, right: Tensor) -> None:
    """Each entry within what single precision explains of the exact one."""
    left, right = left.detach().double(), right.detach().double()
    scale = left.abs() @ right.abs()
    assert found.shape == scale.shape
    assert ((found.double() - left @ right).abs() <= ROUNDING * scale).all()


@pytest.mark.parametrize("shape", [(1, 1, 1), (5, 3, 4), (300, 16, 48), (2, 300, 16)])
def test_value_and_gradients(shape, fast):
    n, k, m = shape
    left, right, upstream = matrix(n, k, seed=0), matrix(k, m, seed=1), matrix(n, m, seed=2)
    found = product(left.requires_grad_(), right.requires_grad_())
    of_left, of_right = torch.autograd.grad(found, (left, right), upstream)
    assert_product(found, left, right)
    assert_product(of_left, upstream, right.T)
    assert_product(of_right, left.T, upstream)
    assert len(fast) == 3


def test_views_that_are_not_contiguous(fast):
    large = matrix(9, 12, seed=0)
    left, right = large[1:-1, ::2], large.T[::2, 2:7]
    assert_product(product(left, right), left, right)
    assert fast


def test_nothing_is_made_for_what_does_not_move(fast):
    left, right = matrix(5, 3, seed=0).requires_grad_(), matrix(3, 4, seed=1)
    product(left, right).sum().backward()
    assert fast == [(5, 4), (5, 3)]


def test_derivatives_of_derivatives():
    left, right, away = matrix(5, 3, seed=0), matrix(3, 4, seed=1), matrix(5, 3, seed=2)

    def slope(times: object, left: Tensor) -> Tensor:
        left = left.requires_grad_()
        (first,) = torch.autograd.grad(times(left, right).pow(3).sum(), left, create_graph=True)
        return torch.autograd.grad((first * away).sum(), left)[0]

    torch.testing.assert_close(slope(product, left), slope(torch.matmul, left))


@pytest.mark.parametrize(
    "shape", [(0, 3, 4), (3, 0, 4), (3, 4, 0)], ids=["no rows", "no sum", "no columns"]
)
def test_empty_matrices(shape, fast):
    n, k, m = shape
    assert torch.equal(product(torch.ones(n, k), torch.ones(k, m)), torch.zeros(n, m))
    assert not fast


def test_other_precisions_are_those_of_pytorch(fast):
    left, right = matrix(5, 3, seed=0, dtype=torch.double), matrix(3, 4, seed=1, dtype=torch.double)
    assert torch.equal(product(left, right), left @ right)
    with torch.autocast("cpu", torch.bfloat16):
        assert product(left.float(), right.float()).dtype == torch.bfloat16
    assert not fast


def test_without_one_dnn(fast, monkeypatch):
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    left, right = matrix(5, 3, seed=0), matrix(3, 4, seed=1)
    assert torch.equal(product(left, right), left @ right)
    assert not fast
