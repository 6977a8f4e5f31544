"""Ground truths: planted ones are exact, small trained ones reach what they promise."""

import math

import numpy as np
import pytest
import torch
import xarray as xr

from somite.core.errors import InputError
from somite.data import ParityTasks
from somite.models import MLP, squared_error_loss
from somite.theory import quadrature_llc
from somite.truths import addition, parity, two_answers
from somite.truths.catalogue import CONTROLS, PLANTED, REDUNDANT, TRAINED, TRUTHS
from somite.truths.clusterable import clusterable, mean_clusterability
from somite.truths.fit import History, Plan, fit, keep_zeros
from somite.truths.gaussian import gaussian_blocks, hessian, places
from somite.truths.lesion import lesion_labels, lesion_table, selectivity
from somite.truths.linear import block_linear
from somite.truths.planted_mlp import (
    PlantedSettings,
    planted_mlp,
    random_mlp,
    trained_mlp,
    unequal,
)
from somite.truths.polynomials import POLYNOMIALS, polynomial
from somite.truths.redundancy import duplicates, shared_bias
from somite.truths.roles import planted_roles, trained_roles
from somite.truths.streams import two_streams
from somite.truths.transformed import transformed
from somite.truths.truth import GroundTruth, Task

EXACT = [
    *(pytest.param(PLANTED[f"planted MLP, {k} modules"], id=f"{k} modules") for k in (2, 3, 4, 5)),
    *(pytest.param(PLANTED[n], id=n) for n in ("planted MLP, dense", "planted MLP, active")),
    *(pytest.param(PLANTED[n], id=n) for n in ("planted ReLU MLP", "Gaussian blocks")),
    pytest.param(block_linear, id="block linear"),
    *(pytest.param(CONTROLS[n], id=n) for n in ("random MLP", "dense linear network")),
    *(pytest.param(build, id=name) for name, build in REDUNDANT.items()),
]


@pytest.mark.parametrize("build", EXACT)
def test_planted_losses_are_exactly_zero(build):
    truth = build(1)
    assert truth.mean_loss() == 0.0
    assert set(truth.labels) <= set(truth.components)


@pytest.mark.parametrize("build", [planted_mlp, gaussian_blocks, random_mlp])
def test_a_seed_names_the_weights_or_data(build):
    def numbers(seed: int) -> torch.Tensor:
        truth = build(seed)
        data = truth.data if isinstance(truth.data, torch.Tensor) else truth.data[0]
        weights = [weight.detach().flatten().double() for weight in truth.model.parameters()]
        return torch.cat([*weights, data.flatten().double()])

    assert torch.equal(numbers(3), numbers(3))
    assert not torch.equal(numbers(3), numbers(4))


@pytest.mark.parametrize("k", [2, 3, 5])
def test_modules_of_a_planted_network_do_not_touch(k):
    truth = planted_mlp(settings=PlantedSettings(unequal(k)))
    table = lesion_table(truth.model, truth.components, truth.tasks)
    assert lesion_labels(table) == truth.labels
    for component, module in truth.labels.items():
        rises = table.sel(component=component)
        assert float(rises.sel(task=module)) > 1e-4
        assert float(rises.drop_sel(task=module).max()) == 0.0
    assert sorted(map(len, truth.modules.values())) == sorted(m[1] for m in unequal(k))


def test_active_weights_are_those_of_the_masked_network():
    masked, active = planted_mlp(kind="masked"), planted_mlp(kind="active")
    sizes = {name: mask.size for name, mask in masked.components.items()}
    assert sizes == {name: mask.size for name, mask in active.components.items()}
    dense = planted_mlp(kind="dense").components
    assert all(dense[name].size > size for name, size in sizes.items())


def test_every_output_of_the_control_needs_every_feature_equally():
    teacher = PlantedSettings().teacher(0, modular=False)
    for own in teacher.weight(1).detach().split(2):
        torch.testing.assert_close(own.norm(dim=0), torch.ones(6).double())


