"""Products of the Hessian with vectors, by differentiating the gradient once more.

    H v = ∂/∂w (v · ∂L/∂w)

The gradient's graph is built once and kept: a product then costs about two backward passes and no
forward pass, and all products are of the same loss, whatever the loss would draw at random in a
second call.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from somite.core.checks import finite_weights
from somite.core.errors import InputError

Product = Callable[[Tensor], Tensor]


def hessian_product(loss: Callable[[Tensor], Tensor], at: Tensor) -> Product:
    """Function v ↦ H v, with H the Hessian of the loss at a point.

    The function keeps the graph of the gradient alive for as long as it lives. It answers in the
    type and on the device of the vector; inside, everything has those of `at`. Attention runs on
    its plain formula here, since the fused kernels have no second derivative. At the kink of a
    piecewise function the Hessian is that of the piece on which the gradient was taken.

    Args:
        loss: Scalar loss of the flat weights; twice differentiable, without a copy or `no_grad`
            that cuts it off from them.
        at: Weights (d,), floating; neither changed nor given a gradient.

    Returns:
        Function of a vector (d,) that gives H v (d,), in units of the loss over weights squared.

    Raises:
        InputError: If `at` is not a flat vector of finite numbers, or the loss there is not one
            finite number that depends on the weights; later, if a vector has another shape.

    Source:
        Pearlmutter 1994, Fast exact multiplication by the Hessian, in its double-backward form.

    Example:
        >>> product = hessian_product(lambda w: w[0] ** 2 + 3 * w[0] * w[1], torch.ones(2))
        >>> product(torch.tensor([1.0, 0.0]))
        tensor([2., 3.])
    """
    _require_flat("at", at)
    finite_weights("at", {"the weights": at})
    point = at.detach().clone().requires_grad_(True)
    gradient = _gradient(loss, point)

    def product(vector: Tensor) -> Tensor:
        if vector.shape != point.shape:
            raise InputError(
                "vector",
                f"must have shape {tuple(point.shape)}",
                tuple(vector.shape),
                "Give one entry for every weight.",
            )
        if not gradient.requires_grad:  # the loss is linear
            return torch.zeros_like(vector)
        (answer,) = torch.autograd.grad(
            gradient, point, vector.to(gradient), retain_graph=True, materialize_grads=True
        )
        return answer.to(vector)

    return product


def finite_product(product: Product, vector: Tensor) -> Tensor:
    """A product, refused unless it is finite and has the shape of the vector.

    Raises:
        InputError: If it is not.
    """
    answer = product(vector)
    if not isinstance(answer, Tensor) or answer.shape != vector.shape:
        raise InputError(
            "product",
            f"must return a tensor of shape {tuple(vector.shape)}",
            _kind(answer),
            "Return one entry for every entry of the vector.",
        )
    if bad := int((~torch.isfinite(answer)).sum()):
        raise InputError(
            "product",
            "must be finite",
            f"{bad} NaN or infinite entries",
            "Move to a point where the loss has a second derivative, or use a wider float type.",
        )
    return answer.detach().to(vector)


def _gradient(loss: Callable[[Tensor], Tensor], point: Tensor) -> Tensor:
    """Gradient with its graph.

    Raises:
        InputError: If the loss is not one finite number that depends on the point.
    """
    with torch.enable_grad(), sdpa_kernel(SDPBackend.MATH):
        value = loss(point)
    if not isinstance(value, Tensor) or value.ndim != 0:
        remedy = "Take the mean of the losses."
        raise InputError("loss", "must return a scalar tensor", _kind(value), remedy)
    if not bool(torch.isfinite(value)):
        raise InputError("loss", "must be finite", value.item(), "Check the weights and the data.")
    gradient = None
    if value.requires_grad:
        (gradient,) = torch.autograd.grad(value, point, create_graph=True, allow_unused=True)
    if gradient is None:
        raise InputError(
            "loss",
            "must depend on the weights that it is given",
            "no gradient",
            "Compute it from the argument, without detach, no_grad or a copy of the numbers.",
        )
    finite_weights("loss", {"its gradient": gradient})
    return gradient


def _kind(value: object) -> object:
    """Shape of a tensor, name of the type of anything else."""
    return tuple(value.shape) if isinstance(value, Tensor) else type(value).__name__


def _require_flat(argument: str, vector: Tensor) -> None:
    """Require a non-empty vector of a floating type.

    Raises:
        InputError: If it is not.
    """
    if vector.ndim != 1 or vector.numel() == 0 or not vector.is_floating_point():
        got = f"{vector.dtype} of shape {tuple(vector.shape)}"
        raise InputError(
            argument, "must be a flat vector of floats", got, "Join the weights into one vector."
        )
