import numpy as np
import pytest

from somite.core.errors import InputError
from somite.estimators import interaction, moved
from unit.estimators.pairs import pair_draws


def table(shared: float, step_size: float, **more):
    return interaction(pair_draws(shared, step_size=step_size, **more))


def test_a_change_by_more_than_two_errors_is_said_in_words():
    one, half = table(0.3, 0.1), table(-0.1, 0.05)
    found = moved(one, half, ["interaction"])
    assert found.interaction.item() == pytest.approx(-4.0)
    error = np.hypot(one.mcse.item(), half.mcse.item())
    assert found.interaction_z.item() == pytest.approx(-4.0 / error)
    assert "moves with the settings by more than 2 errors" in found.interaction_remark.item()


def test_a_change_within_the_errors_is_not():
    found = moved(table(0.3, 0.1), table(0.3, 0.05), ["interaction"])
    assert found.interaction_z.item() == 0.0
    assert found.interaction_remark.item() == ""


def test_tables_must_be_of_the_same_things_under_other_settings():
    one = table(0.3, 0.1)
    with pytest.raises(InputError, match="settings of the two runs must differ"):
        moved(one, table(0.2, 0.1), ["interaction"])
    with pytest.raises(InputError, match="cut must be in both tables"):
        moved(one, table(0.3, 0.05), ["cut"])
    with pytest.raises(InputError, match="number of columns"):
        moved(one, table(0.3, 0.05), [])
    renamed = table(0.3, 0.05).assign_coords(pair=["C|D"])
    with pytest.raises(InputError, match="interaction must be of the same things in both"):
        moved(one, renamed, ["interaction"])