SHORT = {act: PlantedSettings(activation=act, steps=1200) for act in ("tanh", "relu")}


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_training_finds_the_teacher_and_its_modules(activation):
    truth = trained_mlp(1, settings=SHORT[activation], checkpoints=4)
    variance = float(truth.data[1].var(0).sum()) / 2
    assert truth.mean_loss() < 0.01 * variance
    table = lesion_table(truth.model, truth.components, truth.tasks)
    assert len(truth.labels) >= 6
    assert float(selectivity(table).mean()) > 0.6
    assert set(truth.modules) == {"0", "1"}
    assert truth.at(0).mean_loss() > 0.5 * variance
    assert truth.at(1200).mean_loss() == truth.mean_loss()


def test_the_shared_control_is_not_selective():
    truth = trained_mlp(1, modular=False, settings=SHORT["tanh"])
    found = selectivity(lesion_table(truth.model, truth.components, truth.tasks))
    assert float(found.mean()) < 0.5
    assert not truth.modular


def test_gaussian_modules_are_blocks_of_the_hessian():
    for coupling in (0.0, 0.1):
        truth = gaussian_blocks(coupling=coupling)
        curvature, where = hessian(truth.data), places(truth)
        for one, other in (("0", "3"), ("0", "1"), ("4", "5")):
            block = curvature[where[one]][:, where[other]].abs().max()
            assert (block == 0) == (coupling == 0 and truth.labels[one] != truth.labels[other])


def test_coefficients_of_blocks_add_and_the_dense_ones_do_not():
    blocks, dense = block_linear(), block_linear(dense=True)
    assert blocks.exact == {"0": 3.0, "1": 3.0, "all": 6.0}
    assert dense.exact == {"all": 12.0}
    assert (blocks.modular, dense.modular) == (True, False)
    assert block_linear(degenerate=False).exact == {"0": 4.0, "1": 4.0, "all": 8.0}


def test_redundancy_says_what_is_known():
    assert shared_bias(biases=2).exact["I(0,1)"] == 0.5
    assert shared_bias(biases=1).exact["I(0,1)"] == 0.0
    assert shared_bias(biases=1).modular
    assert not shared_bias(biases=2).modular
    assert duplicates(inputs=2).exact == {"0": 1.0, "1": 1.0, "all": 1.5, "I(0,1)": 0.5}
    assert duplicates(inputs=2, activation="linear").exact["I(0,1)"] == 1.0


@pytest.mark.parametrize("name", POLYNOMIALS)
def test_polynomials_have_the_sign_and_about_the_size_of_quadrature(name):
    known, n_beta = POLYNOMIALS[name], 200.0

    def coefficient(*free: int) -> float:
        def loss(w: np.ndarray) -> np.ndarray:
            full = np.broadcast_to(np.array(known.center, dtype=float), (*w.shape[:-1], 2)).copy()
            full[..., list(free)] = w
            return known.height(full)

        center = [known.center[i] for i in free]
        return quadrature_llc(loss, n_beta, 1.0, center, tolerance=1e-3).llc

    found = [coefficient(0), coefficient(1), coefficient(0, 1)]
    assert found == pytest.approx(known.coefficients, abs=0.2)
    interaction = found[0] + found[1] - found[2]
    if known.interaction:
        assert np.sign(interaction) == np.sign(known.interaction)
    else:
        assert abs(interaction) < 0.02


def test_copies_of_a_polynomial_have_its_two_components():
    truth = polynomial("u²v²", copies=3)
    assert {name: mask.size for name, mask in truth.components.items()} == {"u": 3, "v": 3}
    assert truth.exact == {"u": 0, "v": 0, "all": 1.5}


def test_streams_are_learned_and_apart():
    truth = two_streams(steps=60)
    assert truth.labels == {f"{i}:{h}": "AABB"[h] for i in range(2) for h in range(4)}
    table = lesion_table(truth.model, truth.components, truth.tasks)
    for component, label in truth.labels.items():
        other = {"A": "B", "B": "A"}[label]
        assert float(table.sel(component=component, task=other)) == 0.0
    assert abs(float(table.sel(component="0:0", task="A"))) > 0.01
    assert truth.mean_loss() < 2 * math.log(6) - 0.2


