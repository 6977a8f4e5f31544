import numpy as np
import pytest

from somite.baselines.weight_graph import neuron_names, rescaled, two_step_similarity, weight_graph
from somite.core.errors import InputError
from unit.baselines.small import drawn


def relu_rescaled(weights, seed=0):
    """The same ReLU function with other scales of its hidden units."""
    first, second = (w.copy() for w in weights)
    scale = np.exp(drawn(len(first), seed=seed))
    return [first * scale[:, None], second / scale]


def test_edges_are_absolute_weights_between_neighbours():
    first, second = drawn(3, 2), drawn(4, 3, seed=1)
    graph = weight_graph([first, second])
    assert graph.sel(component="in:1", other="0:2") == abs(first[2, 1])
    assert graph.sel(component="0:0", other="out:3") == abs(second[3, 0])
    assert not graph.sel(component=["in:0", "in:1"], other=["out:0", "out:1"]).any()
    assert not graph.sel(component=["0:0", "0:1"], other=["0:1", "0:2"]).values[[0, 1], [0, 0]][0]
    np.testing.assert_array_equal(graph, graph.T)


def test_rescaling_keeps_the_function_of_a_relu_network():
    first, second = drawn(5, 3), drawn(2, 5, seed=1)
    after = rescaled([first, second])
    x = drawn(3, 10, seed=2)
    relu = [b @ np.maximum(a @ x, 0) for a, b in ((first, second), after)]
    np.testing.assert_allclose(*relu)
    np.testing.assert_allclose(np.abs(after[0]).mean(1), 1)


def test_only_the_normalised_graph_is_free_of_relu_scales():
    weights = [drawn(5, 3), drawn(2, 5, seed=1)]
    other = relu_rescaled(weights)
    np.testing.assert_allclose(weight_graph(weights, True), weight_graph(other, True))
    assert np.abs(weight_graph(weights) - weight_graph(other)).max() > 0.1


def test_a_silent_unit_is_left_alone():
    assert rescaled([np.zeros((1, 2)), np.ones((1, 1))])[1].tolist() == [[1.0]]


def test_two_steps_join_units_of_one_block_only():
    block = np.kron(np.eye(2), np.ones((3, 3)))
    found = two_step_similarity(weight_graph([block, block]), [f"0:{i}" for i in range(6)])
    np.testing.assert_allclose(found, np.kron(np.eye(2), np.ones((3, 3))), atol=1e-12)


def test_an_isolated_neuron_is_like_no_other():
    block = np.kron(np.eye(2), np.ones((3, 3)))
    block[0], lower = 0, block.copy()
    lower[:, 0] = 0
    found = two_step_similarity(weight_graph([block, lower]), ["0:0", "0:1"])
    assert found[0, 1] == 0


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([], r"weights must be matrices \(out, in\), one per layer"),
        ([np.ones(3)], r"weights must be matrices \(out, in\), one per layer"),
        ([np.ones((2, 3)), np.ones((2, 3))], "weights must fit together from layer to layer"),
        ([np.array([[np.inf]])], "weights must be finite"),
    ],
)
def test_bad_weights_are_named(weights, message):
    with pytest.raises(InputError, match=message):
        weight_graph(weights)


def test_unknown_neurons_are_named():
    graph = weight_graph([np.ones((2, 2))])
    assert neuron_names([np.ones((2, 2))]) == ["in:0", "in:1", "out:0", "out:1"]
    with pytest.raises(InputError, match=r"names must be in the graph, got \['0:7'\]"):
        two_step_similarity(graph, ["in:0", "0:7"])
