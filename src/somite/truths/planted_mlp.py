"""Planted and trained multilayer perceptrons of two to five modules, and their controls.

The teacher is k networks side by side, each with inputs, hidden units and outputs of its own. It is
its own truth, so the loss of every planted variant is exactly zero at the center.

    masked    the teacher; weights between modules do not exist
    dense     a dense network at the teacher's weights; zeros between modules are free to move
    active    the same, its components only the weights that are not zero
    trained   a dense network of more hidden units, trained; labels are lesions
    shared    trained on a teacher without modules: the control that must not come out modular
    random    a dense network at random weights, its own truth: the other control
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate

import torch
from torch import Tensor

from somite.components.mask import Mask
from somite.core.random import stream
from somite.data import correlated_inputs
from somite.models import MLP, block_connections, squared_error_loss
from somite.truths.fit import Plan, fit
from somite.truths.lesion import lesion_labels, lesion_table
from somite.truths.truth import GroundTruth, Task

Sizes = tuple[int, int, int]
"""Inputs, hidden units and outputs of a module."""
UNEQUAL: tuple[Sizes, ...] = ((2, 3, 2), (3, 4, 2), (2, 2, 2), (3, 5, 3), (2, 3, 2))
"""Modules of unequal sizes; the first k of them make a network of k modules."""
EXAMPLES = 512
BIAS = 0.5
"""Standard deviation of the teacher's hidden biases: no neuron is odd."""
GAIN = 1.5
"""Factor on the teacher's hidden weights: no neuron is nearly linear."""
L2, SELECTIVE = 1e-3, 0.5
"""Penalty in training, by which superfluous neurons fade; selectivity that earns a label."""
WIDER = 2
"""Hidden units of a trained network for each of its teacher."""


@dataclass(frozen=True)
class PlantedSettings:
    """Difficulty of a planted network.

    Args:
        modules: Sizes of each.
        activation: "tanh" or "relu".
        correlation: Between inputs of different modules; harder as it grows.
        steps: Of training.
    """

    modules: tuple[Sizes, ...] = ((2, 3, 2), (2, 3, 2))
    activation: str = "tanh"
    correlation: float = 0.0
    steps: int = 4000

    @property
    def widths(self) -> list[int]:
        """Widths of all modules together."""
        return [sum(sizes) for sizes in zip(*self.modules, strict=True)]

    @property
    def owners(self) -> dict[str, str]:
        """Module of each teacher neuron."""
        hidden = [str(m) for m, sizes in enumerate(self.modules) for _ in range(sizes[1])]
        return {f"0:{i}": module for i, module in enumerate(hidden)}

    def teacher(self, seed: int, modular: bool = True) -> MLP:
        """Random weights, float64; with all connections if it is to have no modules."""
        connections = block_connections(self.modules) if modular else None
        model = MLP(self.widths, self.activation, seed=seed, connections=connections).double()
        generator = stream("teacher", seed)
        with torch.no_grad():
            # Cut rows read fewer inputs than they were drawn for.
            fan_in = torch.tensor([s[0] for s in self.modules for _ in range(s[1])])
            if modular:
                model.layer(0).weight *= (self.widths[0] / fan_in).sqrt()[:, None]
            _weigh_alike(model, [sizes[2] for sizes in self.modules])
            model.layer(0).weight *= GAIN
            model.layer(0).bias.add_(BIAS * torch.randn(self.widths[1], generator=generator))
        return model

    def inputs(self, seed: int) -> Tensor:
        """Inputs of all modules together."""
        widths = [sizes[0] for sizes in self.modules]
        return correlated_inputs(EXAMPLES, widths, self.correlation, stream("planted x", seed))

    def tasks(self, data: tuple[Tensor, Tensor]) -> dict[str, Task]:
        """The outputs of each module."""
        ends = [0, *accumulate(sizes[2] for sizes in self.modules)]
        places = [range(ends[m], ends[m + 1]) for m in range(len(self.modules))]
        return {
            str(m): Task(partial(squared_error_loss, outputs=tuple(own)), data)
            for m, own in enumerate(places)
        }