def test_one_softmax_keeps_the_zeros_and_lowers_its_loss():
    plain, union = two_streams(steps=20), two_streams(steps=20, union=True)
    for name, weight in union.model.named_parameters():
        assert torch.equal(weight == 0, plain.model.get_parameter(name) == 0), name
    assert union.mean_loss() < float(union.loss(plain.model, plain.data).mean().detach())


def test_planted_roles_keep_their_circuits_while_they_are_polished():
    built, polished = planted_roles(steps=0), planted_roles(steps=8)
    assert polished.mean_loss() < built.mean_loss()
    table = lesion_table(polished.model, polished.components, polished.tasks)
    assert ((abs(table) > 0.3).sum("task") == 1).all()
    assert ((table == 0).sum("task") == 2).all()
    dense = planted_roles(steps=0, dense=True).components
    assert all(mask.size > 10 * built.components[head].size for head, mask in dense.items())


def test_trained_roles_have_times_and_checkpoints():
    truth = trained_roles(steps=30, checkpoints=4)
    assert set(truth.tasks) == {"bigram", "repeats", "skip"} == set(truth.times)
    assert len(truth.checkpoints) == 4
    assert truth.mean_loss() < truth.at(0).mean_loss() - 0.3


SMALL = parity.ParitySettings(
    ParityTasks(tasks=2, size=2, alpha=1.0), hidden=48, examples=2000, tested=200,
    plan=Plan(500, 0.01, l2=1e-3, batch_size=128, checkpoints=30),
)  # fmt: skip


def test_parity_tasks_are_learned_one_after_the_other():
    truth = parity.sparse_parity(0, SMALL)
    assert 0 < truth.times["0"] < truth.times["1"] < 400
    for task in truth.tasks.values():
        assert float(task.loss(truth.model, task.data).mean().detach()) < 0.1
    before = truth.at(max(step for step in truth.checkpoints if step < truth.times["1"]))
    probe = truth.tasks["1"]
    assert float(probe.loss(before.model, probe.data).mean().detach()) > math.log(2) / 2
    assert set(truth.modules) == {"0", "1"}


def test_clusterability_rises_with_its_strength():
    found = [
        float(mean_clusterability(clusterable(0, s, steps=60).model).detach())
        for s in (0.0, 0.3, 3.0)
    ]
    assert found[0] < found[1] < found[2]
    assert found[0] == pytest.approx(0.25, abs=0.05)  # four groups, no preference
    assert not clusterable(0, 0.0, steps=1).modular


def test_clusterability_is_one_for_blocks_and_nothing_else():
    model = MLP([3, 4, 4], seed=1)
    groups = torch.arange(4)
    model.layer(1).weight.data *= groups[:, None] == groups
    assert float(mean_clusterability(model).detach()) == 1.0
    model.layer(1).weight.data[0, 1] = 1.0
    assert float(mean_clusterability(model).detach()) < 1.0


def test_frequencies_of_neurons_are_found():
    modulus, wave = 11, torch.arange(11) * 2 * torch.pi / 11
    model = MLP([23, 3, 11], seed=0)
    for neuron, frequency in enumerate((1, 4)):
        model.layer(0).weight.data[neuron, 1:12] = (frequency * wave + 0.3).cos()
        model.layer(0).weight.data[neuron, 12:] = 2 + (frequency * wave).sin()
    frequencies, purity = addition.dominant_frequencies(model, modulus)
    assert frequencies[:2].tolist() == [1, 4]
    assert purity[:2].min() > 1 - 1e-6
    assert purity[2] < 0.9


def test_addition_records_what_is_held_out():
    plan = Plan(30, 0.01, weight_decay=1.0, checkpoints=3)
    settings = addition.AdditionSettings(modulus=7, operations=("sum", "product"), plan=plan)
    truth = addition.modular_addition(0, settings)
    assert set(truth.tasks) == {"sum", "product", "held out"}
    assert len(truth.data[0]) + len(truth.tasks["held out"].data[0]) == 98
    assert addition.accuracy(truth.model, truth.tasks["sum"]) > 2 / 7


