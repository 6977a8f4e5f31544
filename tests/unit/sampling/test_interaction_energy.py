import numpy as np
import pytest
import torch

import somite as so
from somite.core.errors import InputError
from somite.sampling.interaction_energy import interaction_energy
from unit.models.tiny import tiny_rows, tiny_transformer
from unit.sampling.bowl import Bowl

EACH = {f"{i}": so.Mask({"weight": torch.arange(4) == i}) for i in range(4)}
DATA = torch.zeros(3, 1, dtype=torch.float64)
COUPLING = 1.7


def streams_loss(model, batch):
    """Weights 0 and 1 in one product, 2 and 3 in another."""
    a, b, c, d = model.weight - model.bottom
    return (1 + COUPLING * a * b + (c * d).sin() + a**4 + c**2).expand(len(batch))


def measured(loss=streams_loss, **changes):
    given = {"scale": 0.3, "repeats": 2000, **changes}
    return interaction_energy(Bowl((1.0,) * 4), loss, DATA, EACH, **given)


def test_separate_streams_have_no_energy_at_all():
    table = measured(repeats=8)
    for a in "01":
        for b in "23":
            assert abs(float(table.square.sel(component=a, other=b))) ** 0.5 <= 1e-12
    assert float(table.square.sel(component="2", other="3")) > 1e-6


def test_a_bilinear_coupling_has_its_exact_moments():
    found = measured().sel(component="0", other="1")
    exact = COUPLING**2 * 0.3**4  # E (c·δa·δb)²
    assert abs(found.square - exact) < 4 * found.square_error
    assert abs(found.energy) < 4 * found.energy_error
    k = exact + 105 * 0.3**8  # K = c·ab + a⁴, whose parts do not correlate
    assert abs(found.statistic - exact / k) < 4 * found.statistic_error


def test_scales_belong_to_components():
    scale = {"0": 0.3, "1": 0.1, "2": 0.2, "3": 0.2}
    found = measured(scale=scale).sel(component="0", other="1")
    assert abs(found.square - COUPLING**2 * 0.03**2) < 4 * found.square_error


def test_it_is_symmetric_repeatable_and_leaves_the_model_alone():
    model, heads = tiny_transformer(), so.components(tiny_transformer(), "heads")
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    tables = [
        interaction_energy(model, so.next_token_loss, tiny_rows(), heads, 0.1, repeats=8, seed=seed)
        for seed in (0, 0, 1)
    ]
    np.testing.assert_array_equal(tables[0].square, tables[0].square.T)
    assert tables[0].equals(tables[1])
    assert not tables[0].equals(tables[2])
    assert all(torch.equal(before[name], w) for name, w in model.state_dict().items())
    assert np.isnan(np.diag(tables[0].energy)).all()


def test_a_loss_that_never_changes_has_no_statistic():
    table = measured(loss=lambda model, batch: batch[:, 0], repeats=8)
    assert float(table.statistic.sel(component="0", other="1")) == 0


def test_bad_input_is_named():
    with pytest.raises(InputError, match="scale must be positive, got 0"):
        measured(scale=0.0)
    with pytest.raises(InputError, match=r"scale must be given for \['1', '2', '3'\]"):
        measured(scale={"0": 1.0})
    with pytest.raises(InputError, match="repeats must be a whole number of at least 8"):
        measured(repeats=2)
    with pytest.raises(InputError, match="loss must be finite at displaced weights, got nan"):
        measured(loss=lambda model, batch: (model.weight - model.bottom).sum().sqrt() + batch[:, 0])
    twice = EACH | {"again": EACH["2"]}
    with pytest.raises(InputError, match="components 2 and again must not share weights"):
        interaction_energy(Bowl((1.0,) * 4), streams_loss, DATA, twice, 0.1)
    with pytest.raises(InputError, match="number of components"):
        interaction_energy(Bowl((1.0,) * 4), streams_loss, DATA, {"0": EACH["0"]}, 0.1)
