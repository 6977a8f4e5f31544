"""What is known of a component before any chain runs."""

import pytest
import torch

from somite.calibration.cells import look, top_curvature
from somite.components import components
from somite.core.errors import InputError
from somite.sampling.settings import ChainSettings
from unit.calibration.small import Point, power_loss, viewed

ROWS = torch.zeros(3)
CURVATURES = torch.tensor([1.0, 5.0, 9.0], dtype=torch.float64)


def bowl(model, batch):
    return (CURVATURES * model.w**2 / 2).sum().expand(len(batch))


def test_the_top_curvature_is_the_largest_eigenvalue():
    view, patch = viewed([0.1, 0.2, 0.3], bowl)
    assert top_curvature(view, patch, ROWS) == pytest.approx(9)


def test_a_falling_loss_has_none():
    view, patch = viewed([0.1, 0.2, 0.3], lambda m, b: -bowl(m, b))
    assert top_curvature(view, patch, ROWS) == pytest.approx(0, abs=1e-9)


class Once(torch.autograd.Function):
    """w²/2 whose gradient cannot be differentiated again."""

    @staticmethod
    def forward(ctx, w):
        ctx.save_for_backward(w)
        return (w**2).sum() / 2

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, grad):
        return grad * ctx.saved_tensors[0]


def test_a_loss_without_a_second_derivative_is_bounded_by_its_gradients():
    view, patch = viewed([3.0, 4.0], lambda m, b: Once.apply(m.w).expand(len(b)))
    assert top_curvature(view, patch, ROWS) == pytest.approx(1, rel=0.02)


def test_the_numbers_of_the_center():
    model = Point(1.0, -2.0).requires_grad_(False)
    masks = components(model, "full")
    (cell,) = look("7", model, power_loss(2), ROWS, masks, ChainSettings(batch_size=None))
    assert (cell.checkpoint, cell.component) == ("7", "full")
    assert cell.center_gradient == pytest.approx(5)
    assert cell.gradient_noise == 0
    assert cell.curvature == pytest.approx(1)
    assert cell.patch.rounding == torch.finfo(torch.float64).eps


def test_half_precision_is_known():
    model = Point(1.0, dtype=torch.bfloat16).requires_grad_(False)
    masks = components(model, "full")
    (cell,) = look("0", model, power_loss(2), ROWS, masks, ChainSettings(batch_size=None))
    assert cell.patch.rounding == torch.finfo(torch.bfloat16).eps


def test_a_small_component_has_more_pairs():
    few, many = (Point(*[1.0] * size).requires_grad_(False) for size in (1, 1000))
    spread = []
    for model in (few, many):
        plan = ChainSettings(batch_size=None)
        (cell,) = look("0", model, power_loss(2), ROWS, components(model, "full"), plan)
        spread.append(cell.ball(10.0).rise * 10 / (len(model.w) / 2))
    assert spread == pytest.approx([1, 1], abs=4 * (2 / 64) ** 0.5)


def test_a_loss_that_sample_would_refuse_is_refused():
    model = Point(1.0).requires_grad_(False)
    with pytest.raises(InputError, match="loss must have shape"):
        look("0", model, lambda m, b: m.w.sum(), ROWS, components(model, "full"), ChainSettings())
