"""Many small networks trained at once, each as if it were alone."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from somite.core.checks import at_least
from somite.core.errors import InputError
from somite.models import MLP, squared_error_loss
from somite.models.mlp import ACTIVATIONS
from somite.truths.fit import Plan, fit


class Crowd(nn.Module):
    """Networks of one shape side by side; the weights of each are rows of stacked tensors.

    Args:
        models: Of one shape and activation, without cut connections; they are copied.

    Raises:
        InputError: If there is none, or they differ.
    """

    def __init__(self, models: Sequence[MLP]) -> None:
        """Stack the weights.

        Raises:
            InputError: If there is none, or they differ.
        """
        super().__init__()
        at_least("models", len(models), 1)
        kinds = {(tuple(model.widths), model.activation) for model in models}
        if len(kinds) > 1:
            remedy = "Train those of another shape apart."
            raise InputError("models", "must be of one shape and activation", len(kinds), remedy)
        self.activation = models[0].activation
        layers = list(
            zip(*[[m.layer(i) for i in range(len(m.layers))] for m in models], strict=True)
        )
        self.weights = nn.ParameterList(
            torch.stack([layer.weight.detach() for layer in place]) for place in layers
        )
        self.biases = nn.ParameterList(
            torch.stack([layer.bias.detach() for layer in place]) for place in layers
        )

    def forward(self, x: Tensor) -> Tensor:
        """Outputs (network, example, output) of inputs (network, example, input)."""
        last = len(self.weights) - 1
        for place, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            x = torch.baddbmm(bias[:, None], x, weight.mT)
            x = x if place == last else ACTIVATIONS[self.activation](x)
        return x

    @torch.no_grad()
    def write(self, models: Sequence[MLP]) -> None:
        """Copy the weights back, network by network."""
        for place in range(len(self.weights)):
            for i, model in enumerate(models):
                model.layer(place).weight.copy_(self.weights[place][i])
                model.layer(place).bias.copy_(self.biases[place][i])


def fit_crowd(models: Sequence[MLP], data: Sequence[tuple[Tensor, Tensor]], plan: Plan) -> None:
    """Train every network in place on its own examples, as `fit` does with squared errors.

    A step of AdamW treats every weight by itself, so that the sum of all losses trains each
    network as its own loss would; what differs is rounding.

    Args:
        models: Of one shape and activation.
        data: Inputs and labels of each, as many examples for all.
        plan: How to train, with full batches.

    Raises:
        InputError: If the plan has minibatches, or networks are unfit.

    Example:
        >>> models = [MLP([2, 3, 1], seed=seed) for seed in range(2)]
        >>> data = (torch.randn(8, 2), torch.ones(8, 1))
        >>> fit_crowd(models, [data, data], Plan(100, 0.1))
        >>> all((model(data[0]) - 1).abs().max().item() < 0.2 for model in models)
        True
    """
    if plan.batch_size is not None:
        remedy = "Train such networks one by one."
        raise InputError("plan", "must have full batches", plan.batch_size, remedy)
    crowd = Crowd(models)
    x, y = (torch.stack(part, 1) for part in zip(*data, strict=True))

    def loss(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
        inputs, labels = (part.transpose(0, 1) for part in batch)
        return squared_error_loss(model, (inputs, labels)).sum(0)

    fit(crowd, loss, (x, y), plan)
    crowd.write(models)
