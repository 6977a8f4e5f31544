import pytest
import torch

from somite.core.errors import InputError
from somite.core.random import stream
from somite.models import GaussianBlocks, block_inputs, gaussian_blocks_loss

MODULES = [[2, 3], [4]]


def rows(coupling: float) -> torch.Tensor:
    return block_inputs(MODULES, coupling, stream("rows"))


def hessian_of(rows: torch.Tensor) -> torch.Tensor:
    return rows.T @ rows / len(rows)


def test_the_loss_is_the_quadratic_form_of_the_hessian():
    model, x = GaussianBlocks([2, 3, 4]), rows(0.3)
    w = torch.randn(9, generator=stream("w"), dtype=torch.float64)
    for block, part in zip(model.blocks, w.split([2, 3, 4]), strict=True):
        block.data = part
    torch.testing.assert_close(gaussian_blocks_loss(model, x).mean(), w @ hessian_of(x) @ w / 2)


def test_modules_are_exact_without_coupling_and_only_then():
    assert (hessian_of(rows(0.0))[:5, 5:] == 0).all()
    assert (hessian_of(rows(0.0))[:2, 2:5] != 0).all()
    small, large = (hessian_of(rows(e))[:5, 5:].norm() for e in (0.01, 0.1))
    assert 0 < small < large


def test_curvature_is_one_on_average():
    x = block_inputs([[200], [200]], 0.0, stream("many"))
    assert abs(float(hessian_of(x).diagonal().mean()) - 1) < 0.05


def test_rows_can_be_chosen():
    assert block_inputs(MODULES, 0.0, stream("rows"), rows=7).shape == (14, 9)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: GaussianBlocks([]), "sizes must hold at least one size"),
        (lambda: GaussianBlocks([2, 0]), "sizes must be a whole number of at least 1, got 0"),
        (lambda: rows(-0.1), "coupling must be zero or more, got -0.1"),
        (lambda: block_inputs([[]], 0.0, stream("rows")), "sizes must hold at least one size"),
        (lambda: block_inputs([[1]], 0.0, stream("rows"), 0), "rows must be a whole number"),
    ],
)
def test_bad_input(call, words):
    with pytest.raises(InputError, match=words):
        call()
