"""Deep linear networks, y = W_L … W_1 x: exactly known learning coefficients at any size.

The truth T is a buffer of the model, so that a loss needs nothing else:

    one example   l(W, x) = ‖(P − T) x‖² / H_L,     P = W_L … W_1
    population    L(W)    = (s² / H_L) · ‖P − T‖_F²  for inputs with covariance s² I

L is the mean of l: squared error averaged over the outputs, without noise. `loss_scale` is s²/H_L,
the `scale` of `somite.theory.hessian_spectrum`.
"""

from collections.abc import Sequence
from functools import reduce
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from somite.components.mask import Mask, whole
from somite.core.checks import at_least, positive
from somite.core.errors import InputError
from somite.core.random import stream
from somite.theory.product_map import check_chain
from somite.theory.widths import check_widths


class DeepLinear(nn.Module):
    """A linear network of any depth, without biases.

    Args:
        widths: H_0 (inputs), …, H_L (outputs), at least two.
        truth: T (H_L, H_0); the zero map if left out.
        input_variance: s², variance of each input; 100/3 for the published uniform [−10, 10].
        seed: Names the stream of the first weights, normal with variance 1 / fan-in.

    Raises:
        InputError: If a width is below 1, the truth does not fit, or the variance is not positive.

    Source: Lau et al. (2308.12108), experiments with deep linear networks.

    Example:
        >>> model = DeepLinear([3, 5, 2])
        >>> [tuple(weight.shape) for weight in model.weights], model(torch.ones(1, 3)).shape
        ([(5, 3), (2, 5)], torch.Size([1, 2]))
    """

    truth: Tensor

    def __init__(
        self,
        widths: Sequence[int],
        truth: Tensor | None = None,
        input_variance: float = 1.0,
        seed: int = 0,
    ) -> None:
        """Draw the weights.

        Raises:
            InputError: If a width, the truth or the variance breaks its rule.
        """
        super().__init__()
        check_widths(widths)
        shape = (widths[-1], widths[0])
        if truth is not None and tuple(truth.shape) != shape:
            rule, remedy = f"must have the shape {shape}", "One row per output."
            raise InputError("truth", rule, tuple(truth.shape), remedy)
        generator = stream("deep linear", seed)
        drawn = (torch.randn(o, i, generator=generator) * i**-0.5 for i, o in pairwise(widths))
        self.weights = nn.ParameterList(drawn)
        self.register_buffer("truth", torch.zeros(shape) if truth is None else truth.clone())
        self.input_variance = positive("input_variance", input_variance)

    @classmethod
    def from_weights(cls, weights: Sequence[Tensor], input_variance: float = 1.0) -> "DeepLinear":
        """Model at given weights that are its own truth: the loss there is exactly zero.

        Args:
            weights: W_1, …, W_L; W_l has the shape (H_l, H_{l−1}).
            input_variance: s², variance of each input.

        Returns:
            A model with copies of them, in their dtype.

        Raises:
            InputError: If the weights are no chain of finite matrices.

        Example:
            >>> model = DeepLinear.from_weights([torch.ones(1, 1), 2 * torch.ones(1, 1)])
            >>> model.truth
            tensor([[2.]])
        """
        check_chain([_array(weight) for weight in weights])
        model = cls([weights[0].shape[1], *map(len, weights)], None, input_variance)
        model.weights = nn.ParameterList(weight.detach().clone() for weight in weights)
        model.truth = model.product().detach()
        return model

    @property
    def loss_scale(self) -> float:
        """s²/H_L, the factor in front of ‖P − T‖_F² in the population loss."""
        return self.input_variance / len(self.truth)

    def product(self) -> Tensor:
        """P = W_L … W_1 (H_L, H_0), multiplied from its narrower end."""
        layers: list[Tensor] = list(self.weights)
        if len(layers[-1]) < layers[0].shape[1]:
            return reduce(lambda done, weight: done @ weight, reversed(layers))
        return reduce(lambda done, weight: weight @ done, layers)

    def forward(self, x: Tensor) -> Tensor:
        """Outputs (…, H_L) of inputs x (…, H_0)."""
        for weight in self.weights:
            x = x @ weight.T
        return x

    def matrices(self) -> list[NDArray[np.floating]]:
        """Copies of the weights for `somite.theory`, first layer first."""
        return [_array(weight) for weight in self.weights]

    def inputs(self, count: int, generator: torch.Generator) -> Tensor:
        """Random inputs, uniform with the model's input variance.

        Args:
            count: How many.
            generator: Where the numbers come from; on the CPU.

        Returns:
            (count, H_0), in the dtype and on the device of the truth.

        Raises:
            InputError: If there is to be none.

        Example:
            >>> DeepLinear([3, 2]).inputs(4, stream("inputs")).shape
            torch.Size([4, 3])
        """
        at_least("count", count, 1)
        shape = (count, self.truth.shape[1])
        drawn = torch.rand(shape, generator=generator, dtype=self.truth.dtype)
        bound = (3 * self.input_variance) ** 0.5
        inputs: Tensor = (2 * drawn - 1) * bound
        return inputs.to(self.truth.device)

    def components(self) -> dict[str, dict[str, Mask]]:
        """Declared components: each layer, named by its place from 0."""
        masks = {str(i): Mask({f"weights.{i}": whole(w)}) for i, w in enumerate(self.weights)}
        return {"layers": masks}

    def units(self) -> frozenset[str]:
        """No tensor is cut into units: any change of basis inside leaves the map as it is."""
        return frozenset()


def deep_linear_population_loss(model: DeepLinear, batch: Tensor) -> Tensor:
    """Exact population loss (s²/H_L) ‖P − T‖_F², the same for every row of the batch.

    The rows stand for nothing: they only fix how many losses are returned, so that the loss fits
    where a loss per example is asked for. One row is enough.

    Args:
        model: The network, which holds its truth T and its input variance s².
        batch: (rows, …), not read.

    Returns:
        (rows,).

    Example:
        >>> model = DeepLinear.from_weights([torch.eye(2), torch.eye(2)])
        >>> with torch.no_grad():
        ...     _ = model.weights[0].mul_(3)
        >>> deep_linear_population_loss(model, torch.zeros(1)).item()
        4.0
    """
    error = model.product() - model.truth
    return (error.square().sum() * model.loss_scale).expand(len(batch))


def deep_linear_loss(model: DeepLinear, inputs: Tensor) -> Tensor:
    """Squared error against the noiseless truth, averaged over the outputs.

    Its mean over inputs from `DeepLinear.inputs` is `deep_linear_population_loss`.

    Args:
        model: The network, which holds its truth T.
        inputs: (batch, H_0).

    Returns:
        (batch,).

    Example:
        >>> deep_linear_loss(DeepLinear.from_weights([torch.eye(2)]), torch.ones(3, 2)).tolist()
        [0.0, 0.0, 0.0]
    """
    error: Tensor = model(inputs) - inputs @ model.truth.T
    return error.square().mean(-1)


def _array(weight: Tensor) -> NDArray[np.floating]:
    """A copy as NumPy; half precision, which NumPy lacks in part, becomes single."""
    wide = weight.detach().cpu()
    wide = wide if wide.dtype in (torch.float32, torch.float64) else wide.float()
    return np.array(wide.numpy())
