import pytest
import torch

from somite.core.errors import InputError
from somite.core.random import stream
from somite.models import (
    BlockLinear,
    DeepLinear,
    block_linear_population_loss,
    deep_linear_population_loss,
    random_center,
)

ROW = torch.zeros(1)


def blocks(*widths: tuple[int, ...]) -> BlockLinear:
    nets = [
        DeepLinear.from_weights(random_center(w, stream("net", w, i))) for i, w in enumerate(widths)
    ]
    return BlockLinear(nets)


def moved(model: BlockLinear) -> BlockLinear:
    for i, weight in enumerate(model.parameters()):
        weight.data += torch.randn(weight.shape, generator=stream("moved", i), dtype=torch.float64)
    return model


def test_each_block_has_its_own_inputs_and_outputs():
    model = blocks((3, 2, 4), (2, 3, 1))
    x = torch.randn(5, 5, generator=stream("x"), dtype=torch.float64)
    expected = torch.cat([model.net(0)(x[:, :3]), model.net(1)(x[:, 3:])], 1)
    torch.testing.assert_close(model(x), expected)
    torch.testing.assert_close(model.dense()(x), expected)


def test_the_dense_network_has_the_same_loss():
    model = blocks((3, 2, 4), (2, 3, 1))
    assert float(deep_linear_population_loss(model.dense(), ROW).detach()) == 0.0
    control = moved(model).dense()
    control.truth = torch.block_diag(*[net.truth for net in model.nets])
    torch.testing.assert_close(
        block_linear_population_loss(model, ROW), deep_linear_population_loss(control, ROW)
    )
    assert float(deep_linear_population_loss(control, ROW).detach()) > 0.1


def test_losses_of_blocks_add_exactly():
    model = blocks((3, 2, 3), (3, 2, 3))

    def at(*shifts: float) -> float:
        for shift, net in zip(shifts, model.nets, strict=True):
            net.weights[0].data += shift
        value = float(block_linear_population_loss(model, ROW).detach())
        for shift, net in zip(shifts, model.nets, strict=True):
            net.weights[0].data -= shift
        return value

    assert abs(at(0.3, 0.2) - at(0.3, 0.0) - at(0.0, 0.2)) < 1e-12
    assert at(0.3, 0.0) > 1e-3


def test_dense_rows_cover_every_weight_once():
    model = blocks((3, 2, 4), (2, 3, 1))
    for kind in ("blocks", "layers"):
        counts = [torch.zeros(w.shape, dtype=torch.long) for w in model.dense().weights]
        for mask in model.dense_components()[kind].values():
            for name, chosen in mask.entries.items():
                counts[int(name.split(".")[1])] += chosen
        assert all((count == 1).all() for count in counts)
        assert list(model.dense_components()[kind]) == list(model.components()[kind])


def test_bad_input():
    for nets in ([], [DeepLinear([2, 2]), DeepLinear([2, 2, 2])]):
        with pytest.raises(InputError, match="nets must be networks of one depth and input var"):
            BlockLinear(nets)
