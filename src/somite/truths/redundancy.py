"""Planted redundancy: two biases that add, and a neuron that is there twice."""

import torch

from somite.core.random import stream
from somite.data import mirrored_inputs
from somite.models import Duplicates, SharedBias, squared_error_loss
from somite.truths.truth import ALL, GroundTruth

EXAMPLES = 64


def shared_bias(
    seed: int = 0, biases: int = 2, parts: int = 2, inputs: int = 2, hidden: int = 2
) -> GroundTruth:
    """Parts that share the constant and nothing else: I = ½ with two biases, 0 with one.

    Args:
        seed: Of weights and inputs.
        biases: Parts with a bias.
        parts: How many.
        inputs: Inputs of each.
        hidden: Hidden units of each.
    """
    model = SharedBias(inputs, hidden, parts, biases, seed).double()
    x = mirrored_inputs(EXAMPLES, [inputs] * parts, stream("shared bias", seed))
    with torch.no_grad():
        data = (x, model(x))
    components = model.components()["parts"]
    labels = {name: "biased" if int(name) < biases and biases > 1 else name for name in components}
    return GroundTruth(
        name=f"{parts} parts, {biases} with a bias",
        model=model,
        loss=squared_error_loss,
        data=data,
        components=components,
        labels=labels,
        modular=len(set(labels.values())) > 1,
        exact={"I(0,1)": 0.5 if biases > 1 else 0.0},
        notes="Parts with a bias belong together by one direction out of all.",
    )


def duplicates(seed: int = 0, inputs: int = 1, activation: str = "tanh") -> GroundTruth:
    """The same neuron twice: I = d/4 with tanh, where Gauss–Newton says d/2; d/2 if linear.

    Args:
        seed: Of center and inputs.
        inputs: d.
        activation: "tanh" or "linear".
    """
    generator = stream("duplicates", seed, inputs)
    center = 0.5 + torch.rand(inputs, generator=generator, dtype=torch.float64)
    x = torch.randn(EXAMPLES, inputs, generator=generator, dtype=torch.float64)
    model = Duplicates(center.tolist(), activation)
    with torch.no_grad():
        data = (x, model(x))
    both = inputs / 2 if activation == "linear" else 3 * inputs / 4
    components = model.components()["copies"]
    return GroundTruth(
        name=f"a {activation} neuron of {inputs} inputs twice",
        model=model,
        loss=squared_error_loss,
        data=data,
        components=components,
        labels=dict.fromkeys(components, "both"),
        modular=False,
        exact={"0": inputs / 2, "1": inputs / 2, ALL: both, "I(0,1)": inputs - both},
        notes="Coefficients are limits; at finite n_beta compare with quadrature (one input).",
    )