@pytest.mark.parametrize(
    ("build", "plan", "loss"),
    [
        (two_answers.digits, Plan(150, 0.01, batch_size=128), 1.2),
        (two_answers.two_sums, Plan(200, 0.02, batch_size=128), 3.0),
        (two_answers.sum_or_product, Plan(200, 0.02), 1.2),
    ],
)
def test_two_answers_are_learned(build, plan, loss):
    truth = build(0, plan=plan)
    assert truth.mean_loss() < loss < truth.at(0).mean_loss()
    assert set(truth.labels.values()) == set(truth.tasks)


def test_steps_of_learning_are_read_from_the_curve():
    steps = [0, 1, 3, 7, 15]
    history = History(losses={"a": dict(zip(steps, [4.0, 1.0, 1.0, 0.5, 0.0], strict=True))})
    assert history.learned_at("a", chance=1.0) == pytest.approx(7.0)
    assert history.learned_at("a", chance=1.0, share=0.25) == pytest.approx(math.sqrt(32) - 1)
    assert history.learned_at("a") == pytest.approx(2 ** (2 / 3) - 1)
    assert history.learned_at("a", chance=0.0) == math.inf


def test_weights_that_are_zero_can_be_kept():
    model = MLP([2, 3, 1]).double()
    model.layer(0).bias.data.fill_(0.1)
    model.layer(0).weight.data[1] = 0.0
    data = (torch.ones(4, 2).double(), torch.ones(4, 1).double())
    keep_zeros(model)
    fit(model, squared_error_loss, data, Plan(5, 0.1))
    assert (model.weight(0)[1] == 0).all()
    assert (model.layer(1).bias == 0).all()
    assert (model.weight(0)[0] != MLP([2, 3, 1]).double().weight(0)[0]).all()


def test_checkpoints_are_even_in_log_steps():
    assert Plan(999, 0.1, checkpoints=4).kept == [0, 9, 99, 999]


def test_labels_weigh_every_task_alike():
    rises = [[1.0, 30.0], [1.0, 50.0], [0.0, 20.0], [0.001, 0.0]]
    table = xr.DataArray(
        rises, dims=("component", "task"), coords={"component": list("abcd"), "task": ["x", "y"]}
    )
    found = lesion_labels(table)
    assert (found["a"], found["b"], found["c"], "d" in found) == ("x", "y", "y", False)
    assert set(lesion_labels(table, least=0.9)) == {"c"}


@pytest.mark.parametrize("kind", ["rescaled", "balanced", "permuted"])
def test_transformed_truths_have_the_same_loss_and_labels(kind):
    truth = planted_mlp(kind="dense", settings=PlantedSettings(activation="relu"))
    found = transformed(truth, kind, seed=2)
    assert found.mean_loss() < 1e-24
    table = lesion_table(found.model, found.components, found.tasks)
    assert lesion_labels(table) == found.labels
    assert (found.labels != truth.labels) == (kind == "permuted")


def test_other_transformations_find_their_models():
    turned = transformed(planted_roles(steps=0, dense=True), "turned heads")
    assert turned.mean_loss() == pytest.approx(planted_roles(steps=0).mean_loss(), abs=1e-9)
    assert transformed(block_linear(dense=True), "rotated").mean_loss() < 1e-24
    digits = two_answers.digits(plan=Plan(2, 0.01))
    moved = transformed(digits, "null weight")
    assert moved.mean_loss() == pytest.approx(digits.mean_loss(), rel=1e-5)
    assert not torch.equal(moved.model.weight(0), digits.model.weight(0))
    with pytest.raises(InputError, match="kind must be a known name, got 'turned'"):
        transformed(digits, "turned")


def test_every_truth_is_in_the_catalogue_once():
    assert len(TRUTHS) == len(PLANTED) + len(TRAINED) + len(CONTROLS) + len(REDUNDANT) + 6
    assert all(callable(build) for build in TRUTHS.values())


def test_a_truth_checks_its_names():
    truth = planted_mlp()
    parts = (truth.name, truth.model, truth.loss, truth.data, truth.components)
    with pytest.raises(InputError, match="labels must name components, got '9:9'"):
        GroundTruth(*parts, labels={"9:9": "0"})
    with pytest.raises(InputError, match="step must be a checkpoint, got 5"):
        truth.at(5)
    assert isinstance(truth.tasks["0"], Task)
