import numpy as np
import pytest
import torch

from somite.baselines import (
    composition_graph,
    head_similarity,
    head_singular_values,
    neuron_similarity,
)
from somite.behavior import composition
from somite.core.errors import InputError
from unit.baselines.small import drawn
from unit.behavior.circuits import drawn_model, induction_circuit
from unit.behavior.test_composition import matrices


def turned(model, layer: int, head: int):
    """The same function with other coordinates inside a head."""
    attn = model.block(layer).attn
    for seed, (first, second) in enumerate((("W_Q", "W_K"), ("W_V", "W_O"))):
        turn = torch.from_numpy(drawn(4, 4, seed=seed))
        left, right = getattr(attn, first), getattr(attn, second)
        left.data[head] = turn @ left.data[head]
        right.data[head] = torch.linalg.inv(turn).T @ right.data[head]
    return model


def unbiased_model():
    return drawn_model(norm="rms", bias=False)


@pytest.mark.parametrize("method", [head_similarity, head_singular_values, composition_graph])
def test_coordinates_inside_a_head_do_not_matter(method):
    before, after = method(unbiased_model()), method(turned(unbiased_model(), 1, 0))
    np.testing.assert_allclose(before, after, atol=1e-9)


def test_raw_weights_do_move_with_the_coordinates():
    queries = [
        m.block(1).attn.W_Q[0].detach() for m in (unbiased_model(), turned(unbiased_model(), 1, 0))
    ]
    assert torch.nn.functional.cosine_similarity(*[q.flatten() for q in queries], dim=0) < 0.9


def test_features_follow_the_formulas():
    model = unbiased_model()
    pairs = [matrices(model, 0, 1), matrices(model, 2, 0)]
    cosine = [(a * b).sum() / (a.norm() * b.norm()) for a, b in zip(*pairs, strict=True)]
    found = head_similarity(model).sel(component="0:1", other="2:0").item()
    assert found == pytest.approx(sum(cosine).item() / 2)
    values = torch.linalg.svdvals(pairs[0][1])[:4].detach()
    features = head_singular_values(model).sel(component="0:1", circuit="OV")
    np.testing.assert_allclose(features, values / values.norm())


def test_copies_of_a_head_are_alike_and_scale_does_not_matter():
    model = unbiased_model()
    for weight in model.block(1).attn.weights().values():
        weight.data[1] = 3 * weight.data[0]
    assert head_similarity(model).sel(component="1:0", other="1:1").item() == pytest.approx(1)


def test_units_are_compared_without_scale_and_sign():
    first, second = drawn(4, 3), drawn(2, 4, seed=1)
    before = neuron_similarity([first, second])
    first[2], second[:, 2] = -5 * first[2], second[:, 2] / -5
    np.testing.assert_allclose(before, neuron_similarity([first, second]))
    cosines = [
        abs(a @ b) / np.linalg.norm(a) / np.linalg.norm(b)
        for a, b in ((first[0], first[1]), second[:, :2].T)
    ]
    assert before[0, 1].item() == pytest.approx(np.mean(cosines))


def test_units_of_different_layers_are_not_compared():
    found = neuron_similarity([drawn(2, 3), drawn(2, 2), drawn(1, 2)])
    assert list(found.component.values) == ["0:0", "0:1", "1:0", "1:1"]
    assert not found[:2, 2:].any()


def test_the_hand_built_circuit_has_one_edge():
    """Keys of 1:0 read all of what 0:0 writes of twelve tokens, and nothing else."""
    model = induction_circuit()
    second = model.block(1).attn
    second.W_Q.data[0, -1], second.W_K.data[0, -1] = 0, 0  # what keeps position 0 out
    graph = composition_graph(model, n_random=20)
    chance = composition(model, 0, 20).random_strength.item()
    edge = graph.sel(component="0:0", other="1:0").item()
    assert edge == pytest.approx(12**-0.5 - chance)
    assert edge > 0.05
    assert graph.sum().item() == pytest.approx(2 * edge)


def test_a_large_part_that_reads_nothing_hides_the_circuit():
    """The known weakness of shares of norms: the same circuit with its guard of position 0."""
    assert not composition_graph(induction_circuit(), n_random=20).any()


def test_edges_are_the_excess_over_random_heads():
    model = drawn_model()
    excess = composition(model, 3, 20).excess.sel(source="0:1", target="2:0")
    edge = composition_graph(model, ["Q", "V"], 3, 20).sel(component="2:0", other="0:1")
    expected = excess.sel(kind=["Q", "V"]).clip(min=0).sum().item()
    assert edge.item() == pytest.approx(expected)
    assert expected > 0


@pytest.mark.parametrize(
    ("kinds", "message"),
    [
        (["X"], "kinds must be a known name, got 'X'"),
        ([], "kinds must name at least one kind, each once"),
        (["Q", "Q"], "kinds must name at least one kind, each once"),
    ],
)
def test_bad_kinds_are_named(kinds, message):
    with pytest.raises(InputError, match=message):
        composition_graph(drawn_model(), kinds)


def test_what_cannot_be_compared_is_named():
    with pytest.raises(InputError, match="model must have at least two layers, got 1"):
        composition_graph(drawn_model(n_layers=1))
    with pytest.raises(InputError, match="model must have at least two heads, got 1"):
        head_similarity(drawn_model(n_layers=1, n_heads=1))
    silent = unbiased_model()
    silent.block(1).attn.W_O.data[0] = 0
    for method in (head_similarity, head_singular_values):
        with pytest.raises(InputError, match=r"weights must not be zero.*, got 'zero for 1:0'"):
            method(silent)
    with pytest.raises(InputError, match="weights must have a hidden layer, got 1"):
        neuron_similarity([np.ones((2, 2))])
    with pytest.raises(InputError, match=r"weights must not be zero.*, got 'zero for 0:1'"):
        neuron_similarity([np.array([[1.0], [0.0]]), np.ones((1, 2))])
