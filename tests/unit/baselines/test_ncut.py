import numpy as np
import pytest

from somite.baselines import ncut, ncut_test, spectral_labels
from somite.core.errors import InputError
from unit.baselines.small import drawn
from unit.baselines.test_weight_graph import relu_rescaled


def planted(noise: float, seed: int = 0) -> list[np.ndarray]:
    """Two modules of 5 inputs, 6 hidden units and 4 outputs, with weights of `noise` across."""
    inside = [np.kron(np.eye(2), np.ones(shape)) for shape in ((6, 5), (4, 6))]
    return [m * (1 + 0.1 * drawn(*m.shape, seed=seed)) + noise * (1 - m) for m in inside]


def test_ncut_of_a_hand_made_graph():
    """A path of four nodes with weights 1, 2, 1 cut in the middle: 2/4 on either side."""
    path = np.diag([1.0, 2.0, 1.0], 1)
    assert ncut(path + path.T, np.array([0, 0, 1, 1])) == 1.0
    assert ncut(path + path.T, np.array([0, 1, 1, 0])) == pytest.approx(2 / 2 + 2 / 6)
    assert ncut(path + path.T, np.zeros(4, dtype=int)) == 0.0


def test_complete_graphs_have_the_closed_form():
    """k even clusters of a complete graph of n nodes: each cuts (n − n/k)/(n − 1) of its volume."""
    n, k = 12, 3
    labels = np.repeat(np.arange(k), n // k)
    assert ncut(np.ones((n, n)) - np.eye(n), labels) == pytest.approx(k * (n - n / k) / (n - 1))


def test_planted_modules_are_found_and_significant():
    found = ncut_test(planted(0.05), clusters=2, seed=0, shuffles=40)
    side = [
        int(name.split(":")[1]) >= half
        for name, half in zip(
            found.component.values.tolist(), [5] * 10 + [6] * 12 + [4] * 8, strict=True
        )
    ]
    assert (
        len({(label, s) for label, s in zip(found.label.values.tolist(), side, strict=True)}) == 2
    )
    assert found.p_value.item() == pytest.approx(1 / 41)
    assert found.z < -4


def test_random_weights_are_seldom_significant():
    """Weights that are exchangeable have p even on 1/20, 2/20, … 1, with mean 0.525; that 6 of 12
    are at most 0.1 has probability 0.0005.
    """
    values = [
        ncut_test([drawn(8, 6, seed=2 * s), drawn(5, 8, seed=2 * s + 1)], 2, s, 19).p_value.item()
        for s in range(12)
    ]
    assert abs(np.mean(values) - 0.525) <= 4 * (1 / 12 / 12) ** 0.5
    assert sum(p < 0.101 for p in values) <= 5


def test_only_the_normalised_test_is_free_of_relu_scales():
    weights = planted(0.4)
    other = relu_rescaled(weights, seed=3)
    same = [ncut_test(w, 2, 0, 5).ncut.item() for w in (weights, other)]
    assert same[0] == pytest.approx(same[1], abs=1e-9)
    moved = [ncut_test(w, 2, 0, 5, normalize=False).ncut.item() for w in (weights, other)]
    assert abs(moved[0] - moved[1]) > 0.05


def test_isolated_neurons_are_left_out():
    weights = planted(0.0)
    weights[0][0], weights[1][:, 0] = 0, 0
    weights[0][:, 3] = 0
    found = ncut_test(weights, 2, 0, 5)
    assert {"0:0", "in:3"} & set(found.component.values.tolist()) == set()
    assert found.sizes["component"] == 28


def test_shuffling_of_nonzero_places_keeps_the_zeros():
    """With all weights equal nothing changes then, and no deviation can be told."""
    block = np.kron(np.eye(2), np.ones((4, 4)))
    found = ncut_test([block, block], 2, 0, 10, which="nonzero")
    np.testing.assert_allclose(found.null, 0, atol=1e-12)
    assert found.p_value == 1
    assert np.isnan(found.z)
    assert ncut_test([block, block], 2, 0, 10, which="all").null.min() > 0.1


def test_bad_settings_are_named():
    weights = planted(0.1)
    for changes, message in [
        ({"clusters": 1}, "clusters must be a whole number of at least 2, got 1"),
        ({"clusters": 30}, "clusters must be fewer than the 30 neurons with edges, got 30"),
        ({"shuffles": 1}, "shuffles must be a whole number of at least 2, got 1"),
        ({"which": "some"}, "which must be a known name, got 'some'"),
    ]:
        with pytest.raises(InputError, match=message):
            ncut_test(weights, **{"clusters": 2, "seed": 0, **changes})
    with pytest.raises(InputError, match="weights must hold an edge"):
        ncut_test([np.zeros((2, 2))], 2, 0)
    with pytest.raises(InputError, match="clusters must be fewer than the 3 neurons"):
        spectral_labels(np.ones((3, 3)), 3, 0)
