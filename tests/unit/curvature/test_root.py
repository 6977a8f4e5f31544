"""The root of the Gauss-Newton matrix says what the matrix says."""

import pytest
import torch
from torch import nn

from somite.components.mask import Mask
from somite.core.errors import InputError
from somite.curvature import BlockRoot, gauss_newton, gauss_newton_root
from somite.models import MLP


def network(widths=(3, 4, 2)):
    model = MLP(list(widths), seed=3).double()
    x = torch.linspace(-1, 1, 15, dtype=torch.float64).reshape(5, 3).sin()
    return model, x, model.components()["neurons"]


def outputs(model, x):
    return model(x)


@pytest.mark.parametrize(("kind", "factor"), [("squared", 0.5), ("logits", 2.0)])
def test_interactions_are_those_of_the_matrix(kind, factor):
    model, x, masks = network()
    whole = gauss_newton(model, outputs, x, masks, kind, factor).coupling(300.0, 30.0).interaction
    root = gauss_newton_root(model, outputs, x, masks, kind, factor)
    torch.testing.assert_close(
        torch.from_numpy(root.interaction(300.0, 30.0).values), torch.from_numpy(whole.values)
    )
    assert float(abs(whole).max()) > 0.01


def test_few_examples_for_many_weights_say_the_same():
    model, x, masks = network()
    root = gauss_newton_root(model, outputs, x[:1], masks)
    assert all(2 * part.shape[1] > part.shape[0] for part in root.rows.values())
    matrix = gauss_newton(model, outputs, x[:1], masks)
    tall = BlockRoot.of_matrix(
        matrix.matrix, {n: torch.tensor(p) for n, p in matrix.places.items()}
    )
    assert abs(tall.alignment() - root.alignment()).max() < 1e-9
    whole = gauss_newton(model, outputs, x[:1], masks).coupling(10.0, 1.0).interaction
    assert abs(root.interaction(10.0, 1.0) - whole).max() < 1e-9


def test_a_wrong_factor_is_noticed():
    model, x, masks = network()
    right = gauss_newton_root(model, outputs, x, masks).interaction(300.0, 30.0)
    wrong = gauss_newton_root(model, outputs, x, masks, factor=2.0).interaction(300.0, 30.0)
    assert abs(right - wrong).max() > 1e-3


def test_alignment_is_that_of_the_blocks():
    model, x, masks = network()
    root = gauss_newton_root(model, outputs, x, masks)
    found = gauss_newton(model, outputs, x, masks)
    a, b = list(masks)[:2]
    first, second = found.places[a], found.places[b]
    h = found.matrix
    expected = h[first][:, second].square().sum() / (
        h[first][:, first].norm() * h[second][:, second].norm()
    )
    assert root.alignment().sel(component=a, other=b).item() == pytest.approx(float(expected))
    assert root.highest == pytest.approx(float(torch.linalg.eigvalsh(h).max()))


def test_a_known_matrix_has_a_root():
    matrix = torch.tensor([[2.0, 1.0, 0.0], [1.0, 2.0, 0.0], [0.0, 0.0, -1e-9]])
    places = {name: torch.tensor([i]) for i, name in enumerate("abc")}
    root = BlockRoot.of_matrix(matrix, places)
    assert (root.rows["a"].T @ root.rows["b"]).item() == pytest.approx(1.0)
    assert root.alignment().sel(component="c").values.tolist() == [0.0, 0.0, 0.0]


def test_outputs_that_are_not_finite_are_refused():
    model = nn.Linear(1, 1)
    masks = {"w": Mask({"weight": torch.tensor([[True]])})}
    with pytest.raises(InputError, match="outputs must give finite numbers, got 'NaN or infinite'"):
        gauss_newton_root(model, lambda m, x: (0 * m(x)).log(), torch.ones(2, 1), masks)
    with pytest.raises(InputError, match="kind must be a known name, got 'cubic'"):
        gauss_newton_root(model, outputs, torch.ones(2, 1), masks, "cubic")
