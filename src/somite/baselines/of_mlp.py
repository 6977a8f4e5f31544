"""What the methods read of a multilayer perceptron: activations, derivatives, weights, lesions.

The model is any module with `layers`, a `ModuleList` of `nn.Linear`, and one function between them.
Hidden unit i of hidden layer l is named "l:i".
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

import torch
import xarray as xr
from torch import Tensor, nn

from somite.baselines.arrays import Array
from somite.baselines.attribution import attributions
from somite.core.checks import one_of
from somite.core.errors import InputError
from somite.sampling.target import Data, Loss, check_data, per_example

Activation = Callable[[Tensor], Tensor]
ACTIVATIONS: Mapping[str, Activation] = {"tanh": torch.tanh, "relu": torch.relu}
STAND_INS = ("mean", "zero")


@dataclass
class OpenMLP:
    """The map of a model with its hidden activations kept, and moved on the way.

    Args:
        model: Holds the layers.
        activation: The function between them.
        move: Called with a hidden layer's place and activations; what it returns goes on.
        inputs: The inputs of the last call.
        hidden: Activations of each hidden layer of the last call, after `move`.
        outputs: Outputs of the last call.
    """

    model: nn.Module
    activation: Activation
    move: Callable[[int, Tensor], Tensor] = lambda place, x: x
    inputs: Tensor = field(default_factory=lambda: torch.empty(0))
    hidden: list[Tensor] = field(default_factory=list)
    outputs: Tensor = field(default_factory=lambda: torch.empty(0))

    def __call__(self, x: Tensor) -> Tensor:
        """Outputs (example, output) for inputs (example, input)."""
        self.inputs = x.detach().clone().requires_grad_()
        self.hidden, x = [], self.inputs
        *below, last = linear_layers(self.model)
        for place, layer in enumerate(below):
            x = self.move(place, self.activation(layer(x)))
            self.hidden.append(x)
        self.outputs = last(x)
        return self.outputs


def linear_layers(model: nn.Module) -> list[nn.Linear]:
    """The layers of a multilayer perceptron.

    Args:
        model: Any module with `layers`, a `ModuleList` of at least two `nn.Linear`.

    Returns:
        The layers from inputs to outputs.

    Raises:
        InputError: If it has none.
    """
    layers = getattr(model, "layers", None)
    if not isinstance(layers, nn.ModuleList) or len(layers) < 2:
        rule = "must have `layers`, a ModuleList of at least two nn.Linear"
        raise InputError("model", rule, type(model).__name__, "Pass a multilayer perceptron.")
    found = [layer for layer in layers if isinstance(layer, nn.Linear)]
    if len(found) < len(layers):
        rule, kinds = "must have nn.Linear in `layers` only", [type(x).__name__ for x in layers]
        raise InputError("model", rule, kinds, "Keep what stands between them out of `layers`.")
    return found


def mlp_weights(model: nn.Module) -> list[Array]:
    """Weight matrices (out, in) of each layer, float64.

    Args:
        model: A multilayer perceptron, see `linear_layers`.

    Returns:
        As many matrices as layers, copies.
    """
    return [layer.weight.detach().double().cpu().numpy().copy() for layer in linear_layers(model)]


def hidden_names(model: nn.Module) -> list[str]:
    """Names of the hidden units, layer by layer."""
    widths = [layer.out_features for layer in linear_layers(model)[:-1]]
    return [f"{place}:{i}" for place, width in enumerate(widths) for i in range(width)]


def of_mlp(
    model: nn.Module, loss: Loss, data: Data, activation: Activation | None = None
) -> xr.Dataset:
    """Activations of all hidden units and the derivatives through them, for each example.

    Args:
        model: A multilayer perceptron, see `linear_layers`; left as it was.
        loss: `loss(model, batch)`, losses with the examples along the first axis; it must call the
            model once, and nothing else of it.
        data: Examples along the first axis.
        activation: The function between layers; else the one that `model.activation` names ("tanh"
            or "relu").

    Returns:
        Over component (hidden units "l:i") and sample: `activations`; `gradients` ∂L/∂h;
        `input_jacobian` ∂h/∂x with dim input; `output_jacobian` ∂y/∂h with dim output;
        `loss_hessian` ∂²L/∂h∂h' with dim other; `attributions` over (component, example).
        Derivatives are total: through the layers above the unit.

    Bad input:
        `InputError` if the model is no such network, its function is another, or the data are no
        data.

    Example:
        >>> model = nn.Module()
        >>> model.layers = nn.ModuleList([nn.Linear(3, 4), nn.Linear(4, 2)])
        >>> model.forward = lambda x: model.layers[1](torch.tanh(model.layers[0](x)))
        >>> found = of_mlp(model, lambda m, x: m(x) ** 2, torch.ones(5, 3), torch.tanh)
        >>> found.output_jacobian.sizes["output"], found.loss_hessian.shape
        (2, (4, 5, 4))
    """
    check_data("data", data)
    shifts: list[Tensor] = []

    def shifted(place: int, x: Tensor) -> Tensor:
        # Derivatives are taken in zeros that are added: the slope of tanh is kept as a function of
        # its output, so that a second derivative in the output itself would count it twice.
        shifts.append(torch.zeros_like(x).requires_grad_())
        return x + shifts[place]

    opened = OpenMLP(model, _activation(model, activation), shifted)
    with torch.enable_grad():
        losses = per_example(loss(opened, data))
        _require_same(opened)
        hidden, units = opened.hidden, [(x, i) for x in opened.hidden for i in range(x.shape[1])]
        gradients = _slopes(losses.sum(), shifts, keep=True)
        columns = [(x, i) for x in gradients for i in range(x.shape[1])]
        outputs = opened.outputs.unbind(1)
        to_outputs = [torch.cat(_slopes(y.sum(), shifts), 1) for y in outputs]
        from_inputs = [_slopes(x[:, i].sum(), [opened.inputs])[0] for x, i in units]
        hessian = [torch.cat(_slopes(g[:, i].sum(), shifts), 1) for g, i in columns]
    names, unit_first = hidden_names(model), ("component", "sample")
    arrays = {
        "activations": (unit_first, torch.cat(hidden, 1).T),
        "gradients": (unit_first, torch.cat(gradients, 1).T),
        "input_jacobian": ((*unit_first, "input"), torch.stack(from_inputs)),
        "output_jacobian": ((*unit_first, "output"), torch.stack(to_outputs).permute(2, 1, 0)),
        "loss_hessian": ((*unit_first, "other"), torch.stack(hessian)),
    }
    found = xr.Dataset(
        {name: (dims, x.detach().double().cpu().numpy()) for name, (dims, x) in arrays.items()},
        coords={"component": names, "other": names},
    )
    return found.assign(attributions=attributions(found.activations, found.gradients))


def mlp_lesions(
    model: nn.Module,
    loss: Loss,
    data_by_domain: Mapping[str, Data],
    stand_in: str = "mean",
    activation: Activation | None = None,
) -> Callable[[Collection[str]], dict[str, Array]]:
    """Losses of a multilayer perceptron with some hidden units withheld, for `lesions`.

    Args:
        model: A multilayer perceptron; left as it was.
        loss: `loss(model, batch)` as for `of_mlp`.
        data_by_domain: Examples of each domain.
        stand_in: What a unit puts out instead: its "mean" over the examples of the domain in the
            whole network, or "zero".
        activation: The function between layers, as for `of_mlp`.

    Returns:
        Function of names of units that gives, for each domain, the loss of each example.

    Bad input:
        `InputError` if a name is unknown, or as `of_mlp` raises it.
    """
    one_of("stand_in", stand_in, STAND_INS)
    function, names = _activation(model, activation), hidden_names(model)
    means: dict[str, list[Tensor]] = {}
    for domain, data in data_by_domain.items():
        check_data(domain, data)
        whole = OpenMLP(model, function)
        with torch.no_grad():
            loss(whole, data)
            _require_same(whole)
        means[domain] = [x.mean(0) * (stand_in == "mean") for x in whole.hidden]

    @torch.no_grad()
    def evaluate(withheld: Collection[str]) -> dict[str, Array]:
        out = [one_of("components", name, names) for name in withheld]
        found = {}
        for domain, data in data_by_domain.items():
            opened = OpenMLP(model, function, _withhold(out, means[domain]))
            found[domain] = per_example(loss(opened, data)).double().cpu().numpy()
        return found

    return evaluate


def _withhold(names: Collection[str], means: list[Tensor]) -> Callable[[int, Tensor], Tensor]:
    """A move that puts means in the place of some units."""
    places = [tuple(map(int, name.split(":"))) for name in names]

    def move(layer: int, x: Tensor) -> Tensor:
        if chosen := [unit for place, unit in places if place == layer]:
            x = x.clone()
            x[:, chosen] = means[layer][chosen]
        return x

    return move


def _activation(model: nn.Module, given: Activation | None) -> Activation:
    """The function between layers: given, or named by the model."""
    if given is not None:
        return given
    named = getattr(model, "activation", None)
    return ACTIVATIONS[one_of("activation", str(named), ACTIVATIONS)]


def _require_same(opened: OpenMLP) -> None:
    """Require that the opened map is that of the model.

    Raises:
        InputError: If it is not, or the loss did not call it.
    """
    with torch.no_grad():
        same = bool(opened.hidden) and torch.allclose(
            opened.model(opened.inputs), opened.outputs, rtol=1e-4, atol=1e-6
        )
    if not same:
        rule = "must be its `layers` with the activation between them, called once by the loss"
        raise InputError("model", rule, type(opened.model).__name__, "Pass its own activation.")


def _slopes(value: Tensor, at: list[Tensor], keep: bool = False) -> list[Tensor]:
    """Derivatives of a number, zero where it does not depend on a tensor."""
    if not value.requires_grad:
        return [torch.zeros_like(x) for x in at]
    return list(
        torch.autograd.grad(value, at, create_graph=keep, retain_graph=True, materialize_grads=True)
    )