def planted_mlp(
    seed: int = 0, kind: str = "masked", settings: PlantedSettings | None = None
) -> GroundTruth:
    """A network at its teacher's weights: "masked", "dense" or "active".

    Args:
        seed: Of teacher and inputs.
        kind: Which variant.
        settings: Difficulty.
    """
    settings = settings or PlantedSettings()
    teacher, x = settings.teacher(seed), settings.inputs(seed)
    model = teacher if kind == "masked" else dense_copy(teacher)
    data = (x, _outputs(model, x))
    components = model.components()["neurons"]
    if kind == "active":
        components = {name: _not_zero(model, mask) for name, mask in components.items()}
    return GroundTruth(
        name=f"planted {settings.activation} MLP, {len(settings.modules)} modules, {kind}",
        model=model,
        loss=squared_error_loss,
        data=data,
        components=components,
        labels=settings.owners,
        tasks=settings.tasks(data),
        notes="By construction.",
    )


def trained_mlp(
    seed: int = 0,
    modular: bool = True,
    settings: PlantedSettings | None = None,
    checkpoints: int = 2,
) -> GroundTruth:
    """A dense network trained on a teacher with modules, or on one without (the control).

    Args:
        seed: Of teacher, inputs and first weights.
        modular: Whether the teacher has modules.
        settings: Difficulty, and steps of training.
        checkpoints: How many are kept.
    """
    settings = settings or PlantedSettings()
    x = settings.inputs(seed)
    data = (x, _outputs(settings.teacher(seed, modular), x))
    inputs, hidden, outputs = settings.widths
    model = MLP([inputs, WIDER * hidden, outputs], settings.activation, seed=seed + 1).double()
    plan = Plan(settings.steps, 0.02, l2=L2, checkpoints=checkpoints, seed=seed)
    tasks = settings.tasks(data)
    history = fit(model, squared_error_loss, data, plan, tasks)
    components = model.components()["neurons"]
    table = lesion_table(model, components, tasks)
    kind = "modules" if modular else "features shared by all outputs"
    return GroundTruth(
        name=f"trained {settings.activation} MLP, {len(settings.modules)} {kind}",
        model=model,
        loss=squared_error_loss,
        data=data,
        components=components,
        labels=lesion_labels(table, SELECTIVE if modular else 0.0),
        modular=modular,
        tasks=tasks,
        checkpoints=history.states,
        notes="Labels are the outputs whose loss rises most without the neuron; neurons that serve "
        "both alike have none, except in the control.",
    )


def random_mlp(seed: int = 0, settings: PlantedSettings | None = None) -> GroundTruth:
    """A dense network at random weights that is its own truth: nothing to find."""
    settings = settings or PlantedSettings()
    model, x = settings.teacher(seed, modular=False), settings.inputs(seed)
    data = (x, _outputs(model, x))
    return GroundTruth(
        name=f"random {settings.activation} MLP",
        model=model,
        loss=squared_error_loss,
        data=data,
        components=model.components()["neurons"],
        labels=settings.owners,
        modular=False,
        tasks=settings.tasks(data),
        notes="Labels are those of the planted network of the same widths; they mean nothing here.",
    )


def dense_copy(model: MLP) -> MLP:
    """The same weights in a network with all connections."""
    copy = MLP(model.widths, model.activation).to(model.layer(0).weight.dtype)
    with torch.no_grad():
        for place in range(len(model.layers)):
            copy.layer(place).weight.copy_(model.weight(place))
            copy.layer(place).bias.copy_(model.layer(place).bias)
    return copy


def _weigh_alike(model: MLP, groups: Sequence[int]) -> None:
    """Give every hidden unit outgoing weights of norm 1 to each group of outputs that it serves."""
    for group in model.layer(1).weight.split(list(groups)):
        norms = group.norm(dim=0)
        group.div_(torch.where(norms > 0, norms, 1.0))


@torch.no_grad()
def _outputs(model: MLP, x: Tensor) -> Tensor:
    outputs: Tensor = model(x)
    return outputs


def _not_zero(model: MLP, mask: Mask) -> Mask:
    weights = dict(model.named_parameters())
    return Mask({name: chosen & (weights[name] != 0) for name, chosen in mask.entries.items()})


def unequal(k: int) -> tuple[Sizes, ...]:
    """K modules of unequal sizes, from 2 to 5."""
    return UNEQUAL[:k]


def several(ks: Sequence[int] = (2, 3, 4, 5)) -> dict[int, PlantedSettings]:
    """Settings for each number of modules."""
    return {k: PlantedSettings(modules=unequal(k)) for k in ks}
